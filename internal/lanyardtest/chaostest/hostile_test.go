package chaostest_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Every secret of these tests begins so, and everything a provider says in words
// holds said: neither may be found where it does not belong.
const (
	canary = "kQ7zX2pW"
	said   = "tHeProviderSays"
)

// what a provider of each class does with a refresh token that was used.
const (
	static    = "static"
	overlap   = "overlap"
	grace     = "grace"
	strict    = "strict"
	reuseKill = "reuse_kill"
)

var classes = []string{static, overlap, grace, strict, reuseKill}

// graceFor is how long the old refresh token works at a provider of class grace.
// Tests let 35 minutes go by at a time, so all of them lie inside.
const graceFor = 20 * time.Hour

var serial atomic.Int64

func newName(kind string) string { return kind + "-" + strconv.FormatInt(serial.Add(1), 36) }

func newToken(kind string) string {
	return kind + canary + strconv.FormatInt(serial.Add(1), 36)
}

// hostile is an OAuth provider: a raw server that speaks HTTP by hand.
type hostile struct {
	t        testing.TB
	class    string
	base     string // URL
	name     string // host name; "": none
	addr     string // to listen on
	clientID string
	oidc     bool // its answers may hold ID tokens that say whose they are
	secret   string

	mu      sync.Mutex
	l       net.Listener
	conns   map[net.Conn]bool
	config  *tls.Config                // nil: plain HTTP
	accept  func(net.Conn) bool        // before a byte is read; true: it has dealt with the connection
	play    func(*call)                // what is done to renewals; nil: they are answered well
	trade   func(*call)                // what is done to exchanges of codes; nil: they are answered well
	times   int                        // how many more of them; below zero: all
	refresh map[string]*refreshToken   // by token
	owner   map[string]string          // access token → person
	open    map[string]int             // renewals that wait for an answer, by refresh token
	asked   int                        // renewals and probes of the client's secret
	calls   []string                   // refresh tokens that came, oldest first
	wrong   []string                   // what the product must never do
	bad     func(form url.Values) bool // further reasons to refuse a renewal; nil: none
}

// refreshToken is a row of the ledger.
type refreshToken struct {
	value   string
	family  *family
	number  int // counts up
	spentAt time.Time
	given   bool // it went out whole, in an answer that can be read
}

// family is what came of one consent.
type family struct {
	person  string
	newest  *refreshToken
	dead    bool
	revoked bool // by the person
}

// newHostile starts a provider of this class on a port of its own. It ends with the test.
func newHostile(t testing.TB, class string) *hostile {
	t.Helper()
	h := &hostile{t: t, class: class, clientID: newName("client"), secret: newToken("secret-"),
		refresh: map[string]*refreshToken{}, owner: map[string]string{}, open: map[string]int{}, conns: map[net.Conn]bool{}}
	h.addr = "127.0.0.1:0"
	h.listen()
	h.addr = h.l.Addr().String()
	h.base = "http://" + h.addr
	t.Cleanup(h.close)
	return h
}

func (h *hostile) listen() {
	h.t.Helper()
	l, err := net.Listen("tcp", h.addr)
	for range 50 { // the port may just be an outgoing connection's
		if err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
		l, err = net.Listen("tcp", h.addr)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.mu.Lock()
	h.l = l
	h.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go h.serve(c)
		}
	}()
}

func (h *hostile) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	_ = h.l.Close()
}

// definition describes the provider in the words of the catalogue.
func (h *hostile) definition() map[string]any {
	d := map[string]any{
		"name": "Calls Inc", "class": h.class, "client_auth": "basic", "probe": "bogus_refresh",
		"endpoints": map[string]string{"authorize": h.base + "/authorize", "token": h.base + "/token", "identity": h.base + "/me", "api": h.base},
		"identity":  map[string]any{"subject": "sub"},
		"revoke":    map[string]any{"style": "none"},
		"errors":    map[string]string{"invalid_grant/revoked": "rejected user_revoked"},
		"times":     map[string]any{"grace": int(graceFor.Seconds())},
		"scopes":    []map[string]string{{"scope": "calls.read", "say": "See your calls"}},
	}
	if h.oidc {
		e := d["endpoints"].(map[string]string)
		e["issuer"], e["jwks"] = h.base, h.base+"/jwks"
		d["identity"] = map[string]any{"subject": "sub", "claims": map[string]string{"subject": "sub"}}
	}
	return d
}

// arm lets the next so many renewals go wrong; below zero: all, until mended.
func (h *hostile) arm(times int, play func(*call)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.play, h.times = play, times
}

// refuseConnections is what happens to every connection from now on, before a byte is read.
func (h *hostile) refuseConnections(f func(net.Conn) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.accept = f
}

// mend makes it a good provider.
func (h *hostile) mend() {
	h.mu.Lock()
	h.play, h.trade, h.accept, h.bad = nil, nil, nil, nil
	h.mu.Unlock()
}

// blame notes what the product must never do.
func (h *hostile) blame(format string, args ...any) {
	h.wrong = append(h.wrong, fmt.Sprintf(format, args...))
}

// hangUp ends the connections that are kept for later.
func (h *hostile) hangUp() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		_ = c.Close()
	}
}

func (h *hostile) serve(raw net.Conn) {
	c := raw
	h.mu.Lock()
	config, accept := h.config, h.accept
	h.conns[raw] = true
	h.mu.Unlock()
	defer func() {
		_ = raw.Close()
		h.mu.Lock()
		delete(h.conns, raw)
		h.mu.Unlock()
	}()
	if accept != nil && accept(c) {
		return
	}
	if config != nil {
		c = tls.Server(c, config)
	}
	r := bufio.NewReader(c)
	for h.one(c, r) {
	}
}

// one reads one request and answers it; true: another may follow.
func (h *hostile) one(c net.Conn, r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return false
	}
	switch req.URL.Path {
	case "/me":
		bearer := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
		h.mu.Lock()
		person, ok := h.owner[bearer]
		h.mu.Unlock()
		if !ok {
			return write(c, plain(401, `{}`))
		}
		return write(c, plain(200, fmt.Sprintf(`{"sub":%q}`, person)))
	case "/token":
		form, _ := url.ParseQuery(string(body))
		return h.token(c, req, form)
	}
	return write(c, plain(404, `{}`))
}

func (h *hostile) token(c net.Conn, req *http.Request, form url.Values) bool {
	id, secret, _ := req.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	h.mu.Lock()
	known := id == h.clientID && secret == h.secret
	h.mu.Unlock()
	if form.Get("grant_type") == "authorization_code" {
		if !known {
			return write(c, plain(401, `{"error":"invalid_client"}`))
		}
		h.mu.Lock()
		play := h.trade
		h.mu.Unlock()
		k := &call{h: h, Conn: c, code: form.Get("code"), gone: make(chan struct{})}
		if play != nil {
			play(k)
			return false
		}
		k.commit()
		k.arrives()
		return write(c, plain(200, k.fresh.json(true)))
	}
	sent := form.Get("refresh_token")
	h.mu.Lock()
	rt := h.refresh[sent]
	h.asked++
	if rt != nil { // a probe of the client's secret sends one that nobody has
		h.calls = append(h.calls, sent)
		if h.open[sent]++; h.open[sent] > 1 {
			h.blame("a refresh token was sent while an earlier use of it could still be answered")
		}
		if last := h.last(rt.family.person); last != nil && last.family == rt.family && last.number > rt.number {
			h.blame("a spent refresh token was sent although its successor had arrived")
		}
	}
	play := h.play
	switch {
	case play != nil && h.times < 0: // meets probes too
	case play != nil && h.times > 0 && rt != nil:
		h.times--
	default:
		play = nil
	}
	bad := h.bad
	h.mu.Unlock()
	over := sync.OnceFunc(func() {
		h.mu.Lock()
		h.open[sent]--
		h.mu.Unlock()
	})
	defer over()
	k := &call{h: h, Conn: c, rt: rt, gone: make(chan struct{})}
	switch {
	case play != nil:
		go func() { // nobody is answered who has hung up
			_, _ = c.Read(make([]byte, 1))
			over()
			close(k.gone)
		}()
		play(k)
		return false
	case !known:
		return write(c, plain(401, `{"error":"invalid_client","error_description":"`+said+`"}`))
	case rt != nil && rt.family.revoked:
		return write(c, plain(400, `{"error":"invalid_grant","error_subtype":"revoked","error_description":"`+said+`"}`))
	case rt == nil || bad != nil && bad(form) || !k.commit():
		return write(c, plain(400, `{"error":"invalid_grant","error_description":"`+said+`"}`))
	}
	k.arrives()
	return write(c, plain(200, k.fresh.json(h.class != static)))
}

// call is one renewal, for what is done to it.
type call struct {
	net.Conn
	h     *hostile
	rt    *refreshToken // that was sent; nil: none of ours
	code  string        // that was sent instead
	fresh tokens        // after commit
	gone  chan struct{} // closed when the product has hung up
}

// commit does the provider's work: the refresh token is spent and new tokens are
// made. False: the provider refuses.
func (k *call) commit() bool {
	h := k.h
	h.mu.Lock()
	defer h.mu.Unlock()
	if k.code != "" { // it says whose consent it is
		f := &family{person: k.code}
		k.fresh = h.issue(f)
		k.rt = f.newest
		return true
	}
	if k.rt == nil {
		return false
	}
	if !h.renews(k.rt) {
		if h.class == reuseKill && !k.rt.spentAt.IsZero() {
			k.rt.family.dead = true
		}
		return false
	}
	if k.rt.spentAt.IsZero() && h.class != static {
		k.rt.spentAt = time.Now()
	}
	k.fresh = h.issue(k.rt.family)
	return true
}

// access does less than commit: a new access token, and the refresh token stays.
func (k *call) access() {
	k.h.mu.Lock()
	defer k.h.mu.Unlock()
	k.fresh = tokens{access: newToken("a"), refresh: k.rt.value}
	k.h.owner[k.fresh.access] = k.rt.family.person
}

// arrives notes, before it is written, that what goes out can be read.
func (k *call) arrives() {
	k.h.mu.Lock()
	defer k.h.mu.Unlock()
	k.rt.family.newest.given = true
}

// refuse is the answer to a refresh token that does not live.
func (k *call) refuse() {
	write(k, plain(400, `{"error":"invalid_grant","error_description":"`+said+`"}`))
}

// reset ends the connection with an RST.
func (k *call) reset() { reset(k.Conn) }

func reset(c net.Conn) {
	for {
		switch is := c.(type) {
		case *call:
			c = is.Conn
			continue
		case *tls.Conn:
			c = is.NetConn()
			continue
		case *net.TCPConn:
			_ = is.SetLinger(0)
		}
		_ = c.Close()
		return
	}
}

// wait is until the product hangs up, or so long.
func (k *call) wait(d time.Duration) {
	select {
	case <-k.gone:
	case <-time.After(d):
	}
}

// drip writes byte for byte.
func (k *call) drip(b []byte, pause time.Duration) {
	for i := range b {
		if _, err := k.Write(b[i : i+1]); err != nil {
			return
		}
		k.wait(pause)
	}
}

func write(c net.Conn, b []byte) bool {
	_, err := c.Write(b)
	return err == nil
}

// plain is a usual answer.
func plain(status int, body string, header ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	for _, h := range header {
		b.WriteString(h + "\r\n")
	}
	if !slices.ContainsFunc(header, func(h string) bool { return strings.HasPrefix(h, "Content-Type:") }) {
		b.WriteString("Content-Type: application/json\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.Bytes()
}

// idToken looks like an ID token of this subject; its signature is of nobody.
func idToken(issuer, subject string) string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return part(`{"alg":"RS256","kid":"1"}`) + "." + part(fmt.Sprintf(`{"iss":%q,"sub":%q,"aud":"x","exp":4102444800,"iat":1700000000}`, issuer, subject)) + "." + part(canary+"signature")
}

var errNever = errors.New("did not come true")

// eventually waits for something that is on its way.
func eventually(within time.Duration, ok func() bool) error {
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return nil
		}
	}
	return errNever
}
