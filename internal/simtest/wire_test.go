package simtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// line is the way from one process to the providers.
type line struct {
	w     *world
	mu    sync.Mutex
	dead  bool
	conns map[net.Conn]bool // the providers' ends
}

var errNoWay = errors.New("no way there")

// dial is egress.Config.Dial.
func (l *line) dial(ctx context.Context, _, address string) (net.Conn, error) {
	l.w.mu.Lock()
	h := l.w.hosts[address]
	how := ""
	if h != nil && !l.w.fair {
		now := time.Now()
		h.nth["dial"]++
		if r := dice(l.w.seed, h.id, "dial", h.nth["dial"]); r.Float64() < l.w.rough/10 {
			how = "refused"
		}
		for _, win := range h.windows {
			if !now.Before(win.from) && now.Before(win.until) && (win.what == "refused" || win.what == "blackhole") {
				how = win.what
			}
		}
	}
	l.w.mu.Unlock()
	switch {
	case h == nil, how == "refused":
		l.w.noWay(h)
		return nil, errNoWay
	case how == "blackhole":
		select {
		case <-ctx.Done():
		case <-time.After(8 * time.Second): // as the dialer's own patience
		}
		l.w.noWay(h)
		return nil, errNoWay
	}
	ours, theirs := net.Pipe()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return nil, errNoWay
	}
	l.conns[theirs] = true
	l.w.wires.Go(func() {
		h.serve(theirs)
		l.mu.Lock()
		delete(l.conns, theirs)
		l.mu.Unlock()
		theirs.Close()
	})
	return ours, nil
}

// noWay notes that a call could not be made.
func (w *world) noWay(h *host) {
	if h == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	h.failed = append(h.failed, time.Now())
}

// cut ends it all, as the end of the process does.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
	for c := range l.conns {
		c.Close()
	}
}

// serve answers what comes on one connection.
func (h *host) serve(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		form, _ := url.ParseQuery(string(body))
		goOn := false
		switch r.URL.Path {
		case "/token":
			goOn = h.token(c, r, form)
		case "/revoke":
			goOn = h.revoke(c, form)
		case "/userinfo":
			goOn = h.userinfo(c, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		}
		if !goOn || r.Close {
			return
		}
	}
}

func say(c net.Conn, status int, body string) bool {
	_, err := c.Write(answer(status, body, "", true))
	return err == nil
}

func answer(status int, body, header string, length bool) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nDate: %s\r\nX-Request-Id: req-%d\r\n", status, http.StatusText(status),
		time.Now().UTC().Format(http.TimeFormat), time.Now().UnixNano())
	if length {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	} else {
		b.WriteString("Connection: close\r\n")
	}
	if header != "" {
		b.WriteString(header + "\r\n")
	}
	return []byte(b.String() + "\r\n" + body)
}

// token is the token endpoint.
func (h *host) token(c net.Conn, r *http.Request, form url.Values) bool {
	id, secret, _ := r.BasicAuth()
	w := h.w
	w.mu.Lock()
	now := time.Now()
	sub, t := h.whose(form)
	n := h.nth[sub]
	h.nth[sub]++
	h.calls = append(h.calls, callAt{now, id, sub})
	if t != nil {
		w.sentAgain(t, now)
		t.running[now] = true
		t.came = append(t.came, now)
		t.silent++ // until its answer has arrived
	}
	a := w.actFor(h, sub, n, t, now)
	w.counts[a.name]++
	w.mu.Unlock()

	time.Sleep(a.before)
	status, body := a.status, a.body
	var brought *token
	if a.execute {
		w.mu.Lock()
		s, b, got := h.carryOut(id, secret, form, now, time.Now())
		w.mu.Unlock()
		brought = got
		if status == 0 {
			status, body = s, b
		} else {
			brought = nil // somebody in between answers something else
		}
	}
	time.Sleep(a.after)
	arrived := 0
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if t != nil {
			delete(t.running, now)
		}
		done, what := "", cut(body, 80)
		if brought != nil {
			done, what = " brought "+brought.text, ""
		}
		w.tell(sub, "%s sent at %s, %s:%s %d %s, %d bytes arrived, the refresh token at %s", textOf(t), w.at(now), a.name, done, status, what, arrived, w.at(arrivalOf(brought)))
	}()
	if a.hangUp {
		return false
	}
	raw := answer(status, body, a.header, !a.loose)
	if a.cut > 0 {
		raw = raw[:int(a.cut*float64(len(raw)))]
	}
	if i := strings.Index(string(raw), a.cutAt); a.cutAt != "" && i >= 0 {
		raw, a.cut = raw[:i], 1
	}
	wrote := put(c, raw, a.drip)
	arrived = wrote
	w.mu.Lock()
	defer w.mu.Unlock()
	whole := wrote == len(raw) && a.cut == 0
	if t != nil && whole {
		t.silent--
		if status == 400 {
			t.refused++
		}
	}
	if brought != nil && strings.Contains(string(raw[:wrote]), `"`+brought.text+`"`) && brought.arrived.IsZero() {
		brought.arrived = time.Now()
	}
	return whole && !a.loose
}

// put writes, in pieces if it is to drip, and says how much of it was read.
func put(c net.Conn, b []byte, drip bool) (n int) {
	if !drip {
		n, _ = c.Write(b)
		return n
	}
	for n < len(b) {
		m, err := c.Write(b[n:min(n+40, len(b))])
		n += m
		if err != nil || n == len(b) {
			return n
		}
		time.Sleep(300 * time.Millisecond)
	}
	return n
}

// whose says of which account a call is.
func (h *host) whose(form url.Values) (string, *token) {
	if t := h.refresh[form.Get("refresh_token")]; t != nil {
		return t.fam.sub, t
	}
	if c := h.codes[form.Get("code")]; c != nil {
		return c.sub, nil
	}
	return "nobody", nil
}

// carryOut does what a request asks for.
func (h *host) carryOut(id, secret string, form url.Values, came, now time.Time) (int, string, *token) {
	right := false
	for _, s := range h.secrets[id] {
		right = right || s == secret
	}
	switch {
	case h.unknown[id]:
		return 400, `{"error":"invalid_grant"}`, nil
	case !right:
		return 401, `{"error":"invalid_client"}`, nil
	}
	switch form.Get("grant_type") {
	case "authorization_code":
		k := h.codes[form.Get("code")]
		if k == nil || k.spent || k.client != id || k.redirect != form.Get("redirect_uri") || now.After(k.until) || challengeOf(form.Get("code_verifier")) != k.challenge {
			return 400, `{"error":"invalid_grant"}`, nil
		}
		k.spent = true
		f := h.consent(k.sub, id, now)
		return 200, h.tokens(f, f.current, now), f.current
	case "refresh_token":
		t := h.refresh[form.Get("refresh_token")]
		if t == nil || t.fam.client != id {
			return 400, `{"error":"invalid_grant"}`, nil
		}
		next, why := h.spend(t, came, now)
		if next == nil {
			return 400, h.refusalOf(why), nil
		}
		return 200, h.tokens(t.fam, next, now), next
	}
	return 400, `{"error":"unsupported_grant_type"}`, nil
}

func (h *host) tokens(f *family, t *token, now time.Time) string {
	life := fmt.Sprint(int(h.life.Seconds()))
	if f.n%2 == 0 {
		life = `"` + life + `"`
	}
	if f.n%3 == 0 {
		return fmt.Sprintf(`{"refresh_token":"%s","token_type":"bearer","expires_in":%s,"access_token":"%s"}`, t.text, life, f.grant(now))
	}
	return fmt.Sprintf(`{"access_token":"%s","token_type":"Bearer","expires_in":%s,"refresh_token":"%s","scope":"read"}`, f.grant(now), life, t.text)
}

// revoke takes any token of a family, an old one too, and ends it.
func (h *host) revoke(c net.Conn, form url.Values) bool {
	h.w.mu.Lock()
	now := time.Now()
	if t := h.refresh[form.Get("token")]; t != nil {
		t.fam.die("given back", now)
	} else if a := h.access[form.Get("token")]; a != nil {
		a.fam.die("given back", now)
	}
	h.w.mu.Unlock()
	return say(c, 200, "{}")
}

func (h *host) userinfo(c net.Conn, bearer string) bool {
	h.w.mu.Lock()
	ok := h.takes(bearer, time.Now())
	sub := ""
	if ok {
		sub = h.access[bearer].fam.sub
	}
	h.w.mu.Unlock()
	if !ok {
		return say(c, 401, `{"error":"invalid_token"}`)
	}
	return say(c, 200, `{"sub":"`+sub+`"}`)
}

func cut(s string, n int) string { return s[:min(len(s), n)] }

func textOf(t *token) string {
	if t == nil {
		return "code"
	}
	return t.text
}

func arrivalOf(t *token) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.arrived
}
