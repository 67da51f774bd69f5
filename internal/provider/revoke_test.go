package provider_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

func TestRevoke(t *testing.T) {
	both := lanyard.TokenSet{Access: lanyard.NewSecret("acc"), Refresh: lanyard.NewSecret("ref"), ExpiresAt: time.Now().Add(time.Hour)}
	access := lanyard.TokenSet{Access: lanyard.NewSecret("acc")}
	type reply struct {
		status int
		body   string
	}
	ok := reply{200, ""}
	for _, c := range []struct {
		name    string
		rules   object
		tokens  lanyard.TokenSet
		replies map[string]reply // by the token that was sent
		want    string           // outcome, tokens living on
		calls   string           // tokens and hints in the order they were sent
	}{
		{"refresh token first, then the access token", nil, both, map[string]reply{"ref": ok, "acc": ok}, "revoked []", "ref/refresh_token acc/access_token"},
		{"one call ends all", object{"whole_grant": true}, both, map[string]reply{"ref": ok}, "revoked []", "ref/refresh_token"},
		{"access token stays", nil, both, map[string]reply{"ref": ok, "acc": {400, `{"error":"unsupported_token_type"}`}}, "revoked [access]", "ref/refresh_token acc/access_token"},
		{"refresh tokens not supported", nil, both, map[string]reply{"ref": {400, `{"error":"unsupported_token_type"}`}, "acc": ok}, "revoked []", "ref/refresh_token acc/access_token"},
		{"neither supported", nil, both, map[string]reply{"ref": {400, `{"error":"unsupported_token_type"}`}, "acc": {400, `{"error":"unsupported_token_type"}`}}, "failed [access refresh]", "ref/refresh_token acc/access_token"},
		{"already gone", object{"whole_grant": true}, both, map[string]reply{"ref": {400, `{"error":"invalid_token"}`}}, "revoked []", "ref/refresh_token"},
		{"client not taken", nil, both, map[string]reply{"ref": {401, `{"error":"invalid_client"}`}}, "failed [access refresh]", "ref/refresh_token"},
		{"busy: the token still lives", nil, both, map[string]reply{"ref": {503, ""}}, "failed [access refresh] retry", "ref/refresh_token"},
		{"access token alone", nil, access, map[string]reply{"acc": ok}, "revoked []", "acc/access_token"},
		{"by access token", object{"style": "access"}, both, map[string]reply{"acc": {200, `{"status":"success"}`}}, "revoked []", "acc/"},
		{"by access token, refused in a success", object{"style": "access"}, both, map[string]reply{"acc": {200, `{"status":"error"}`}}, "failed [access refresh]", "acc/"},
		{"by access token, and there is none", object{"style": "access"}, lanyard.TokenSet{Refresh: lanyard.NewSecret("ref")}, nil, "failed [refresh]", ""},
		{"nothing to revoke", nil, lanyard.TokenSet{}, nil, "failed []", ""},
		{"not possible", object{"style": "none"}, both, nil, "not_supported [access refresh]", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var calls []string
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				form, _ := url.ParseQuery(string(b))
				calls = append(calls, form.Get("token")+"/"+form.Get("token_type_hint"))
				if _, _, basic := r.BasicAuth(); !basic {
					t.Error("no client authentication")
				}
				a := c.replies[form.Get("token")]
				w.WriteHeader(a.status)
				_, _ = io.WriteString(w, a.body)
			}))
			t.Cleanup(s.Close)
			rules := object{}
			if c.rules != nil {
				rules = c.rules
			}
			r := custom(t, s.URL, object{"revoke": rules}).Revoke(t.Context(), credentials(), c.tokens)
			var lives []string
			for _, l := range r.Lives {
				lives = append(lives, l.Token)
			}
			got := fmt.Sprintf("%s %v", r.Outcome, lives)
			if r.Retry {
				got += " retry"
			}
			if got != c.want || strings.Join(calls, " ") != c.calls {
				t.Errorf("got %s after %v, want %s after %s (%+v)", got, calls, c.want, c.calls, r)
			}
		})
	}
}

// Google takes the token alone; the client secret has no business there.
func TestRevokeGoogle(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if got := string(b); got != "token=ref&token_type_hint=refresh_token" || r.Header.Get("Authorization") != "" {
			t.Errorf("sent %s with %q", got, r.Header.Get("Authorization"))
		}
	}))
	t.Cleanup(s.Close)
	tgt := mustTarget(t, lanyard.App{Provider: "google", Endpoints: map[string]string{"revoke": s.URL}})
	if r := tgt.Revoke(t.Context(), credentials(), lanyard.TokenSet{Access: lanyard.NewSecret("acc"), Refresh: lanyard.NewSecret("ref")}); r.Outcome != provider.RevokeDone {
		t.Errorf("got %+v", r)
	}
}

func TestRevokeMicrosoft(t *testing.T) {
	until := time.Now().Add(time.Hour)
	r := mustTarget(t, lanyard.App{Provider: "microsoft"}).Revoke(t.Context(), credentials(), lanyard.TokenSet{Access: lanyard.NewSecret("acc"), Refresh: lanyard.NewSecret("ref"), ExpiresAt: until})
	if r.Outcome != provider.RevokeNotSupported || len(r.Lives) != 2 || !r.Lives[0].Until.Equal(until) || time.Until(r.Lives[1].Until) < 89*24*time.Hour || r.Detail == "" {
		t.Errorf("got %+v", r)
	}
}

func TestRevokeSlack(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{`{"ok":true,"revoked":true}`, provider.RevokeDone},
		{`{"ok":false,"error":"token_revoked"}`, provider.RevokeDone},
		{`{"ok":false,"error":"account_inactive"}`, provider.RevokeDone},
		{`{"ok":false,"error":"token_expired"}`, provider.RevokeFailed},
		{`<html>`, provider.RevokeFailed},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != "POST" || r.Header.Get("Authorization") != "Bearer acc" || r.ContentLength > 0 {
				t.Errorf("sent %s with %q", r.Method, r.Header.Get("Authorization"))
			}
			_, _ = io.WriteString(w, c.body)
		}))
		t.Cleanup(s.Close)
		tgt := mustTarget(t, lanyard.App{Provider: "slack", Endpoints: map[string]string{"revoke": s.URL}})
		if r := tgt.Revoke(t.Context(), credentials(), lanyard.TokenSet{Access: lanyard.NewSecret("acc")}); r.Outcome != c.want {
			t.Errorf("%s: got %+v, want %s", c.body, r, c.want)
		}
	}
}
