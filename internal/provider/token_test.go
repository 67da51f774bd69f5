package provider_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// seen is what a token endpoint was sent.
type seen struct {
	header http.Header
	form   url.Values
	query  string
	method string
}

func tokenServer(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) (*httptest.Server, chan seen) {
	requests := make(chan seen, 16)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(b))
		requests <- seen{r.Header.Clone(), form, r.URL.RawQuery, r.Method}
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s, requests
}

// 6749-02: id and secret are form-encoded before Basic, unless the provider reads them literally.
func TestClientAuthentication(t *testing.T) {
	odd := provider.Credentials{ClientID: "id:1", Secret: lanyard.NewSecret("a:b+c%d é")}
	for _, c := range []struct {
		name       string
		changes    object
		basic      string
		id, secret string
	}{
		{"basic", object{"client_auth": "basic"}, "id%3A1:a%3Ab%2Bc%25d+%C3%A9", "", ""},
		{"basic, raw", object{"client_auth": "basic", "basic_raw": true}, "id:1:a:b+c%d é", "", ""},
		{"post", object{"client_auth": "post"}, "", "id:1", "a:b+c%d é"},
		{"none", object{"client_auth": "none"}, "", "id:1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, requests := tokenServer(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Request-Id", "req-1")
				_, _ = io.WriteString(w, `{"access_token":"a"}`)
			})
			tgt := custom(t, s.URL, c.changes)
			before := time.Now()
			a := tgt.Exchange(t.Context(), odd, provider.ExchangeRequest{Code: lanyard.NewSecret("code/1"), RedirectURI: "https://x.example/cb?a=1", Verifier: lanyard.NewSecret("verifier-1")})
			got := <-requests
			basic := ""
			if h := got.header.Get("Authorization"); h != "" {
				b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(h, "Basic "))
				if err != nil {
					t.Fatal(err)
				}
				basic = string(b)
			}
			if basic != c.basic || got.form.Get("client_id") != c.id || got.form.Get("client_secret") != c.secret {
				t.Errorf("basic %q, id %q, secret %q; want %q, %q, %q", basic, got.form.Get("client_id"), got.form.Get("client_secret"), c.basic, c.id, c.secret)
			}
			if got.method != "POST" || got.query != "" || got.header.Get("Accept") != "application/json" || got.header.Get("Content-Type") != "application/x-www-form-urlencoded" {
				t.Errorf("sent %+v", got)
			}
			if got.form.Get("grant_type") != "authorization_code" || got.form.Get("code") != "code/1" || got.form.Get("redirect_uri") != "https://x.example/cb?a=1" || got.form.Get("code_verifier") != "verifier-1" {
				t.Errorf("form %v", got.form)
			}
			for _, h := range []string{"Idempotency-Key", "X-Idempotency-Key", "Cookie", "Referer"} {
				if got.header.Get(h) != "" {
					t.Errorf("header %s was sent", h)
				}
			}
			if !a.Sent || a.RequestID != "req-1" || a.SentAt.Before(before) || a.SentAt.After(time.Now()) || a.Status != 200 {
				t.Errorf("answer %+v", a)
			}
		})
	}
}

func TestRefreshSendsTheTokenAndNoScope(t *testing.T) {
	s, requests := tokenServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "session=secret")
		w.Header().Set("Retry-After", "7")
		_, _ = io.WriteString(w, `{"access_token":"a"}`)
	})
	a := custom(t, s.URL, nil).Refresh(t.Context(), credentials(), lanyard.NewSecret("r 1"))
	got := <-requests
	if want := "grant_type=refresh_token&refresh_token=r+1"; got.form.Encode() != want {
		t.Errorf("form %s, want %s", got.form.Encode(), want)
	}
	if a.Header.Get("Set-Cookie") != "" || a.Header.Get("Retry-After") != "7" {
		t.Errorf("kept headers: %v", a.Header)
	}
}

// T15: a provider's name for a call is shown and kept in the open, so one that repeats a secret of the request is none.
func TestARequestIDHoldsNoSecret(t *testing.T) {
	for _, c := range []struct{ id, want string }{{"req-1", "req-1"}, {"for refresh-7f3a: 1", ""}, {"secret", ""}, {"Basic Y2xpZW50OnNlY3JldA==", ""}} {
		s, _ := tokenServer(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Request-Id", c.id) })
		if got := custom(t, s.URL, nil).Refresh(t.Context(), credentials(), lanyard.NewSecret("refresh-7f3a")).RequestID; got != c.want {
			t.Errorf("%q is kept as %q, want %q", c.id, got, c.want)
		}
	}
}

// A rotating provider's token call is sent exactly once, whatever goes wrong: a second use of a refresh token kills the family.
func TestOneRequestWhateverHappens(t *testing.T) {
	for _, class := range []string{"strict", "reuse_kill", "grace", "static"} {
		for _, c := range []struct {
			name    string
			answer  http.HandlerFunc
			outcome lanyard.Outcome
		}{
			{"dropped before an answer", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, lanyard.OutcomeUnknown},
			{"dropped in the body", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "100")
				_, _ = io.WriteString(w, `{"access_token":"a","refresh_token":"r2","exp`)
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}, lanyard.OutcomePartial},
			{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/token2", 307) }, lanyard.OutcomeAppError},
			{"503", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) }, lanyard.OutcomeUnknown},
			{"408", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(408) }, lanyard.OutcomeUnknown},
			{"401 with a challenge", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("WWW-Authenticate", "Basic")
				w.WriteHeader(401)
			}, lanyard.OutcomeAppError},
			{"huge", func(w http.ResponseWriter, r *http.Request) {
				for range 40 {
					_, _ = io.WriteString(w, strings.Repeat("x", 64<<10))
				}
			}, lanyard.OutcomeUnknown},
		} {
			t.Run(class+"/"+c.name, func(t *testing.T) {
				s, requests := tokenServer(t, c.answer)
				s.Config.ErrorLog = nil
				tgt := custom(t, s.URL, object{"class": class, "times": object{"grace": 30}})
				got := tgt.Parse(lanyard.AttemptRefresh, tgt.Refresh(t.Context(), credentials(), lanyard.NewSecret("r1")))
				if got.Outcome != c.outcome {
					t.Errorf("outcome %s, want %s", got.Outcome, c.outcome)
				}
				if n := len(requests); n != 1 {
					t.Errorf("sent %d times", n)
				}
			})
		}
	}
}

func TestDeadlineIsTheTargets(t *testing.T) {
	release := make(chan struct{})
	s, _ := tokenServer(t, func(w http.ResponseWriter, r *http.Request) { <-release })
	defer close(release)
	tgt := custom(t, s.URL, nil)
	if tgt.Deadline != provider.DefaultDeadline {
		t.Errorf("deadline %v", tgt.Deadline)
	}
	tgt.Deadline = 50 * time.Millisecond
	a := tgt.Refresh(t.Context(), credentials(), lanyard.NewSecret("r1"))
	if !a.Sent || !errors.Is(a.Err, context.DeadlineExceeded) {
		t.Errorf("got %+v", a)
	}
	if r := tgt.Parse(lanyard.AttemptRefresh, a); r.Outcome != lanyard.OutcomeUnknown {
		t.Errorf("outcome %s, want unknown", r.Outcome)
	}
}

func TestNotSent(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	tgt := custom(t, s.URL, nil)
	a := tgt.Refresh(t.Context(), credentials(), lanyard.NewSecret("r1"))
	if r := tgt.Parse(lanyard.AttemptRefresh, a); r.Outcome != lanyard.OutcomeNotSent {
		t.Errorf("outcome %s, want not_sent", r.Outcome)
	}
	for _, text := range []string{fmt.Sprintf("%+v", a), fmt.Sprintf("%v", a.Err)} {
		if strings.Contains(text, "r1") && strings.Contains(text, "refresh_token") || strings.Contains(text, "secret") {
			t.Errorf("shows a secret: %s", text)
		}
	}
}

func TestCheckClient(t *testing.T) {
	for _, c := range []struct {
		name, probe string
		status      int
		body        string
		want        string
	}{
		{"token for the app", "client_credentials", 200, `{"access_token":"a","token_type":"bearer"}`, provider.CheckProved},
		{"wrong secret", "client_credentials", 401, `{"error":"invalid_client"}`, provider.CheckRefused},
		{"grant not for this client", "client_credentials", 400, `{"error":"unauthorized_client"}`, provider.CheckUnknown},
		{"made-up token refused", "bogus_refresh", 400, `{"error":"invalid_grant"}`, provider.CheckProved},
		{"wrong secret at the same", "bogus_refresh", 400, `{"error":"invalid_client"}`, provider.CheckRefused},
		{"gateway", "bogus_refresh", 502, `<html>`, provider.CheckUnknown},
		{"no way", "none", 200, `{}`, provider.CheckUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			var calls atomic.Int32
			s, _ := tokenServer(t, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			got := custom(t, s.URL, object{"probe": c.probe}).CheckClient(t.Context(), credentials())
			if got.State != c.want || got.How == "" || c.probe == "none" && calls.Load() != 0 {
				t.Errorf("got %+v after %d calls, want %s", got, calls.Load(), c.want)
			}
		})
	}
}
