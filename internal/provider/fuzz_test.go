package provider_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"lanyard"
	"lanyard/internal/provider"
)

var cleanError = regexp.MustCompile(`^([A-Za-z0-9_.-]{1,64})?$`)

// told is everything that a result says.
func told(r provider.Result) string {
	out := fmt.Sprintf("%s %s %s %s", r.Outcome, r.Error, r.Reason, r.RetryAfter)
	for _, i := range r.Tokens {
		s := i.Tokens
		out += fmt.Sprintf(" [%s %q %q %q %s %s %q %s %+v]", i.Kind, s.Access.Reveal(), s.Refresh.Reveal(), s.IDToken.Reveal(), s.TokenType, s.ExpiresAt, s.Scopes, s.APIBase, i.Hint)
	}
	return out
}

// wideBytes is UTF-16 LE with its mark.
func wideBytes(s string) string {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return string(out)
}

// FuzzParse: whatever a provider sends, Parse ends, says the same each time and of a kept answer too, whatever it is packed
// in; hands out no token that is not in the answer whole; and lets nothing out but a clean code.
func FuzzParse(f *testing.F) {
	for _, whole := range []string{`{"access_token":"a-1","refresh_token":"r-2","expires_in":3600}`, `{"refresh_token":"r-2","expires_in":"3600s","access_token":"a-1"}`,
		`access_token=a-1&refresh_token=r-2&expires_in=3600`, wideBytes(`{"access_token":"a-1"}`)} {
		for at := range whole {
			f.Add(200, whole[:at], true, "")
		}
	}
	for packed, at := gzipped(`{"access_token":"a-1","refresh_token":"r-2"}`), 0; at < len(packed); at++ {
		f.Add(200, packed[:at], true, "")
	}
	for _, seed := range []string{`{"access_token":"a","refresh_token":"r","expires_in":3600}`, `{"error":"invalid_grant"}`, `access_token=a&b=c`, `{"ok":true,"authed_user":{"access_token":"u`,
		"\ufeff{}", `{"a":[1,2,{"b":"c"}],"access_token":"\u00e9"}`, `{"error_codes":[70008],"error_description":"AADSTS70008: x"}`, `{"reason":"Invalid Token!"}`} {
		f.Add(200, seed, false, "5")
		f.Add(400, seed, true, "Fri, 20 Nov 2026 12:01:00 GMT")
	}
	var targets []*provider.Target
	for _, id := range []string{"zoom", "google", "microsoft", "slack"} {
		targets = append(targets, mustTarget(f, lanyard.App{Provider: id, Scopes: []string{"openid"}}))
	}
	targets = append(targets, custom(f, "https://crm.example", nil))
	f.Fuzz(func(t *testing.T, status int, body string, cut bool, after string) {
		for _, tgt := range targets {
			a := provider.Answer{Sent: true, SentAt: at, Status: status, Body: lanyard.NewSecret(body), Cut: cut, Header: http.Header{"Retry-After": {after}}}
			r := tgt.Parse(lanyard.AttemptRefresh, a)
			kept, err := provider.DecodeAnswer(a.Encode())
			if err != nil {
				t.Fatal(err)
			}
			if again := told(tgt.Parse(lanyard.AttemptRefresh, kept)); again != told(r) {
				t.Fatalf("a kept answer says %s, and said %s", again, told(r))
			}
			if strings.HasPrefix(body, "{") && !strings.HasPrefix(body, "{\x00") {
				whole, packed, wide := a, a, a
				whole.Cut, packed.Body = false, lanyard.NewSecret(gzipped(body))
				if got, want := told(tgt.Parse(lanyard.AttemptRefresh, packed)), told(tgt.Parse(lanyard.AttemptRefresh, whole)); got != want {
					t.Fatalf("packed it says %s, and plain %s", got, want)
				}
				wide.Body = lanyard.NewSecret(wideBytes(body))
				if got := told(tgt.Parse(lanyard.AttemptRefresh, wide)); utf8.ValidString(body) && got != told(r) {
					t.Fatalf("in UTF-16 it says %s, and plain %s", got, told(r))
				}
			}
			ok := r.Outcome == lanyard.OutcomeOK || r.Outcome == lanyard.OutcomePartial
			if ok != (len(r.Tokens) > 0) || r.Outcome == "" || !cleanError.MatchString(r.Error) || !ok && r.Reason == "" {
				t.Fatalf("%+v", r)
			}
			if r.RetryAfter != 0 && (r.RetryAfter < time.Second || r.RetryAfter > 15*time.Minute) {
				t.Fatalf("retry after %v", r.RetryAfter)
			}
			for _, i := range r.Tokens {
				if i.Kind != "user" && i.Kind != "bot" {
					t.Fatalf("kind %q", i.Kind)
				}
				if r.Outcome == lanyard.OutcomeOK && i.Tokens.Access.Empty() {
					t.Fatal("ok without an access token")
				}
				if e := i.Tokens.ExpiresAt; !e.IsZero() && e.Sub(at) > 90*24*time.Hour {
					t.Fatalf("expires %v", e)
				}
				for _, s := range []lanyard.Secret{i.Tokens.Access, i.Tokens.Refresh, i.Tokens.IDToken} {
					if bytes.ContainsFunc(s.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
						t.Fatalf("token %q", s.Reveal())
					}
				}
			}
		}
	})
}

// FuzzSalvage: of any JSON object that is cut anywhere, what is kept equals what the whole says.
func FuzzSalvage(f *testing.F) {
	f.Add("access-1", "refresh-1", "scope", uint16(40))
	f.Add(`a"b`, `\u0041`, "", uint16(9))
	tgt := mustTarget(f, lanyard.App{Provider: "zoom"})
	f.Fuzz(func(t *testing.T, access, refresh, other string, n uint16) {
		whole, err := json.Marshal(map[string]any{"access_token": access, "refresh_token": refresh, "scope": other, "expires_in": 3600, "z": []any{other, map[string]any{"y": access}}})
		if err != nil {
			t.Skip()
		}
		// What encoding/json makes of it is the reference: invalid UTF-8 has become U+FFFD there.
		var want struct {
			Access  string `json:"access_token"`
			Refresh string `json:"refresh_token"`
		}
		if err := json.Unmarshal(whole, &want); err != nil {
			t.Fatal(err)
		}
		cut := whole[:min(int(n), len(whole))]
		r := tgt.Parse(lanyard.AttemptRefresh, provider.Answer{Sent: true, SentAt: at, Status: 200, Body: lanyard.SecretBytes(cut), Cut: len(cut) < len(whole)})
		for _, i := range r.Tokens {
			if got := string(i.Tokens.Access.Reveal()); got != "" && got != want.Access {
				t.Fatalf("access token %q, want %q, of %q", got, want.Access, cut)
			}
			if got := string(i.Tokens.Refresh.Reveal()); got != "" && got != want.Refresh {
				t.Fatalf("refresh token %q, want %q, of %q", got, want.Refresh, cut)
			}
		}
	})
}
