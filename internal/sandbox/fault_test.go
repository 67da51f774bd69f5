package sandbox_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/sandbox"
)

// After each fault on a refresh: was the refresh token spent, and what did the caller see?
func TestFaultsOnRefresh(t *testing.T) {
	tests := []struct {
		name  string
		fault map[string]any
		lost  bool // no whole answer
		spent bool
		want  string // in what did arrive
	}{
		{"drop before", map[string]any{"action": "drop_before_commit"}, true, false, ""},
		{"drop after", map[string]any{"action": "drop_after_commit"}, true, true, ""},
		{"cut", map[string]any{"action": "cut_body", "cut_at": 21}, true, true, `{"access_token":"sbx_`},
		{"cut at nothing", map[string]any{"action": "cut_body"}, true, true, ""},
		{"status", map[string]any{"action": "status", "status": 503, "body": "busy", "headers": map[string]string{"Retry-After": "7"}}, false, false, "busy"},
		{"status after", map[string]any{"action": "status", "status": 502, "after_commit": true}, false, true, ""},
		{"delay", map[string]any{"action": "delay", "delay_ms": 20}, false, true, "access_token"},
		{"html", map[string]any{"action": "wrong_content", "content": "html"}, false, false, "<!doctype html>"},
		{"empty", map[string]any{"action": "wrong_content", "content": "empty", "after_commit": true}, false, true, ""},
		{"garbage", map[string]any{"action": "wrong_content", "content": "garbage"}, false, false, "\xff"},
		{"redirect", map[string]any{"action": "redirect", "location": "http://localhost:9/steal"}, false, false, ""},
		{"huge", map[string]any{"action": "huge", "size": 3 << 20}, false, false, strings.Repeat("a", 3<<20)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := start(t, app(sandbox.Zoom))
			refresh := w.connect(sandbox.Zoom).str("refresh_token")
			tt.fault["match"] = map[string]string{"provider": "zoom", "endpoint": "token", "grant_type": "refresh_token"}
			tt.fault["times"] = 1
			w.wantStatus("arm", w.postJSON("/admin/faults", tt.fault), 201, `"id":"fault_`)
			w.wantStatus("another endpoint is not touched", w.get("/oidc/jwks", ""), 200, "")

			a, err := w.try(w.renewal(sandbox.Zoom, refresh))
			if (err != nil) != tt.lost {
				t.Errorf("answer lost: got %v, want %v", err, tt.lost)
			}
			if !strings.Contains(a.text, tt.want) {
				t.Errorf("got %.80q, want %.80q", a.text, tt.want)
			}
			b := w.renew(sandbox.Zoom, refresh)
			if spent := b.status == 400; spent != tt.spent {
				t.Errorf("the refresh token: got spent %v (%d), want %v", spent, b.status, tt.spent)
			}
			if f := w.Faults()[0]; f.Hits != 1 {
				t.Errorf("hits: got %d, want 1", f.Hits)
			}
		})
	}
}

func TestFaultHeadersStatusSkipAndTimes(t *testing.T) {
	w := start(t, app(sandbox.Google))
	_, err := w.AddFault(sandbox.Fault{Match: sandbox.Match{Path: "/google/user"}, Action: "status", Status: 429, Headers: map[string]string{"Retry-After": "3"}, Skip: 1, Times: 2})
	if err != nil {
		t.Fatal(err)
	}
	token := w.connect(sandbox.Google).str("access_token")
	var got []int
	for range 4 {
		a := w.get("/google/userinfo", token)
		got = append(got, a.status)
		if a.status == 429 && a.header.Get("Retry-After") != "3" {
			t.Errorf("Retry-After: got %q", a.header.Get("Retry-After"))
		}
	}
	if want := [4]int{200, 429, 429, 200}; [4]int(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
	id := w.Faults()[0].ID
	if a := w.send("DELETE", "/admin/faults/"+id, nil); a.status != 204 || len(w.Faults()) != 0 {
		t.Errorf("delete: got %d, %d left", a.status, len(w.Faults()))
	}
	w.wantStatus("delete again", w.send("DELETE", "/admin/faults/"+id, nil), 404, "no such fault")
	w.wantStatus("unknown action", w.postJSON("/admin/faults", map[string]string{"action": "explode"}), 422, "unknown action")
}

// The caller gave up during the delay; the server went on, and the token is spent.
func TestDelayedRequestIsExecutedAnyway(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	refresh := w.connect(sandbox.Zoom).str("refresh_token")
	if _, err := w.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "delay", DelayMS: 150, Times: 1}); err != nil {
		t.Fatal(err)
	}
	impatient := &http.Client{Timeout: 30 * time.Millisecond}
	if _, err := impatient.Do(w.renewal(sandbox.Zoom, refresh)); err == nil {
		t.Fatal("got an answer, want a time-out")
	}
	deadline := time.Now().Add(5 * time.Second)
	for len(w.events(sandbox.Query{Kind: "refresh", Event: "used"})) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("the refresh was not executed")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Everything at once, for the race detector.
func TestConcurrentUse(t *testing.T) {
	w := start(t, app(sandbox.Zoom), app(sandbox.Google))
	m, _ := w.CreateMeeting("ana", "", "")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 5 {
				for _, p := range []string{sandbox.Zoom, sandbox.Google} {
					a, err := w.try(w.renewal(p, "x"))
					if err != nil || a.status != 400 {
						t.Errorf("got %d, %v", a.status, err)
					}
				}
				w.SetPresent(m.Number, "ana", true)
				w.SetPresent(m.Number, "ana", false)
				w.Ledger(sandbox.Query{})
				w.Grants()
				w.People("")
				w.AddFault(sandbox.Fault{Match: sandbox.Match{Path: "/nowhere"}, Action: "huge"})
				w.RemoveFault("")
			}
		})
	}
	group.Wait()
}

func TestAddFaultRefuses(t *testing.T) {
	w := start(t)
	tests := []struct {
		name string
		f    sandbox.Fault
		want string
	}{
		{"no action", sandbox.Fault{}, "unknown action"},
		{"status of nothing", sandbox.Fault{Action: "status"}, "200 to 599"},
		{"redirect to nowhere", sandbox.Fault{Action: "redirect"}, "needs location"},
		{"redirect that is none", sandbox.Fault{Action: "redirect", Status: 200, Location: "/"}, "300 to 399"},
		{"unknown content", sandbox.Fault{Action: "wrong_content", Content: "music"}, "html, empty, garbage"},
		{"delay of nothing", sandbox.Fault{Action: "delay"}, "delay_ms"},
		{"negative", sandbox.Fault{Action: "huge", Skip: -1}, "negative"},
		{"provider unheard of", sandbox.Fault{Action: "huge", Match: sandbox.Match{Provider: "teams"}}, "unknown provider"},
	}
	for _, tt := range tests {
		if _, err := w.AddFault(tt.f); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
