package vendortest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
)

// urlWorld has a meeting of Ana's, in which she and Ben are.
type urlWorld struct {
	*lanyardtest.World
	app      string
	ana, ben lanyardtest.JSON
	number   string
}

func newURLWorld(t testing.TB, options ...lanyardtest.Option) *urlWorld {
	t.Helper()
	return urlOn(t, lanyardtest.New(t, options...))
}

// urlOn is newURLWorld in a world that is there.
func urlOn(t testing.TB, world *lanyardtest.World) *urlWorld {
	t.Helper()
	w := &urlWorld{World: world}
	w.app = w.Zoom()
	w.ana, w.ben = w.Connect(w.app, "ana-1", "ana"), w.Connect(w.app, "ben-1", "ben")
	m, err := w.Sandbox.CreateMeeting("ana", "Weekly", "")
	if err != nil {
		t.Fatal(err)
	}
	w.number = m.Number
	w.present("ana", true)
	w.present("ben", true)
	return w
}

func (w *urlWorld) present(person string, here bool) {
	w.T.Helper()
	if _, err := w.Sandbox.SetPresent(w.number, person, here); err != nil {
		w.T.Fatal(err)
	}
}

func (w *urlWorld) link() string { return "https://us02web.zoom.us/j/" + w.number + "?pwd=a.1" }

// of are candidates by their connections.
func of(connections ...lanyardtest.JSON) (out []map[string]any) {
	for _, c := range connections {
		out = append(out, map[string]any{"connection_id": c.Str("id")})
	}
	return out
}

// make makes a token URL.
func (w *urlWorld) make(body map[string]any) string {
	w.T.Helper()
	return w.OK("POST", "/v1/token-urls", body).Str("url")
}

// said is an answer to a caller.
type said struct {
	status int
	header http.Header
	body   string
}

func (s said) json(t testing.TB) lanyardtest.JSON {
	t.Helper()
	out := lanyardtest.JSON{}
	if err := json.Unmarshal([]byte(s.body), &out); err != nil {
		t.Fatalf("got %d %q, want JSON: %v", s.status, s.body, err)
	}
	return out
}

// call asks as a vendor's bot does: without following anything.
func call(t testing.TB, method, address, body string, header map[string]string) said {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	client := http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode/100 == 3 || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: got %d, Cache-Control %q, want no redirect and no-store", method, resp.StatusCode, resp.Header.Get("Cache-Control"))
	}
	return said{resp.StatusCode, resp.Header, string(raw)}
}

// with adds parameters to an address, as vendors do to one that may have some.
func with(address string, more ...string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	q := u.RawQuery
	for i := 0; i < len(more); i += 2 {
		if q != "" {
			q += "&"
		}
		q += url.QueryEscape(more[i]) + "=" + url.QueryEscape(more[i+1])
	}
	u.RawQuery = q
	return u.String()
}

// join is the bot at the meeting's door: "" is in, otherwise the SDK's code.
func (w *urlWorld) join(body map[string]any) string {
	w.T.Helper()
	raw, _ := json.Marshal(body)
	resp, err := http.Post(w.SandURL+"/zoom/meetings/"+w.number+"/join", "application/json", bytes.NewReader(raw))
	if err != nil {
		w.T.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var out struct {
		Code int `json:"code"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		w.T.Fatal(err)
	}
	if out.Code == 0 {
		return ""
	}
	return strconv.Itoa(out.Code)
}

// hostKnown waits until it is known that Ana hosts the meeting.
func (w *urlWorld) hostKnown() {
	w.T.Helper()
	for range 200 {
		if w.OK("GET", "/v1/meetings?meeting_number="+w.number, nil).Str("host") == "connected" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.T.Fatal("it is not known whose meeting it is")
}
