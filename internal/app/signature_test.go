package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// claims are what is in a signature, by somebody else's reading of the JWT.
func claims(t *testing.T, token, secret string) map[string]any {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		t.Fatalf("it is no JWS: %v", err)
	}
	raw, err := jws.Verify([]byte(secret))
	if err != nil {
		t.Fatalf("it does not verify with the app's secret: %v", err)
	}
	if _, err := jws.Verify([]byte("another-secret-of-thirty-two-chars")); err == nil {
		t.Error("it verifies with another secret, too")
	}
	if h := jws.Signatures[0].Protected; h.Algorithm != "HS256" || h.ExtraHeaders["typ"] != "JWT" {
		t.Errorf("header: got %+v, want HS256 and JWT", h)
	}
	out := map[string]any{}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Zoom takes exp 1800 to 172800 seconds after iat, and none that was made in its future.
func TestSDKSignature(t *testing.T) {
	w := lanyardtest.New(t)
	const secret = "current-secret-of-the-app-0123456789"
	var client string
	id := w.Zoom(func(c *sandbox.Client) { c.Secret, client = secret, c.ID })
	path := "/v1/apps/" + id + "/sdk-signature"
	w.OK("PATCH", "/v1/apps/"+id, map[string]any{"next_client_secret": "next-secret-of-the-app-0123456789"})
	for name, c := range map[string]struct {
		ask       map[string]any
		life      time.Duration // from now
		mn, role  any
		webNumber bool
	}{
		"for a native SDK":    {map[string]any{}, 2 * time.Hour, nil, nil, false},
		"for the web SDK":     {map[string]any{"meeting_number": "81234567890"}, 2 * time.Hour, 81234567890.0, 0.0, true},
		"as the host":         {map[string]any{"meeting_number": "812345678", "role": 1}, 2 * time.Hour, 812345678.0, 1.0, true},
		"the shortest":        {map[string]any{"lifetime_seconds": 1800}, 1800 * time.Second, nil, nil, false},
		"the longest, by iat": {map[string]any{"lifetime_seconds": 172800}, 172770 * time.Second, nil, nil, false},
	} {
		now := time.Now()
		out := w.OK("POST", path, c.ask)
		got := claims(t, out.Str("signature"), secret)
		iat, exp := time.Unix(int64(got["iat"].(float64)), 0), time.Unix(int64(got["exp"].(float64)), 0)
		if life := exp.Sub(iat); life < 1800*time.Second || life > 172800*time.Second {
			t.Errorf("%s: exp is %s after iat, and Zoom refuses it", name, life)
		}
		if back := now.Sub(iat); back < 28*time.Second || back > 35*time.Second {
			t.Errorf("%s: iat is %s back, want half a minute, since clocks differ", name, back)
		}
		if lives := exp.Sub(now); lives < c.life-5*time.Second || lives > c.life+5*time.Second {
			t.Errorf("%s: lives %s from now, want %s", name, lives, c.life)
		}
		if got["mn"] != c.mn || got["role"] != c.role || got["appKey"] != client || got["tokenExp"] != got["exp"] {
			t.Errorf("%s: got %v, want mn %v, role %v, appKey %s", name, got, c.mn, c.role, client)
		}
		if out.Str("client_id") != client || out.Str("parameters.web") != "signature" || out.Str("parameters.native") != "jwt_token" || out.Str("expires_at") != exp.UTC().Format(time.RFC3339) {
			t.Errorf("%s: got %v", name, out)
		}
	}
	for _, ask := range []map[string]any{{"lifetime_seconds": 1799}, {"lifetime_seconds": 172801}, {"lifetime_seconds": -1}, {"role": 2}, {"role": -1}} {
		if status, out := w.Call(w.Key, "POST", path, ask); status != http.StatusBadRequest {
			t.Errorf("%v: got %d %v, want it refused", ask, status, out)
		}
	}
	w.Fails("invalid_meeting_link", "POST", path, map[string]any{"meeting_number": "8123x"})
	if entries := w.OK("GET", "/v1/audit/entries?what=sdk_signature.made", nil).List("data"); len(entries) < 5 || entries[len(entries)-1].Str("app_id") != id {
		t.Errorf("got %v, want an entry for each", entries)
	}
}

// Who may: a signature lets a bot begin, so it takes a join scope; a host's takes the one
// that acts as the person.
func TestWhoMaySign(t *testing.T) {
	w := lanyardtest.New(t)
	id := w.Zoom()
	path := "/v1/apps/" + id + "/sdk-signature"
	key := func(body map[string]any) string { return w.OK("POST", "/v1/keys", body).Str("credential") }
	onbehalf := key(map[string]any{"scopes": []string{"join:onbehalf"}})
	zak := key(map[string]any{"scopes": []string{"join:zak"}})
	if status, out := w.Call(onbehalf, "POST", path, map[string]any{}); status != 200 {
		t.Errorf("got %d %v", status, out)
	}
	w.FailsAs(onbehalf, "scope_missing", "POST", path, map[string]any{"role": 1})
	if status, out := w.Call(zak, "POST", path, map[string]any{"role": 1}); status != 200 {
		t.Errorf("got %d %v", status, out)
	}
	w.FailsAs(key(map[string]any{"scopes": []string{"admin", "read", "token", "connect"}}), "scope_missing", "POST", path, map[string]any{})
	w.FailsAs(key(map[string]any{"scopes": []string{"join:zak"}, "providers": []string{"google"}}), "key_limited", "POST", path, map[string]any{})
	w.FailsAs(other(t, w), "not_found", "POST", path, map[string]any{})
	google := w.OK("POST", "/v1/apps", map[string]any{"provider": "google", "scopes": []string{"openid"}, "client_id": "c", "client_secret": "s"})
	w.Fails("ability_missing", "POST", "/v1/apps/"+google.Str("id")+"/sdk-signature", map[string]any{})
	w.OK("PATCH", "/v1/apps/"+id, map[string]any{"client_secret": ""})
	w.Fails("app_not_ready", "POST", path, map[string]any{})
	denied := w.OK("GET", "/v1/audit/entries?what=sdk_signature.made&outcome=denied", nil).List("data")
	if len(denied) != 3 {
		t.Errorf("got %d refusals on the log of this project, want 3", len(denied))
	}
	for _, e := range w.OK("GET", "/v1/audit/entries?limit=200", nil).List("data") {
		if strings.Contains(e.Str("detail.signature")+e.Str("detail.token"), "eyJ") {
			t.Errorf("the log has a signature: %v", e)
		}
	}
	if strings.Contains(w.Log.String(), "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9") {
		t.Error("the server's log has a signature")
	}
}
