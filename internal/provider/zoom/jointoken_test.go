package zoom_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/egress"
	"lanyard/internal/provider"
	"lanyard/internal/provider/catalog"
	"lanyard/internal/provider/zoom"
)

// zoomAt is a target whose API is this server, which answers everything alike.
func zoomAt(t *testing.T, h http.HandlerFunc) (*provider.Target, *httptest.Server) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	client, err := egress.New(egress.Config{AllowLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdle)
	entries, err := catalog.Load("")
	if err != nil {
		t.Fatal(err)
	}
	set, err := provider.NewSet(client, entries...)
	if err != nil {
		t.Fatal(err)
	}
	tgt, err := set.Target(lanyard.App{Provider: "zoom", Endpoints: map[string]string{"token": s.URL + "/oauth/token", "api": s.URL}})
	if err != nil {
		t.Fatal(err)
	}
	return tgt, s
}

func tokens() lanyard.TokenSet { return lanyard.TokenSet{Access: lanyard.NewSecret("access-1")} }

func TestMint(t *testing.T) {
	z := zoom.Zoom{}
	for _, c := range []struct {
		name   string
		mint   func(ctx context.Context, tgt *provider.Target) (lanyard.Secret, time.Time, error)
		answer string
		want   string        // method, path and query
		life   time.Duration // 0: not said
	}{
		{"on behalf", func(ctx context.Context, tgt *provider.Target) (lanyard.Secret, time.Time, error) {
			return z.OnBehalfToken(ctx, tgt, tokens(), "12345678901")
		}, `{"token":"obf-1"}`, "GET /v2/users/me/token?meeting_id=12345678901&type=onbehalf", 2 * time.Hour},
		{"ZAK", func(ctx context.Context, tgt *provider.Target) (lanyard.Secret, time.Time, error) {
			return z.ZAK(ctx, tgt, tokens())
		}, `{"token":"obf-1"}`, "GET /v2/users/me/zak", 2 * time.Hour},
		{"local recording", func(ctx context.Context, tgt *provider.Target) (lanyard.Secret, time.Time, error) {
			return z.LocalRecordingToken(ctx, tgt, tokens(), "123456789")
		}, `{"expire_in":120,"token":"obf-1"}`, "GET /v2/meetings/123456789/jointoken/local_recording", 2 * time.Minute},
		{"local recording without a life", func(ctx context.Context, tgt *provider.Target) (lanyard.Secret, time.Time, error) {
			return z.LocalRecordingToken(ctx, tgt, tokens(), "123456789")
		}, `{"token":"obf-1"}`, "GET /v2/meetings/123456789/jointoken/local_recording", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			tgt, _ := zoomAt(t, func(w http.ResponseWriter, r *http.Request) {
				if got := r.Method + " " + r.URL.RequestURI(); got != c.want || r.Header.Get("Authorization") != "Bearer access-1" {
					t.Errorf("asked %s with %q, want %s", got, r.Header.Get("Authorization"), c.want)
				}
				_, _ = io.WriteString(w, c.answer)
			})
			before := time.Now()
			got, expires, err := c.mint(t.Context(), tgt)
			if err != nil || string(got.Reveal()) != "obf-1" {
				t.Fatalf("got %q, %v", got.Reveal(), err)
			}
			if c.life == 0 != expires.IsZero() || c.life > 0 && (expires.Before(before.Add(c.life)) || expires.After(time.Now().Add(c.life))) {
				t.Errorf("expires %v, want in %v", expires, c.life)
			}
		})
	}
}

func TestMintErrors(t *testing.T) {
	z := zoom.Zoom{}
	for _, c := range []struct {
		name   string
		status int
		body   string
		record bool // ask for local recording
		code   lanyard.Code
		scopes []string
	}{
		{"token expired", 401, `{"code":124,"message":"Access token is expired."}`, false, lanyard.CodeProviderRefused, nil},
		{"token refused without a code", 401, `{}`, false, lanyard.CodeProviderRefused, nil},
		{"scope missing", 400, `{"code":4711,"message":"Invalid access token, does not contain scopes:[user:read:token, user:read:token:admin]."}`, false, lanyard.CodeScopesMissing, []string{"user:read:token", "user:read:token:admin"}},
		{"scope missing, as 401", 401, `{"code":4711,"message":"Invalid access token, does not contain scopes:[user:read:token]."}`, false, lanyard.CodeScopesMissing, []string{"user:read:token"}},
		{"scope missing, older code", 400, `{"code":104,"message":"Invalid access token, does not contain scopes: [meeting:read:local_recording_token]"}`, true, lanyard.CodeScopesMissing, []string{"meeting:read:local_recording_token"}},
		{"scope missing, unnamed", 400, `{"code":4711,"message":"?"}`, false, lanyard.CodeScopesMissing, nil},
		{"no such meeting", 404, `{"code":3001,"message":"Meeting does not exist: 123456789."}`, true, lanyard.CodeMeetingNotFound, nil},
		{"no such person", 404, `{"code":1001,"message":"User does not exist: ana@example.com."}`, false, lanyard.CodeUserNotActive, nil},
		{"not the host", 403, `{"code":200,"message":"No permission."}`, true, lanyard.CodeHostRequired, nil},
		{"not the host, as 400", 400, `{"code":3000,"message":"Cannot access meeting information."}`, true, lanyard.CodeHostRequired, nil},
		{"plan does not allow it", 400, `{"code":200,"message":"Only available for Paid account: ana@example.com."}`, false, lanyard.CodeProviderRefused, nil},
		{"validation", 300, `{"code":300,"message":"Validation Failed."}`, false, lanyard.CodeProviderRefused, nil},
		{"code that is no code", 400, `{"code":"ana@example.com"}`, false, lanyard.CodeProviderRefused, nil},
		{"too many", 429, `{"code":429}`, false, lanyard.CodeRateLimited, nil},
		{"down", 503, ``, false, lanyard.CodeProviderUnavailable, nil},
		{"answer without a token", 200, `{"tokens":"x"}`, false, lanyard.CodeProviderAnswerInvalid, nil},
		{"token that is none", 200, `{"token":"a b\n"}`, false, lanyard.CodeProviderAnswerInvalid, nil},
		{"page", 200, `<html>`, false, lanyard.CodeProviderAnswerInvalid, nil},
		{"cut", 200, `{"token":"obf`, false, lanyard.CodeProviderAnswerInvalid, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			tgt, _ := zoomAt(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			var err error
			if c.record {
				_, _, err = z.LocalRecordingToken(t.Context(), tgt, tokens(), "123456789")
			} else {
				_, _, err = z.OnBehalfToken(t.Context(), tgt, tokens(), "123456789")
			}
			e, ok := errors.AsType[*lanyard.Error](err)
			if !ok || e.Code != c.code || !slices.Equal(e.MissingScopes, c.scopes) {
				t.Fatalf("got %v (%+v), want %s with %v", err, e, c.code, c.scopes)
			}
			if got, want := errors.Is(err, provider.ErrTokenRefused), c.status == 401 && c.code == lanyard.CodeProviderRefused; got != want {
				t.Errorf("token refused = %v, want %v", got, want)
			}
			if c.code == lanyard.CodeRateLimited && e.RetryAfter != 7*time.Second {
				t.Errorf("retry after %v", e.RetryAfter)
			}
			if text := err.Error(); text == "" || containsAny(text, "ana@", "Paid", "Validation") {
				t.Errorf("%q repeats Zoom's text", text)
			}
		})
	}
}

func TestNothingIsAskedForWhatIsNoMeeting(t *testing.T) {
	tgt, _ := zoomAt(t, func(w http.ResponseWriter, r *http.Request) { t.Error("asked") })
	for _, number := range []string{"", "12345678", "123456789012", "../../users", "123456789?x=1", "１２３４５６７８９"} {
		if _, _, err := (zoom.Zoom{}).LocalRecordingToken(t.Context(), tgt, tokens(), number); !errors.Is(err, lanyard.CodeInvalidMeetingLink) {
			t.Errorf("%q: %v", number, err)
		}
		if _, _, err := (zoom.Zoom{}).OnBehalfToken(t.Context(), tgt, tokens(), number); !errors.Is(err, lanyard.CodeInvalidMeetingLink) {
			t.Errorf("%q: %v", number, err)
		}
	}
	if _, _, err := (zoom.Zoom{}).ZAK(t.Context(), tgt, lanyard.TokenSet{}); !errors.Is(err, provider.ErrTokenRefused) {
		t.Errorf("without an access token: %v", err)
	}
}

// A token answer may name where its API is; the access token goes there only if the address is Zoom's, or the app's own.
func TestAccessTokenGoesOnlyWhereItBelongs(t *testing.T) {
	tgt, s := zoomAt(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, `{"token":"obf-1"}`) })
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Errorf("the token went to %s", r.Host) }))
	t.Cleanup(elsewhere.Close)
	for _, base := range []string{elsewhere.URL, "https://api.zoom.us", s.URL, ""} {
		set := tokens()
		set.APIBase = base
		if _, _, err := (zoom.Zoom{}).ZAK(t.Context(), tgt, set); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
}

func TestHangingAPICostsAtMostTenSeconds(t *testing.T) {
	release := make(chan struct{})
	tgt, _ := zoomAt(t, func(w http.ResponseWriter, r *http.Request) { <-release })
	defer close(release)
	tgt.Deadline = 50 * time.Millisecond
	if _, _, err := (zoom.Zoom{}).ZAK(t.Context(), tgt, tokens()); !errors.Is(err, lanyard.CodeProviderUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestJoinTokens(t *testing.T) {
	for _, j := range (zoom.Zoom{}).JoinTokens() {
		if j.SDK.Web == "" || j.SDK.Native == "" || j.SDK.Android == "" || j.SDK.IOS == "" || len(j.Scopes) != 2 || j.Say == "" {
			t.Errorf("%+v", j)
		}
	}
}

func containsAny(s string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}
