package compat_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/compat"
	"lanyard/internal/web"
)

// door knows keys by the dialect that they speak.
type door struct{}

func (door) Authenticate(_ context.Context, credential lanyard.Secret, o lanyard.Origin, id string) (lanyard.Principal, error) {
	p := lanyard.Principal{Project: "prj_00000000000000000000000000", Name: "key", Key: "lyk_x", Scopes: lanyard.Scopes, Origin: o, RequestID: id}
	switch k := string(credential.Reveal()); k {
	case "attendee", "meetstream", "gone":
		p.Dialect = lanyard.Dialect(k)
		return p, nil
	case "none":
		return p, nil
	}
	return lanyard.Principal{}, lanyard.Errorf(lanyard.CodeCredentialInvalid, "")
}

func (door) Denied(context.Context, lanyard.Principal, string, error) error { return nil }

type nothing struct{}

func (nothing) Claim(context.Context, lanyard.Principal, string, string, []byte) (string, int, []byte, error) {
	return "", 0, nil, nil
}
func (nothing) Keep(context.Context, lanyard.Principal, string, int, []byte) error { return nil }
func (nothing) Release(context.Context, lanyard.Principal, string) error           { return nil }

// pretend is a dialect that says what it was asked.
type pretend struct {
	front *web.Front
	name  lanyard.Dialect
	paths []compat.Path
}

func (d pretend) Name() lanyard.Dialect { return d.name }

func (d pretend) Paths() []compat.Path {
	for i, p := range d.paths {
		if p.How != compat.Absent && p.How != "" {
			d.paths[i].Scope = lanyard.ScopeRead
			d.paths[i].Serve = func(w http.ResponseWriter, r *http.Request) {
				if _, err := d.front.Admit(r, lanyard.ScopeRead); err != nil {
					d.Refuse(w, r, err)
					return
				}
				if code := r.URL.Query().Get(string(d.name)); code != "" {
					d.Refuse(w, r, lanyard.Errorf(lanyard.Code(code), ""))
					return
				}
				_ = json.NewEncoder(w).Encode(map[string]string{string(d.name): r.Pattern + " " + r.PathValue("id")})
			}
		}
	}
	return d.paths
}

func (d pretend) Refuse(w http.ResponseWriter, _ *http.Request, err error) {
	w.WriteHeader(web.Status(lanyard.CodeOf(err)))
	fmt.Fprintf(w, "%s: %s", d.name, err.Error())
}

func newFront(t *testing.T) *web.Front {
	t.Helper()
	f, err := web.New(web.Config{PublicURL: "http://localhost:8080", Access: door{}, Answers: nothing{}, Logger: slog.New(slog.DiscardHandler), Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func serve(t *testing.T) string {
	t.Helper()
	f := newFront(t)
	attendee := pretend{f, lanyard.DialectAttendee, []compat.Path{
		{Method: "GET", Pattern: "/bots", How: compat.Served},
		{Method: "GET", Pattern: "/bots/{id}", How: compat.Served},
		{Method: "PATCH", Pattern: "/bots/{id}", How: compat.Served},
		{Method: "POST", Pattern: "/bots/{id}/pause_recording", How: compat.Forwarded},
		{Method: "GET", Pattern: "/calendars", How: compat.Absent, Say: "no calendars here"},
	}}
	meetstream := pretend{f, lanyard.DialectMeetStream, []compat.Path{
		{Method: "GET", Pattern: "/bots", How: compat.Served},
		{Method: "POST", Pattern: "/bots/create_bot", How: compat.Served},
		{Method: "GET", Pattern: "/zoom/oauth/connections/{id}", How: compat.Served},
		{Method: "POST", Pattern: "/bots/{id}/pause_recording", How: compat.Forwarded},
	}}
	speaks := func(_ *http.Request, _ lanyard.Principal, ref string) lanyard.Dialect {
		if ref == "theirs" {
			return lanyard.DialectMeetStream
		}
		return lanyard.DialectNone
	}
	compat.Mount(f, speaks, attendee, meetstream)
	s := httptest.NewServer(f.Handler())
	t.Cleanup(s.Close)
	return s.URL
}

func TestWhoseWords(t *testing.T) {
	at := serve(t)
	for _, c := range []struct{ what, key, call, want string }{
		{"a vendor's own address", "none", "GET /attendee/api/v1/bots/1", `200 {"attendee":"GET /attendee/api/v1/bots/{id} 1"}`},
		{"the vendor's address, with a key of another dialect", "attendee", "GET /meetstream/api/v1/bots", `200 {"meetstream":"GET /meetstream/api/v1/bots "}`},
		{"the dialect of the key", "attendee", "GET /api/v1/bots", `200 {"attendee":"GET /api/v1/bots "}`},
		{"the other one's", "meetstream", "GET /api/v1/bots", `200 {"meetstream":"GET /api/v1/bots "}`},
		{"a path of the other's", "meetstream", "GET /api/v1/bots/1", "404 meetstream: this key speaks the words of another vendor than this path's: use a key with its dialect, or with none"},
		{"a dialect that is spoken no more", "gone", "GET /api/v1/bots", "404 "},
		{"no dialect: one vendor has it", "none", "POST /api/v1/bots/create_bot", `200 {"meetstream":"POST /api/v1/bots/create_bot "}`},
		{"no dialect: the path is one's, the method of it the other's", "none", "PATCH /api/v1/bots/create_bot", `200 {"attendee":"PATCH /api/v1/bots/{id} create_bot"}`},
		{"no dialect: both have it", "none", "GET /api/v1/bots", `200 {"attendee":"GET /api/v1/bots ","meetstream":"GET /api/v1/bots "}`},
		{"no dialect: a cursor that one of them knows", "none", "GET /api/v1/bots?cursor=c&attendee=not_found", `200 {"meetstream":"GET /api/v1/bots "}`},
		{"no dialect: the other one", "none", "GET /api/v1/bots?cursor=c&meetstream=invalid_request", `200 {"attendee":"GET /api/v1/bots "}`},
		{"no dialect: a cursor that nobody knows", "none", "GET /api/v1/bots?cursor=c&meetstream=invalid_request&attendee=not_found", "404 attendee: "},
		// It used to be a page without what could not be read, and the client to go on as if it were whole.
		{"no dialect: a cursor, and one of them cannot answer now", "none", "GET /api/v1/bots?cursor=c&meetstream=store_unavailable", "503 meetstream: "},
		{"no dialect: and it does not know the cursor, the other cannot answer", "none", "GET /api/v1/bots?cursor=c&attendee=not_found&meetstream=rate_limited", "429 meetstream: "},
		{"no dialect: a bot of the second", "none", "POST /api/v1/bots/theirs/pause_recording", `200 {"meetstream":"POST /api/v1/bots/{id}/pause_recording theirs"}`},
		{"no dialect: a bot of nobody", "none", "POST /api/v1/bots/x/pause_recording", `200 {"attendee":"POST /api/v1/bots/{id}/pause_recording x"}`},
		{"no dialect: nobody's", "none", "GET /api/v1/nothing", "404 "},
		{"no key: one vendor has it, so in its words", "", "POST /api/v1/bots/create_bot", "401 meetstream: "},
		{"no key: both have it", "", "GET /api/v1/bots", "401 attendee: "},
		{"a wrong key", "wrong", "GET /api/v1/bots", "401 attendee: "},
		{"what is not there, with its sentence", "", "GET /attendee/api/v1/calendars", "404 attendee: no calendars here"},
		{"what a vendor does not have", "none", "GET /attendee/api/v1/nothing", "404 attendee: there is nothing at this address"},
		{"a method that the path does not take", "none", "DELETE /attendee/api/v1/bots/1", "405 attendee: "},
		{"the same without a dialect", "none", "DELETE /api/v1/bots/1", "405 attendee: "},
		{"HEAD, which the router would take for GET", "none", "HEAD /attendee/api/v1/bots/1", "405 "},
		{"an id with everything that has to be encoded", "none", "GET /api/v1/zoom/oauth/connections/a%2Bb%2Fc%3D%3D-_%25", `200 {"meetstream":"GET /api/v1/zoom/oauth/connections/{id} a+b/c==-_%"}`},
		{"an id that is dots", "none", "GET /meetstream/api/v1/zoom/oauth/connections/%2E%2E", `200 {"meetstream":"GET /meetstream/api/v1/zoom/oauth/connections/{id} .."}`},
		{"Recall", "none", "POST /recall/api/v2/zoom-oauth-credentials/", "404 "},
		{"Meeting BaaS", "none", "GET /meetingbaas/zoom_oauth_connections", "404 "},
	} {
		method, path, _ := strings.Cut(c.call, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, at+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.key != "" {
			req.Header.Set("Authorization", "Token "+c.key)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		got := fmt.Sprintf("%d %s", res.StatusCode, strings.TrimSpace(string(body)))
		exact := strings.HasPrefix(c.want, "200 ") || len(c.want) > 30
		if exact && got != c.want || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s: got %s, want %s", c.what, c.call, got, c.want)
		}
		if c.want[:3] == "405" && !strings.Contains(res.Header.Get("Allow"), "GET") {
			t.Errorf("%s: Allow is %q", c.what, res.Header.Get("Allow"))
		}
	}
}

// A list that says neither that a path is served nor why not is a mistake that is seen when
// the server starts.
func TestPathsAreComplete(t *testing.T) {
	for _, p := range []compat.Path{
		{Method: "GET", Pattern: "/x"},
		{Method: "GET", Pattern: "/x", How: compat.Absent},
		{Method: "GET", Pattern: "/x", How: compat.Absent, Say: "no", Serve: func(http.ResponseWriter, *http.Request) {}},
		{Method: "GET", Pattern: "/x", How: compat.Absent, Say: "no", Scope: lanyard.ScopeRead},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v: mounted", p)
				}
			}()
			f := newFront(t)
			compat.Mount(f, nil, pretend{f, lanyard.DialectAttendee, []compat.Path{p}})
		}()
	}
}
