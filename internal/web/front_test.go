package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/web"
)

// door lets in the keys "good" and "weak", and notes refusals.
type door struct {
	mu     sync.Mutex
	denied []string
}

const goodProject = "prj_00000000000000000000000000"

func (d *door) Authenticate(_ context.Context, credential lanyard.Secret, o lanyard.Origin, id string) (lanyard.Principal, error) {
	p := lanyard.Principal{Project: goodProject, Name: "key:good", Key: "lyk_good", Scopes: []lanyard.Scope{lanyard.ScopeRead}, Origin: o, RequestID: id}
	switch string(credential.Reveal()) {
	case "good":
		return p, nil
	case "weak":
		p.Key, p.Scopes = "lyk_weak", nil
		return p, nil
	case "revoked":
		p.Key = "lyk_revoked"
		return p, lanyard.Errorf(lanyard.CodeCredentialInvalid, "")
	case "operator":
		return lanyard.Principal{Name: "operator:lyo_x", Key: "lyo_x", Operator: true, Origin: o, RequestID: id}, nil
	}
	return lanyard.Principal{}, lanyard.Errorf(lanyard.CodeCredentialInvalid, "")
}

func (d *door) Denied(_ context.Context, p lanyard.Principal, route string, why error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.denied = append(d.denied, p.Name+" "+route+" "+string(lanyard.CodeOf(why)))
	return nil
}

// nothing remembers no answer; the real one is tested with the whole server.
type nothing struct{}

func (nothing) Claim(context.Context, lanyard.Principal, string, string, []byte) (string, int, []byte, error) {
	return "", 0, nil, nil
}
func (nothing) Keep(context.Context, lanyard.Principal, string, int, []byte) error { return nil }
func (nothing) Release(context.Context, lanyard.Principal, string) error           { return nil }

type noteIn struct {
	ID    string `path:"id"`
	Limit int    `query:"limit" minimum:"1" maximum:"9"`
	Body  struct {
		URL   string   `json:"url" format:"uri"`
		Kind  string   `json:"kind,omitempty" enum:"a,b"`
		Count int      `json:"count,omitempty" maximum:"5"`
		Tags  []string `json:"tags,omitempty" maxItems:"2"`
		At    string   `json:"at,omitempty" format:"date-time"`
	}
}

type noteOut struct {
	Who string `json:"who"`
}

type world struct {
	door  *door
	front *web.Front
	log   *bytes.Buffer
	h     http.Handler
}

func newWorld(t *testing.T, change func(*web.Config)) *world {
	t.Helper()
	w := &world{door: &door{}, log: &bytes.Buffer{}}
	cfg := web.Config{PublicURL: "http://localhost:8080", Access: w.door, Answers: nothing{}, Version: "test",
		Logger: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if change != nil {
		change(&cfg)
	}
	var err error
	if w.front, err = web.New(cfg); err != nil {
		t.Fatal(err)
	}
	web.JSON(w.front, web.Operation{Method: "POST", Path: "/v1/notes/{id}", ID: "note", Summary: "Note", Scope: lanyard.ScopeRead},
		func(_ context.Context, p lanyard.Principal, in *noteIn) (*noteOut, error) {
			switch in.Body.URL {
			case "https://boom.example":
				panic("s3cr3t-marker")
			case "https://internal.example":
				return nil, io.ErrUnexpectedEOF
			case "https://reconnect.example":
				e := lanyard.Errorf(lanyard.CodeNeedsReauth, "")
				e.ReconnectURL, e.RetryAfter = "https://connect.example/r", 1500*time.Millisecond
				return nil, e
			}
			return &noteOut{p.Name}, nil
		})
	web.JSON(w.front, web.Operation{Method: "DELETE", Path: "/v1/notes/{id}", ID: "unnote", Summary: "Forget", Scope: web.OperatorOnly},
		func(context.Context, lanyard.Principal, *struct {
			ID string `path:"id"`
		}) (*web.None, error) {
			return nil, nil
		})
	w.front.Page("/page", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") }))
	w.h = w.front.Handler()
	return w
}

// do sends a request to the handler in process.
func (w *world) do(method, path, key, body string, header http.Header) (int, http.Header, string) {
	r, _ := http.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:4000"
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		r.Header[k] = v
	}
	if v := header.Get("X-Remote"); v != "" {
		r.RemoteAddr = v
	}
	a := &answer{header: http.Header{}}
	w.h.ServeHTTP(a, r)
	return a.status, a.header, a.body.String()
}

type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }
func (a *answer) WriteHeader(s int) {
	if a.status == 0 {
		a.status = s
	}
}
func (a *answer) Write(b []byte) (int, error) { a.WriteHeader(200); return a.body.Write(b) }

func code(t *testing.T, body string) string {
	t.Helper()
	var p struct{ Code string }
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("got %q, want a problem", body)
	}
	return p.Code
}

const fine = `{"url":"https://a.example"}`

func TestEveryKindHasItsStatus(t *testing.T) {
	want := map[lanyard.Kind]int{lanyard.Invalid: 400, lanyard.Unauthenticated: 401, lanyard.Forbidden: 403, lanyard.NotFound: 404,
		lanyard.Conflict: 409, lanyard.Reused: 422, lanyard.Gone: 410, lanyard.TooLarge: 413, lanyard.Limited: 429, lanyard.Reconnect: 409,
		lanyard.Upstream: 502, lanyard.Unavailable: 503, lanyard.Internal: 500}
	for _, c := range lanyard.Codes() {
		status := want[lanyard.RowOf(c).Kind]
		switch c {
		case lanyard.CodeMethodNotAllowed:
			status = 405
		case lanyard.CodeUnsupportedMediaType:
			status = 415
		}
		if got := web.Status(c); got != status {
			t.Errorf("%s: got %d, want %d", c, got, status)
		}
	}
}

func TestAnswersOfTheFrame(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct {
		name, method, path, key, body string
		header                        http.Header
		status                        int
		code                          string
	}{
		{"works", "POST", "/v1/notes/1", "good", fine, nil, 200, ""},
		{"the vendors' scheme", "POST", "/v1/notes/1", "", fine, http.Header{"Authorization": {"Token good"}}, 200, ""},
		{"no credential", "POST", "/v1/notes/1", "", fine, nil, 401, "credential_missing"},
		{"a wrong one", "POST", "/v1/notes/1", "bad", fine, nil, 401, "credential_invalid"},
		{"two of them", "POST", "/v1/notes/1", "", fine, http.Header{"Authorization": {"Bearer good", "Bearer good"}}, 401, "credential_invalid"},
		{"Basic", "POST", "/v1/notes/1", "", fine, http.Header{"Authorization": {"Basic Z29vZDo="}}, 401, "credential_invalid"},
		{"no scope", "POST", "/v1/notes/1", "weak", fine, nil, 403, "scope_missing"},
		{"not the operator", "DELETE", "/v1/notes/1", "good", "", nil, 403, "operator_only"},
		{"the operator, nowhere", "POST", "/v1/notes/1", "operator", fine, nil, 400, "invalid_request"},
		{"the operator on a project", "POST", "/v1/notes/1", "operator", fine, http.Header{"Lanyard-Project": {goodProject}}, 200, ""},
		{"the operator, above projects", "DELETE", "/v1/notes/1", "operator", "", nil, 204, ""},
		{"another project", "POST", "/v1/notes/1", "good", fine, http.Header{"Lanyard-Project": {"prj_11111111111111111111111111"}}, 404, "not_found"},
		{"no such address", "GET", "/v1/nothing", "good", "", nil, 404, "not_found"},
		{"no such method", "PUT", "/v1/notes/1", "good", fine, nil, 405, "method_not_allowed"},
		{"no body", "POST", "/v1/notes/1", "good", "", nil, 400, "invalid_json"},
		{"a body where none belongs", "DELETE", "/v1/notes/1", "operator", fine, nil, 400, "invalid_request"},
		{"an empty object where none belongs", "DELETE", "/v1/notes/1", "operator", "{}", nil, 204, ""},
		{"not JSON by name", "POST", "/v1/notes/1", "good", fine, http.Header{"Content-Type": {"text/plain"}}, 415, "unsupported_media_type"},
		{"another charset", "POST", "/v1/notes/1", "good", fine, http.Header{"Content-Type": {"application/json; charset=latin1"}}, 415, "unsupported_media_type"},
		{"compressed", "POST", "/v1/notes/1", "good", fine, http.Header{"Content-Encoding": {"gzip"}}, 415, "unsupported_media_type"},
		{"too large", "POST", "/v1/notes/1", "good", `{"url":"` + strings.Repeat("a", 64<<10) + `"}`, nil, 413, "body_too_large"},
		{"much too large", "POST", "/v1/notes/1", "good", `{"url":"` + strings.Repeat("a", 2<<20) + `"}`, nil, 413, "body_too_large"},
		{"a query we do not know", "POST", "/v1/notes/1?lmit=3", "good", fine, nil, 400, "invalid_request"},
		{"a query out of range", "POST", "/v1/notes/1?limit=99", "good", fine, nil, 400, "invalid_request"},
		{"a member missing", "POST", "/v1/notes/1", "good", `{}`, nil, 400, "invalid_request"},
		{"reconnect", "POST", "/v1/notes/1", "good", `{"url":"https://reconnect.example"}`, nil, 409, "needs_reauth"},
		{"an error that is none of ours", "POST", "/v1/notes/1", "good", `{"url":"https://internal.example"}`, nil, 500, "internal"},
		{"a panic", "POST", "/v1/notes/1", "good", `{"url":"https://boom.example"}`, nil, 500, "internal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, h, body := w.do(c.method, c.path, c.key, c.body, c.header)
			if status != c.status {
				t.Fatalf("got %d %s, want %d", status, body, c.status)
			}
			if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Request-Id") == "" ||
				!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("Cache-Control") != "no-store" {
				t.Errorf("got headers %v, want those of every answer", h)
			}
			if c.code == "" {
				return
			}
			if got := code(t, body); got != c.code || h.Get("Content-Type") != "application/problem+json" {
				t.Errorf("got %s as %s, want %s as a problem", got, h.Get("Content-Type"), c.code)
			}
			if strings.Contains(body, "$schema") || strings.Contains(body, "unexpected EOF") {
				t.Errorf("got %s, which shows what it must not", body)
			}
			if status == 401 && !strings.HasPrefix(h.Get("WWW-Authenticate"), "Bearer") {
				t.Error("got no WWW-Authenticate")
			}
		})
	}
	_, h, body := w.do("POST", "/v1/notes/1", "good", `{"url":"https://reconnect.example"}`, nil)
	var p struct {
		ReconnectURL string `json:"reconnect_url"`
		RetryAfter   int    `json:"retry_after"`
		UserMessage  string `json:"user_message"`
		Type         string `json:"type"`
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.ReconnectURL != "https://connect.example/r" || p.RetryAfter != 2 ||
		h.Get("Retry-After") != "2" || p.UserMessage == "" || p.Type != "http://localhost:8080/docs/errors#needs_reauth" {
		t.Errorf("got %s and Retry-After %s, want all members", body, h.Get("Retry-After"))
	}
	if _, h, _ := w.do("PUT", "/v1/notes/1", "good", "", nil); !strings.Contains(h.Get("Allow"), "POST") {
		t.Errorf("got Allow %q, want what is allowed", h.Get("Allow"))
	}
	if strings.Contains(w.log.String(), "s3cr3t") {
		t.Error("got the value of a panic in the log")
	}
	got := strings.Join(w.door.denied, "\n")
	for _, want := range []string{"key:good POST /v1/notes/{id} scope_missing", "key:good DELETE /v1/notes/{id} operator_only"} {
		if !strings.Contains(got, want) {
			t.Errorf("got entries\n%s\nwant %q", got, want)
		}
	}
}

// huma's own errors repeat the value, or the whole body: a client_secret in a
// mistyped body came back in the answer, and from there into logs.
func TestNothingThatWasSentComesBack(t *testing.T) {
	const mark = "s3cr3tmarker"
	w := newWorld(t, nil)
	bodies := []string{
		`{"url":"` + mark + `"}`, `{"url":"` + mark + ` x"}`, `{"url":"%zz` + mark + `"}`, `{"url":5,"kind":"` + mark + `"}`,
		`{"url":"https://a.example","kind":"` + mark + `"}`, `{"url":"https://a.example","at":"` + mark + `"}`,
		`{"url":"https://a.example","count":"` + mark + `"}`, `{"url":"https://a.example","tags":"` + mark + `"}`,
		`{"url":"https://a.example","tags":["` + mark + `","b","c"]}`, `{"url":["` + mark + `"]}`, `{"nothing":"` + mark + `"}`,
		`{"url":"https://a.example","url":"` + mark + `"}`, `{"URL":"` + mark + `"}`, `{"url":"` + mark, `"` + mark + `"`, mark,
		"{\"url\":\"" + mark + "\xff\"}", `{"url":{"` + mark + `":1}}`,
	}
	for _, body := range bodies {
		status, h, got := w.do("POST", "/v1/notes/"+mark+"?limit="+mark+"&q="+mark, "good", body, http.Header{
			"X-Request-Id": {mark + " bad"}, "User-Agent": {mark}, "Idempotency-Key": {mark}, "Accept": {mark}, "Cookie": {"a=" + mark}})
		if status < 400 || strings.Contains(got, mark) {
			t.Errorf("%s: got %d %s", body, status, got)
		}
		for k, v := range h {
			if strings.Contains(strings.Join(v, " "), mark) {
				t.Errorf("%s: got it back in %s", body, k)
			}
		}
		status, _, got = w.do("POST", "/v1/notes/1", "good", body, nil)
		if status < 400 && !strings.HasPrefix(body, `{"url":"`+mark) || strings.Contains(got, mark) {
			t.Errorf("%s: got %d %s", body, status, got)
		}
	}
	_, _, _ = w.do("GET", "/connect/"+mark+"?secret="+mark, mark, "", nil)
	if strings.Contains(w.log.String(), mark) {
		t.Errorf("got it in the log: %s", w.log)
	}
}

func TestRequestIDsAndTheLog(t *testing.T) {
	w := newWorld(t, nil)
	_, h, _ := w.do("POST", "/v1/notes/42?limit=1", "good", fine, http.Header{"X-Request-Id": {"abc-12345"}})
	if h.Get("X-Request-Id") != "abc-12345" {
		t.Errorf("got %q, want the caller's", h.Get("X-Request-Id"))
	}
	for _, bad := range []string{"short", strings.Repeat("a", 80), "a b c d e f g h", "\"injection\"\"", "-leading-dash-"} {
		if _, h, _ := w.do("GET", "/x", "", "", http.Header{"X-Request-Id": {bad}}); !strings.HasPrefix(h.Get("X-Request-Id"), "req_") {
			t.Errorf("got %q kept, want one of ours", bad)
		}
	}
	first, _, _ := strings.Cut(w.log.String(), "\n")
	var line map[string]any
	if err := json.Unmarshal([]byte(first), &line); err != nil {
		t.Fatal(err)
	}
	if line["route"] != "/v1/notes/{id}" || line["method"] != "POST" || line["status"] != 200.0 || line["request_id"] != "abc-12345" {
		t.Errorf("got %v, want route, method, status and id", line)
	}
	if strings.Contains(first, "/42") || strings.Contains(first, "limit") || strings.Contains(first, "127.0.0.1") {
		t.Errorf("got %s, want neither path nor query nor address", first)
	}
}

func TestPlainHTTPAndPagesOfOthers(t *testing.T) {
	w := newWorld(t, func(c *web.Config) {
		c.PublicURL = "https://connect.example.com"
		c.Proxies = web.Proxies{netip.MustParsePrefix("10.0.0.5/32")}
	})
	for _, c := range []struct {
		name   string
		header http.Header
		status int
	}{
		{"from elsewhere, in the clear", http.Header{"X-Remote": {"203.0.113.9:1"}}, 400},
		{"through the proxy", http.Header{"X-Remote": {"10.0.0.5:1"}, "X-Forwarded-For": {"203.0.113.9"}}, 200},
		{"through the proxy, which was asked in the clear", http.Header{"X-Remote": {"10.0.0.5:1"}, "X-Forwarded-For": {"203.0.113.9"}, "X-Forwarded-Proto": {"http"}}, 400},
		{"on this machine", nil, 200},
		{"health, which carries nothing", http.Header{"X-Remote": {"203.0.113.9:1"}, "X-Path": {"/healthz"}}, 404},
	} {
		path := "/v1/notes/1"
		if p := c.header["X-Path"]; p != nil {
			path = p[0]
		}
		status, h, body := w.do("POST", path, "good", fine, c.header)
		if status != c.status {
			t.Errorf("%s: got %d %s, want %d", c.name, status, body, c.status)
		}
		if h.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: got no HSTS", c.name)
		}
	}
	for _, c := range []struct {
		site   string
		status int
	}{{"same-origin", 200}, {"cross-site", 403}, {"same-site", 403}} {
		if status, _, _ := w.do("POST", "/page", "", "", http.Header{"Sec-Fetch-Site": {c.site}}); status != c.status {
			t.Errorf("a form from %s: got %d, want %d", c.site, status, c.status)
		}
	}
	if status, _, _ := w.do("GET", "/page", "", "", http.Header{"Sec-Fetch-Site": {"cross-site"}}); status != 200 {
		t.Errorf("a link from elsewhere: got %d, want 200", status)
	}
}

func TestCookies(t *testing.T) {
	for _, c := range []struct {
		secure bool
		want   string
	}{
		{true, "__Host-lanyard_flow=v; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax"},
		{false, "lanyard_flow=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"},
	} {
		k := web.Cookies{Secure: c.secure}
		a := &answer{header: http.Header{}}
		k.Set(a, "flow", "v", time.Minute)
		if got := a.header.Get("Set-Cookie"); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
		r, _ := http.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: k.Name("flow"), Value: "v"})
		if got := k.Get(r, "flow"); got != "v" {
			t.Errorf("got %q, want v", got)
		}
		r.AddCookie(&http.Cookie{Name: k.Name("flow"), Value: "theirs"})
		if got := k.Get(r, "flow"); got != "" {
			t.Errorf("got %q of two cookies with one name, want neither", got)
		}
	}
}

func TestOperationsMustBeComplete(t *testing.T) {
	w := newWorld(t, nil)
	defer func() {
		if recover() == nil {
			t.Error("got an operation without a scope registered, want a panic")
		}
	}()
	web.JSON(w.front, web.Operation{Method: "GET", Path: "/v1/x", ID: "x", Summary: "X"},
		func(context.Context, lanyard.Principal, *struct{}) (*web.None, error) { return nil, nil })
}

func TestDocsNeedNothingFromElsewhere(t *testing.T) {
	w := newWorld(t, nil)
	spec, err := w.front.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.front.Docs(spec); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/docs": "POST /v1/notes/{id}", "/docs/errors": `id="needs_reauth"`, "/docs/style.css": "body", "/openapi.json": `"3.1.0"`} {
		status, _, body := w.do("GET", path, "", "", nil)
		if status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: got %d, want %q in it", path, status, want)
		}
		for _, bad := range []string{"<script", "style=\"", "src=\"http", "@import", "cdn"} {
			if strings.HasPrefix(path, "/docs") && strings.Contains(body, bad) {
				t.Errorf("%s: got %q in it", path, bad)
			}
		}
	}
}
