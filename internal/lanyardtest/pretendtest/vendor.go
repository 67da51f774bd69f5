// Package pretendtest is the bot vendors behind the runners, for tests: real HTTP servers
// that are strict about each one's wire format, take one key, and whose bots ask a token
// URL as that vendor's do and join the sandbox's meeting with what they get.
//
// Written from the vendors' documentation and not from package runner. Where a vendor asks
// for https, http on this machine is taken as well, because there the tests are.
package pretendtest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Key is what every pretend vendor takes.
const Key = "vendor-key-of-the-customer"

// Vendor is one pretend vendor.
type Vendor struct {
	URL   string        // where its API begins
	Retry time.Duration // between tries to join while the person is not there
	Give  time.Duration // for how long it tries

	zoom  string // the sandbox's
	words words
	t     testing.TB
	stop  chan struct{}
	mu    sync.Mutex
	bots  []*bot
	tasks sync.WaitGroup
}

// words is what differs between the vendors.
type words interface {
	mount(v *Vendor, mux *http.ServeMux)
	fail(w http.ResponseWriter, status int, text string)
	keyOf(r *http.Request) (key string, malformed bool)
	fetch(v *Vendor, b *bot) bool // gets the bot's tokens; false: it must not join
	states() map[string]string    // Bot.State → the vendor's word
}

// Bot is a vendor's bot as a test sees it.
type Bot struct {
	ID          string
	State       string // joining, in, out, failed, removed
	Why         string // why it failed: the Meeting SDK's code, or "no_token"
	Participant string // what Zoom calls it
	Tries       int    // to join
	Asked       int    // for tokens
	Request     map[string]any
}

type bot struct {
	Bot
	number, name string
	obf          []string // the first try has the first, and so on, round and round
	zak, rec     string
	removed      bool
}

func start(t testing.TB, zoom, base string, w words) *Vendor {
	v := &Vendor{zoom: zoom, words: w, t: t, stop: make(chan struct{}), Retry: 25 * time.Millisecond, Give: 20 * time.Second}
	api := http.NewServeMux()
	w.mount(v, api)
	api.HandleFunc("/", func(rw http.ResponseWriter, _ *http.Request) { w.fail(rw, http.StatusNotFound, "Not found.") })
	srv := httptest.NewServer(http.StripPrefix(base, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		key, malformed := w.keyOf(r)
		switch {
		case malformed || key == "":
			w.fail(rw, http.StatusUnauthorized, "Missing Authorization header")
		case key != Key:
			w.fail(rw, w.(interface{ badKey() int }).badKey(), "Invalid or disabled API key")
		default:
			api.ServeHTTP(rw, r)
		}
	})))
	v.URL = srv.URL + base
	t.Cleanup(func() { close(v.stop); v.tasks.Wait(); srv.Close() })
	return v
}

// Bots are those it was asked for, the oldest first.
func (v *Vendor) Bots() (all []Bot) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, b := range v.bots {
		all = append(all, b.Bot)
	}
	return all
}

func (v *Vendor) bot(id string) *bot {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, b := range v.bots {
		if b.ID == id {
			return b
		}
	}
	return nil
}

// set changes a bot.
func (v *Vendor) set(b *bot, fn func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	fn()
}

func (v *Vendor) look(b *bot) Bot {
	v.mu.Lock()
	defer v.mu.Unlock()
	return b.Bot
}

var meetingIn = regexp.MustCompile(`[0-9]{9,11}`)

// send makes a bot and sends it to its meeting.
func (v *Vendor) send(id, link, name string, request map[string]any) *bot {
	b := &bot{Bot: Bot{ID: id, State: "joining", Request: request}, name: name}
	if u, err := url.Parse(link); err == nil {
		b.number = meetingIn.FindString(u.Path)
	}
	v.mu.Lock()
	v.bots = append(v.bots, b)
	v.mu.Unlock()
	v.tasks.Go(func() { v.run(b) })
	return b
}

// run is a bot's life. Its tokens are fetched once, and every try is made with them.
func (v *Vendor) run(b *bot) {
	if !v.words.fetch(v, b) {
		v.set(b, func() { b.State, b.Why = "failed", "no_token" })
		return
	}
	for end := time.Now().Add(v.Give); ; {
		obf := ""
		if len(b.obf) > 0 {
			obf = b.obf[v.look(b).Tries%len(b.obf)]
		}
		code, participant := v.join(b, obf)
		v.set(b, func() {
			if b.Tries++; code == 0 {
				b.State, b.Participant = "in", participant
			}
		})
		switch {
		case code == 0:
			v.stay(b)
			return
		case code != 4017 || time.Now().After(end) || b.isRemoved(v):
			v.set(b, func() { b.State, b.Why = "failed", strconv.Itoa(code) })
			return
		}
		select {
		case <-v.stop:
			return
		case <-time.After(v.Retry):
		}
	}
}

func (b *bot) isRemoved(v *Vendor) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return b.removed
}

// join is what the Meeting SDK does; 0: it is in.
func (v *Vendor) join(b *bot, obf string) (code int, participant string) {
	var a struct {
		Code        int    `json:"code"`
		Participant string `json:"participant_id"`
	}
	v.post(v.zoom+"/meetings/"+b.number+"/join", map[string]any{"bot_name": b.name, "onbehalf_token": obf, "zak": b.zak, "recording_token": b.rec}, &a)
	if a.Participant == "" && a.Code == 0 {
		a.Code = -1
	}
	return a.Code, a.Participant
}

// stay lasts until Zoom has thrown the bot out, or it is told to leave.
func (v *Vendor) stay(b *bot) {
	for {
		if b.isRemoved(v) {
			v.post(v.zoom+"/meetings/"+b.number+"/leave", map[string]any{"participant_id": v.look(b).Participant}, nil)
		}
		var m struct {
			Bots []struct {
				ID     string `json:"participant_id"`
				Status string `json:"status"`
				Reason string `json:"reason"`
			} `json:"bots"`
		}
		r, err := http.Get(strings.TrimSuffix(v.zoom, "/zoom") + "/admin/meetings/" + b.number)
		if err == nil {
			_ = json.NewDecoder(r.Body).Decode(&m)
			_ = r.Body.Close()
		}
		for _, one := range m.Bots {
			if one.ID == v.look(b).Participant && one.Status == "ended" {
				v.set(b, func() { b.State, b.Why = "out", one.Reason })
				return
			}
		}
		select {
		case <-v.stop:
			return
		case <-time.After(v.Retry):
		}
	}
}

func (v *Vendor) post(address string, body, into any) {
	text, _ := json.Marshal(body)
	r, err := http.Post(address, "application/json", strings.NewReader(string(text)))
	if err != nil {
		return
	}
	defer r.Body.Close()
	if into != nil {
		_ = json.NewDecoder(r.Body).Decode(into)
	}
}

// ask is one call of a token URL: nothing is followed, and ten seconds are all it has.
func (v *Vendor) ask(b *bot, method, address, body string, header http.Header) (status int, text string) {
	v.set(b, func() { b.Asked++ })
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		return 0, ""
	}
	for k, values := range header {
		r.Header[k] = values
	}
	c := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(r)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	read, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	return resp.StatusCode, string(read)
}

// read decodes a request's JSON object; false: it was refused.
func (v *Vendor) read(w http.ResponseWriter, r *http.Request) (map[string]any, bool) {
	var in map[string]any
	if r.Header.Get("Content-Type") != "application/json" {
		v.words.fail(w, http.StatusUnsupportedMediaType, "Unsupported media type")
		return nil, false
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		v.words.fail(w, http.StatusBadRequest, "JSON parse error")
		return nil, false
	}
	return in, true
}

// text is a string member.
func text(in map[string]any, name string) string {
	s, _ := in[name].(string)
	return s
}

// object is an object member, which may be absent.
func object(in map[string]any, name string) map[string]any {
	o, _ := in[name].(map[string]any)
	return o
}

// secure says whether a URL is one that vendors call.
func secure(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Host != "" && (u.Scheme == "https" || slices.Contains([]string{"127.0.0.1", "localhost"}, u.Hostname()))
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// tokenKey reads "Authorization: Token <key>": two parts, no more.
func tokenKey(r *http.Request) (string, bool) {
	parts := strings.Fields(r.Header.Get("Authorization"))
	if len(parts) != 2 || !strings.EqualFold(parts[0], "Token") {
		return "", true
	}
	return parts[1], false
}
