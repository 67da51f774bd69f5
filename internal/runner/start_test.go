package runner_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/runner"
)

func urls(pairs ...string) map[string]lanyard.Secret {
	m := map[string]lanyard.Secret{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = lanyard.NewSecret(publicURL + "/t/" + pairs[i+1])
	}
	return m
}

// Each vendor is sent what its own API documents, to the byte where the request is the
// caller's: by its key, at its path, with our URL as the only place tokens come from.
func TestStartSpeaksEachVendorsWords(t *testing.T) {
	hour := time.Date(2199, 1, 2, 3, 4, 5, 600, time.UTC)
	for _, c := range []struct {
		name   string
		kind   lanyard.RunnerKind
		base   string
		job    runner.Job
		answer string
		path   string
		key    [2]string
		body   string
		ref    string
	}{
		{"attendee, as it came", lanyard.RunnerAttendee, "/api/v1",
			runner.Job{Dialect: lanyard.DialectAttendee, TokenURLs: urls("attendee", "s"),
				Request: []byte(`{"meeting_url":"https://zoom.us/j/1","bot_name":"B","zoom_settings":{"sdk":"web","onbehalf_token":{"zoom_oauth_connection_user_id":"u"}},"future": 1.50}`)},
			`{"id":"bot_16","state":"joining"}`, "/api/v1/bots", [2]string{"Authorization", "Token the-key"},
			`{"meeting_url":"https://zoom.us/j/1","bot_name":"B","zoom_settings":{"sdk":"web"},"future": 1.50,"callback_settings":{"zoom_tokens_url":"https://connect.example/t/s"}}`, "bot_16"},
		{"attendee, from the rest", lanyard.RunnerAttendee, "",
			runner.Job{Bot: "bot_1", MeetingURL: "https://zoom.us/j/1?pwd=a&b", Metadata: map[string]string{"k": "v"}, JoinAt: hour, TokenURLs: urls("attendee", "s")},
			`{"id":"bot_16"}`, "/bots", [2]string{"Authorization", "Token the-key"},
			`{"meeting_url":"https://zoom.us/j/1?pwd=a\u0026b","bot_name":"Notetaker","join_at":"2199-01-02T03:04:05Z","metadata":{"k":"v"},"deduplication_key":"bot_1","callback_settings":{"zoom_tokens_url":"https://connect.example/t/s"}}`, "bot_16"},
		{"meetstream, as it came", lanyard.RunnerMeetStream, "",
			runner.Job{Bot: "bot_1", Dialect: lanyard.DialectMeetStream, TokenURLs: urls("onbehalf", "s", "zak", "z"),
				Request: []byte(`{"meeting_link":"https://zoom.us/j/1","bot_name":"B","zoom":{"use_zoom_obf":true,"zoom_oauth_connection_user_id":"u","zak_url":"https://x.example"}}`)},
			`{"bot_id":"9f","transcript_id":null}`, "/bots/create_bot", [2]string{"Authorization", "Token the-key"},
			`{"meeting_link":"https://zoom.us/j/1","bot_name":"B","zoom":{"obf_url":"https://connect.example/t/s"}}`, "9f"},
		{"meetstream, as the person", lanyard.RunnerMeetStream, "",
			runner.Job{Bot: "bot_1", Name: "N", MeetingURL: "https://zoom.us/j/1", DedupKey: "d", Metadata: map[string]string{"k": "v"}, TokenURLs: urls("zak", "z")},
			`{"bot_id":"9f"}`, "/bots/create_bot", [2]string{"Authorization", "Token the-key"},
			`{"meeting_link":"https://zoom.us/j/1","bot_name":"N","custom_attributes":{"k":"v"},"deduplication_key":"d","zoom":{"zak_url":"https://connect.example/t/z"}}`, "9f"},
		{"recall", lanyard.RunnerRecall, "/api/v1",
			runner.Job{Name: "N", MeetingURL: "https://zoom.us/j/1", TokenURLs: urls("onbehalf", "s", "local_recording", "r", "zak", "z")},
			`{"id":"3c-uuid","meeting_url":{}}`, "/api/v1/bot/", [2]string{"Authorization", "Token the-key"},
			`{"meeting_url":"https://zoom.us/j/1","bot_name":"N","zoom":{"obf_token_url":"https://connect.example/t/s","join_token_url":"https://connect.example/t/r"}}`, "3c-uuid"},
		{"recall, a request in its words", lanyard.RunnerRecall, "",
			runner.Job{TokenURLs: urls("onbehalf", "s"), Request: []byte(`{"meeting_url":"https://zoom.us/j/1","zoom":{"zak_url":"https://x.example","obf_token_url":"https://x.example","require_recording_permission":true}}`)},
			`{"id":"3c"}`, "/bot/", [2]string{"Authorization", "Token the-key"},
			`{"meeting_url":"https://zoom.us/j/1","zoom":{"obf_token_url":"https://connect.example/t/s","require_recording_permission":true}}`, "3c"},
		{"meeting baas", lanyard.RunnerMeetingBaaS, "/v2",
			runner.Job{Name: "N", MeetingURL: "https://zoom.us/j/1", Metadata: map[string]string{"k": "v"}, TokenURLs: urls("onbehalf", "s")},
			`{"success":true,"data":{"bot_id":"12-uuid"}}`, "/v2/bots", [2]string{"X-Meeting-Baas-Api-Key", "the-key"},
			`{"meeting_url":"https://zoom.us/j/1","bot_name":"N","extra":{"k":"v"},"zoom_config":{"obf_token_url":"https://connect.example/t/s"}}`, "12-uuid"},
		{"meeting baas, later, a request in its words", lanyard.RunnerMeetingBaaS, "/v2",
			runner.Job{TokenURLs: urls("onbehalf", "s"), Request: []byte(`{"join_at":"2199-01-02T03:04:05Z","zoom_config":{"credential_id":"c","credential_user_id":"u","obf_token":"t"}}`)},
			`{"data":{"bot_id":"12"}}`, "/v2/bots/scheduled", [2]string{"X-Meeting-Baas-Api-Key", "the-key"},
			`{"join_at":"2199-01-02T03:04:05Z","zoom_config":{"credential_id":"c","obf_token_url":"https://connect.example/t/s"}}`, "12"},
		{"meeting baas, version 1", lanyard.RunnerMeetingBaaS, "",
			runner.Job{Name: "N", MeetingURL: "https://zoom.us/j/1", JoinAt: hour, TokenURLs: urls("onbehalf", "s")},
			`{"bot_id":"12"}`, "/bots", [2]string{"X-Meeting-Baas-Api-Key", "the-key"},
			`{"meeting_url":"https://zoom.us/j/1","bot_name":"N","reserved":false,"start_time":7226679845000,"zoom_obf_token_url":"https://connect.example/t/s"}`, "12"},
		{"another vendor's words are not sent on", lanyard.RunnerRecall, "",
			runner.Job{Dialect: lanyard.DialectAttendee, Name: "N", MeetingURL: "https://zoom.us/j/1", Request: []byte(`{"meeting_url":"https://zoom.us/j/2"}`)},
			`{"id":"3c"}`, "/bot/", [2]string{"Authorization", "Token the-key"}, `{"meeting_url":"https://zoom.us/j/1","bot_name":"N"}`, "3c"},
		{"without a URL of ours it keeps its own", lanyard.RunnerMeetStream, "",
			runner.Job{Dialect: lanyard.DialectMeetStream, Request: []byte(`{"zoom":{"obf_url":"https://x.example"}}`)},
			`{"bot_id":"9f"}`, "/bots/create_bot", [2]string{"Authorization", "Token the-key"}, `{"zoom":{"obf_url":"https://x.example"}}`, "9f"},
		{"a name that is a path is none", lanyard.RunnerRecall, "", runner.Job{MeetingURL: "https://zoom.us/j/1"},
			`{"id":"../other"}`, "/bot/", [2]string{"Authorization", "Token the-key"}, `{"meeting_url":"https://zoom.us/j/1","bot_name":"Notetaker"}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			srv := w.there(says(201, c.answer))
			r, _ := w.runner(c.kind, srv.url+c.base+"/")
			a, err := w.s.Start(t.Context(), r, c.job)
			must(t, err)
			if a.Status != 201 || string(a.Body) != c.answer || a.Header.Get("Content-Type") != "application/json" || a.Ref != c.ref {
				t.Errorf("got %d %s %v, ref %q; want the vendor's answer and ref %q", a.Status, a.Body, a.Header, a.Ref, c.ref)
			}
			got := srv.all()
			if len(got) != 1 || got[0].method != "POST" || got[0].uri != c.path || got[0].header.Get(c.key[0]) != c.key[1] ||
				got[0].header.Get("Content-Type") != "application/json" {
				t.Fatalf("got %+v, want one POST to %s with %v", got, c.path, c.key)
			}
			if got[0].body != c.body {
				t.Errorf("got  %s\nwant %s", got[0].body, c.body)
			}
		})
	}
}

// What the vendor says of a request is the caller's to read, a refusal too; and nothing of
// it is repeated, because a second request may be a second bot in the meeting.
func TestStartIsSentOnceAndAnsweredAsItIs(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request, int)
		err    lanyard.Code
		refuse lanyard.Code
	}{
		{"refused", says(400, `{"error":"no such meeting"}`), "", lanyard.CodeRunnerRefused},
		{"the key is not accepted", says(401, `{"detail":"Invalid or disabled API key"}`), "", lanyard.CodeRunnerRefused},
		{"slow down", func(w http.ResponseWriter, r *http.Request, n int) {
			w.Header().Set("Retry-After", "7")
			w.Header().Set("Set-Cookie", "a=b")
			says(429, `{}`)(w, r, n)
		}, "", lanyard.CodeRunnerRefused},
		{"a redirect", func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusTemporaryRedirect)
		}, "", lanyard.CodeRunnerRefused},
		{"MeetStream's replay", says(507, `{"bot_id":"9f"}`), "", ""},
		{"cut off", func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"id`))
		}, lanyard.CodeRunnerNoAnswer, ""},
		{"hung up", func(w http.ResponseWriter, _ *http.Request, _ int) {
			c, _, _ := w.(http.Hijacker).Hijack()
			_ = c.Close()
		}, lanyard.CodeRunnerNoAnswer, ""},
		{"more than a mebibyte", func(w http.ResponseWriter, _ *http.Request, _ int) {
			_, _ = w.Write(make([]byte, 1<<20+1))
		}, lanyard.CodeRunnerNoAnswer, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			srv := w.there(c.answer)
			r, _ := w.runner(lanyard.RunnerMeetStream, srv.url)
			a, err := w.s.Start(t.Context(), r, runner.Job{MeetingURL: "https://zoom.us/j/1"})
			if n := len(srv.all()); n != 1 {
				t.Errorf("got %d requests, want one", n)
			}
			if c.err != "" {
				if !errors.Is(err, c.err) {
					t.Errorf("got %v, want %s", err, c.err)
				}
				return
			}
			must(t, err)
			if err := a.Err(); c.refuse != "" && !errors.Is(err, c.refuse) || c.refuse == "" && err != nil {
				t.Errorf("got %v, want %q", err, c.refuse)
			}
			if a.Header.Get("Set-Cookie") != "" {
				t.Error("the vendor's cookie is passed on")
			}
			if c.name == "slow down" {
				var e *lanyard.Error
				if !errors.As(a.Err(), &e) || e.RetryAfter != 7*time.Second || a.Header.Get("Retry-After") != "7" {
					t.Errorf("got %v and %v, want to be told to wait 7 seconds", a.Err(), a.Header)
				}
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		w := newWorld(t)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		r, _ := w.runner(lanyard.RunnerRecall, "http://"+l.Addr().String())
		_ = l.Close()
		if _, err := w.s.Start(t.Context(), r, runner.Job{MeetingURL: "https://zoom.us/j/1"}); !errors.Is(err, lanyard.CodeRunnerUnreachable) {
			t.Errorf("got %v, want runner_unreachable: nothing was sent, so it may be sent again", err)
		}
	})
}

// A customer's runner can tell that we called, and that a second call is the first again:
// without that its bot joins twice.
func TestWebhookIsToldUntilItTakesIt(t *testing.T) {
	w := newWorld(t)
	srv := w.there(func(rw http.ResponseWriter, r *http.Request, n int) {
		switch n {
		case 1:
			says(503, ``)(rw, r, n)
		case 2:
			c, _, _ := rw.(http.Hijacker).Hijack()
			_ = c.Close()
		default:
			says(202, `{"ref":"pod-7"}`)(rw, r, n)
		}
	})
	r, secret := w.runner(lanyard.RunnerWebhook, srv.url+"/run?team=a")
	a, err := w.s.Start(t.Context(), r, runner.Job{Bot: "bot_1", MeetingURL: "https://zoom.us/j/1?pwd=x", Name: "N", Types: []string{"onbehalf"},
		Metadata: map[string]string{"k": "v"}, TokenURLs: urls("onbehalf", "s")})
	must(t, err)
	if a.Status != 202 || a.Ref != "pod-7" {
		t.Errorf("got %d, %q, want 202 and its name for the bot", a.Status, a.Ref)
	}
	got := srv.all()
	if len(got) != 3 {
		t.Fatalf("got %d calls, want 3", len(got))
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	must(t, err)
	for _, g := range got {
		h := g.header
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(h.Get("Webhook-Id") + "." + h.Get("Webhook-Timestamp") + "." + g.body))
		want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		if g.method != "POST" || g.uri != "/run?team=a" || h.Get("Webhook-Id") != "bot_1.join" || !strings.Contains(h.Get("Webhook-Signature"), want) || g.body != got[0].body {
			t.Errorf("got %+v, want the same message under the id bot_1.join with signature %s", g, want)
		}
	}
	var m struct {
		Type      string
		Timestamp time.Time
		Data      map[string]any
	}
	must(t, json.Unmarshal([]byte(got[0].body), &m))
	if m.Type != "bot.join" || time.Since(m.Timestamp) > time.Minute || m.Data["bot_id"] != "bot_1" || m.Data["meeting_url"] != "https://zoom.us/j/1?pwd=x" ||
		m.Data["join_tokens_url"] != publicURL+"/v1/bots/bot_1/join-tokens" || m.Data["token_urls"].(map[string]any)["onbehalf"] != publicURL+"/t/s" {
		t.Errorf("got %+v", m)
	}

	srv.answer = says(403, `{}`)
	if a, err := w.s.Start(t.Context(), r, runner.Job{Bot: "bot_2"}); err != nil || a.OK() || len(srv.all()) != 4 {
		t.Errorf("got %+v, %v after %d calls, want a refusal that is not repeated", a, err, len(srv.all()))
	}
	srv.answer = says(500, `{}`)
	if a, err := w.s.Stop(t.Context(), r, "pod-7", true); err != nil || a.Status != 500 || len(srv.all()) != 7 {
		t.Errorf("got %+v, %v after %d calls, want it given up after three", a, err, len(srv.all()))
	}
	if last := srv.all()[6]; !strings.Contains(last.body, `"type":"bot.leave","data":{"ref":"pod-7","joined":true}`) {
		t.Errorf("got %s", last.body)
	}
}

// Not joined: called off, and if the vendor says that it is too late for that, taken out.
func TestStopAndStatusAndRelay(t *testing.T) {
	type ask struct{ method, uri string }
	for _, c := range []struct {
		kind   lanyard.RunnerKind
		base   string
		joined []ask
		before []ask
		status string
		relay  string
	}{
		{lanyard.RunnerAttendee, "", []ask{{"POST", "/bots/b1/leave"}}, []ask{{"DELETE", "/bots/b1"}, {"POST", "/bots/b1/leave"}}, "/bots/b1", "/bots/b1/transcript?a=1"},
		{lanyard.RunnerMeetStream, "", []ask{{"GET", "/bots/b1/remove_bot"}}, []ask{{"GET", "/bots/b1/remove_bot"}}, "/bots/b1/status", "/bots/b1/transcript?a=1"},
		{lanyard.RunnerRecall, "", []ask{{"POST", "/bot/b1/leave_call/"}}, []ask{{"DELETE", "/bot/b1/"}, {"POST", "/bot/b1/leave_call/"}}, "/bot/b1/", "/bot/b1/transcript?a=1"},
		{lanyard.RunnerMeetingBaaS, "/v2", []ask{{"POST", "/v2/bots/b1/leave"}}, []ask{{"DELETE", "/v2/bots/scheduled/b1"}, {"POST", "/v2/bots/b1/leave"}}, "/v2/bots/b1/status", "/v2/bots/b1/transcript?a=1"},
		{lanyard.RunnerMeetingBaaS, "", []ask{{"DELETE", "/bots/b1"}}, []ask{{"DELETE", "/bots/b1"}}, "", "/bots/b1/transcript?a=1"},
	} {
		t.Run(string(c.kind)+c.base, func(t *testing.T) {
			w := newWorld(t)
			srv := w.there(says(200, `{}`))
			r, _ := w.runner(c.kind, srv.url+c.base)
			check := func(what string, want ...ask) {
				t.Helper()
				var got []ask
				for _, a := range srv.all() {
					got = append(got, ask{a.method, a.uri})
				}
				if len(got) != len(want) {
					t.Fatalf("%s: got %v, want %v", what, got, want)
				}
				for i := range got {
					if got[i] != want[i] {
						t.Errorf("%s: got %v, want %v", what, got, want)
					}
				}
				srv.mu.Lock()
				srv.seen = nil
				srv.mu.Unlock()
			}
			_, err := w.s.Stop(t.Context(), r, "b1", true)
			must(t, err)
			check("joined", c.joined...)
			srv.answer = says(404, `{}`)
			a, err := w.s.Stop(t.Context(), r, "b1", false)
			must(t, err)
			if a.Status != 404 {
				t.Errorf("got %d, want the vendor's last word", a.Status)
			}
			check("not joined", c.before...)
			srv.answer = says(200, `{}`)
			_, err = w.s.Status(t.Context(), r, "b1")
			must(t, err)
			if c.status != "" {
				check("status", ask{"GET", c.status})
			}
			a, err = w.s.Relay(t.Context(), r, "b1", runner.Call{Method: "PATCH", Path: "/transcript", Query: url.Values{"a": {"1"}}, Body: []byte(`{"x":1.0}`),
				Header: http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer ours"}, "Cookie": {"c=1"}}})
			must(t, err)
			if got := srv.all()[0]; got.body != `{"x":1.0}` || got.header.Get("Cookie") != "" || strings.Contains(got.header.Get("Authorization"), "ours") {
				t.Errorf("got %+v, want the body as it is and none of the caller's credentials", got)
			}
			check("relayed", ask{"PATCH", c.relay})
			for _, bad := range []runner.Call{{Method: "GET", Path: "../b2"}, {Method: "GET", Path: "x/%2e%2e"}} {
				if _, err := w.s.Relay(t.Context(), r, "b1", bad); !errors.Is(err, lanyard.CodeNotFound) {
					t.Errorf("%v: got %v, want not found", bad, err)
				}
			}
			if _, err := w.s.Relay(t.Context(), r, "../b2", runner.Call{Method: "GET"}); !errors.Is(err, lanyard.CodeNotFound) {
				t.Errorf("got %v, want not found", err)
			}
			check("nothing leads out")
		})
	}
}
