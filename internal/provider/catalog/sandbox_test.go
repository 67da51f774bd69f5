package catalog_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/egress"
	"lanyard/internal/provider"
	"lanyard/internal/provider/catalog"
	"lanyard/internal/provider/zoom"
	"lanyard/internal/sandbox"
)

const (
	sandboxSecret = "s3cret:with+odd%characters é"
	callback      = "https://connect.example.com/oauth/callback/app_1"
)

// sandboxed is the pretend providers behind a real server, and the apps that are registered there.
func sandboxed(t *testing.T) (*sandbox.Sandbox, *provider.Set, map[string]lanyard.App) {
	t.Helper()
	var clients []sandbox.Client
	for _, id := range []string{sandbox.Zoom, sandbox.Google, sandbox.Microsoft, sandbox.Slack, sandbox.OIDC} {
		clients = append(clients, sandbox.Client{Provider: id, ID: id + "-app", Secret: sandboxSecret, RedirectURIs: []string{callback}, Rotation: true})
	}
	s, err := sandbox.New(sandbox.Config{Clients: clients})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	t.Cleanup(s.Close)
	if err := s.SetBaseURL(srv.URL); err != nil {
		t.Fatal(err)
	}
	client, err := egress.New(egress.Config{AllowLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := catalog.Load("")
	if err != nil {
		t.Fatal(err)
	}
	set, err := provider.NewSet(client, entries...)
	if err != nil {
		t.Fatal(err)
	}
	b := srv.URL
	return s, set, map[string]lanyard.App{
		"zoom": {Provider: "zoom", ClientID: "zoom-app", Scopes: []string{"user:read:user", "user:read:token", "user:read:zak", "meeting:read:local_recording_token"},
			Endpoints: map[string]string{"authorize": b + "/zoom/oauth/authorize", "token": b + "/zoom/oauth/token", "revoke": b + "/zoom/oauth/revoke", "api": b + "/zoom"}},
		"google": {Provider: "google", ClientID: "google-app", Scopes: []string{"openid", "email", "profile"},
			Endpoints: map[string]string{"authorize": b + "/google/o/oauth2/v2/auth", "token": b + "/google/token", "revoke": b + "/google/revoke", "identity": b + "/google/userinfo", "issuer": b + "/google", "jwks": b + "/google/jwks"}},
		"microsoft": {Provider: "microsoft", ClientID: "microsoft-app", Scopes: []string{"openid", "profile", "offline_access", "User.Read"},
			Endpoints: map[string]string{"authorize": b + "/microsoft/common/oauth2/v2.0/authorize", "token": b + "/microsoft/common/oauth2/v2.0/token", "issuer": b + "/microsoft/{tid}/v2.0", "jwks": b + "/microsoft/common/discovery/v2.0/keys", "api": b + "/microsoft"}},
		"slack": {Provider: "slack", ClientID: "slack-app", Scopes: []string{"chat:write", "users:read", "user:search:read"},
			Endpoints: map[string]string{"authorize": b + "/slack/oauth/v2/authorize", "token": b + "/slack/api/oauth.v2.access", "api": b + "/slack/api"}},
		"custom": {Provider: "custom", ClientID: "oidc-app", Scopes: []string{"openid", "email", "offline_access"}, Custom: []byte(`{"name":"OIDC","client_auth":"basic","class":"reuse_kill",
			"endpoints":{"authorize":"` + b + `/oidc/authorize","token":"` + b + `/oidc/token","revoke":"` + b + `/oidc/revoke","identity":"` + b + `/oidc/userinfo","issuer":"` + b + `/oidc","discovery":"` + b + `/oidc/.well-known/openid-configuration"},
			"authorize":{"pkce":"required","params":{"prompt":"consent"}},"identity":{"subject":"sub","email":"email","claims":{"subject":"sub","email":"email"},"algorithms":["RS256","ES256"]}}`)},
	}
}

// consent lets Ana allow what the URL asks for, and returns code and iss.
func consent(t *testing.T, authorize string) url.Values {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(authorize + "&sandbox_person=ana&sandbox_consent=allow")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		t.Fatalf("no way back (status %d): %v", resp.StatusCode, err)
	}
	if q := back.Query(); q.Get("code") != "" && q.Get("state") == "state-123456" {
		return q
	}
	t.Fatalf("came back with %s", back)
	return nil
}

// trip is one consent of Ana's, traded for tokens; the request can be tried a second time.
func trip(t *testing.T, tgt *provider.Target, app lanyard.App) ([]provider.Issued, provider.Credentials, provider.ExchangeRequest) {
	t.Helper()
	verifier := lanyard.Random(32)
	sum := sha256.Sum256([]byte(verifier))
	q := consent(t, tgt.AuthorizeURL(provider.AuthorizeRequest{RedirectURI: callback, State: "state-123456", Nonce: "nonce-1",
		Challenge: base64.RawURLEncoding.EncodeToString(sum[:]), Scopes: app.Scopes}))
	if err := tgt.CheckIssuer(q.Get("iss"), q.Has("iss")); err != nil {
		t.Fatal(err)
	}
	x := provider.ExchangeRequest{Code: lanyard.NewSecret(q.Get("code")), RedirectURI: callback}
	if tgt.PKCE {
		x.Verifier = lanyard.NewSecret(verifier)
	}
	cred := provider.Credentials{ClientID: app.ClientID, Secret: lanyard.NewSecret(sandboxSecret)}
	res := tgt.Parse(lanyard.AttemptCode, tgt.Exchange(t.Context(), cred, x))
	if res.Outcome != lanyard.OutcomeOK {
		t.Fatalf("exchange: %+v", res)
	}
	return res.Tokens, cred, x
}

// Consent, exchange, identity, renewal and revocation at each pretend provider, by people who did not write this package.
func TestAgainstSandbox(t *testing.T) {
	for _, id := range []string{"zoom", "google", "microsoft", "slack", "custom"} {
		t.Run(id, func(t *testing.T) {
			_, set, apps := sandboxed(t)
			app := apps[id]
			tgt, err := set.Target(app)
			if err != nil {
				t.Fatal(err)
			}
			_, cred, used := trip(t, tgt, app)
			if again := tgt.Parse(lanyard.AttemptCode, tgt.Exchange(t.Context(), cred, used)); again.Outcome != lanyard.OutcomeRejected || again.Reason != lanyard.CodeCodeRejected {
				t.Errorf("the code a second time: %+v", again)
			}
			// That ended what the code had given (RFC 6749 §4.1.2), so the rest begins afresh.
			issued, cred, _ := trip(t, tgt, app)
			if want := map[string]int{"slack": 2}[id]; want != 0 && len(issued) != want {
				t.Errorf("%d credentials, want %d", len(issued), want)
			}
			for _, i := range issued {
				if missing := lanyard.MissingScopes(tgt.ScopesFor(i.Kind, app.Scopes), i.Tokens.Scopes); len(missing) > 0 {
					t.Errorf("%s: missing %v of %v", i.Kind, missing, i.Tokens.Scopes)
				}
				who, err := tgt.Identify(t.Context(), i, "nonce-1")
				if err != nil || who.Subject == "" || !who.Active || who.Issuer == "" {
					t.Fatalf("%s: identity %+v, %v", i.Kind, who, err)
				}
				if i.Hint.Subject != "" && i.Hint.Subject != who.Subject {
					t.Errorf("%s: hint %q, identity %q", i.Kind, i.Hint.Subject, who.Subject)
				}
				again := tgt.Parse(lanyard.AttemptRefresh, tgt.Refresh(t.Context(), cred, i.Tokens.Refresh))
				if again.Outcome != lanyard.OutcomeOK || len(again.Tokens) != 1 || again.Tokens[0].Kind != i.Kind || again.Tokens[0].Tokens.Access.Equal(i.Tokens.Access) {
					t.Fatalf("%s: renewal %+v", i.Kind, again)
				}
				now := again.Tokens[0]
				if now.Tokens.Refresh.Empty() {
					now.Tokens.Refresh = i.Tokens.Refresh
				}
				if same, err := tgt.Identify(t.Context(), now, ""); id != "microsoft" && (err != nil || same.Subject != who.Subject) {
					t.Errorf("%s: after renewal %+v, %v", i.Kind, same, err)
				}
				r := tgt.Revoke(t.Context(), cred, now.Tokens)
				if want := map[bool]string{true: provider.RevokeNotSupported, false: provider.RevokeDone}[id == "microsoft"]; r.Outcome != want {
					t.Errorf("%s: revocation %+v, want %s", i.Kind, r, want)
				}
				if id != "microsoft" {
					if dead := tgt.Parse(lanyard.AttemptRefresh, tgt.Refresh(t.Context(), cred, now.Tokens.Refresh)); dead.Outcome != lanyard.OutcomeRejected {
						t.Errorf("%s: renewal after revocation: %+v", i.Kind, dead)
					}
				}
			}
			cred.Secret = lanyard.NewSecret("wrong")
			if r := tgt.Parse(lanyard.AttemptRefresh, tgt.Refresh(t.Context(), cred, issued[0].Tokens.Refresh)); r.Outcome != lanyard.OutcomeAppError || r.Reason != lanyard.CodeAppMisconfigured {
				t.Errorf("wrong secret: %+v", r)
			}
		})
	}
}

func TestCheckClientAgainstSandbox(t *testing.T) {
	_, set, apps := sandboxed(t)
	for _, id := range []string{"zoom", "google", "microsoft", "slack"} {
		tgt, err := set.Target(apps[id])
		if err != nil {
			t.Fatal(err)
		}
		good := tgt.CheckClient(t.Context(), provider.Credentials{ClientID: apps[id].ClientID, Secret: lanyard.NewSecret(sandboxSecret)})
		bad := tgt.CheckClient(t.Context(), provider.Credentials{ClientID: apps[id].ClientID, Secret: lanyard.NewSecret("wrong")})
		if good.State == provider.CheckRefused || bad.State == provider.CheckProved {
			t.Errorf("%s: right secret %+v, wrong secret %+v", id, good, bad)
		}
		if id != "zoom" && (good.State != provider.CheckProved || bad.State != provider.CheckRefused) {
			t.Errorf("%s: right secret %+v, wrong secret %+v", id, good, bad)
		}
	}
}

func TestJoinTokensAgainstSandbox(t *testing.T) {
	_, set, apps := sandboxed(t)
	app := apps["zoom"]
	app.Scopes = slices.DeleteFunc(slices.Clone(app.Scopes), func(s string) bool { return s == "user:read:zak" })
	tgt, err := set.Target(app)
	if err != nil {
		t.Fatal(err)
	}
	issued, _, _ := trip(t, tgt, app)
	tokens, z := issued[0].Tokens, zoom.Zoom{}
	if !strings.HasPrefix(tokens.APIBase, "http://127.0.0.1:") || !strings.HasSuffix(tokens.APIBase, "/zoom") {
		t.Errorf("API base %q", tokens.APIBase)
	}
	if obf, expires, err := z.OnBehalfToken(t.Context(), tgt, tokens, "123456789"); err != nil || obf.Empty() || expires.IsZero() {
		t.Errorf("on behalf: %v, %v", expires, err)
	}
	_, _, err = z.ZAK(t.Context(), tgt, tokens)
	if e, ok := errors.AsType[*lanyard.Error](err); !ok || e.Code != lanyard.CodeScopesMissing || !slices.Contains(e.MissingScopes, "user:read:zak") {
		t.Errorf("ZAK without its scope: %v", err)
	}
	if _, _, err := z.LocalRecordingToken(t.Context(), tgt, tokens, "999999999"); !errors.Is(err, lanyard.CodeMeetingNotFound) {
		t.Errorf("recording of no meeting: %v", err)
	}
	tokens.Access = lanyard.NewSecret("made-up")
	if _, _, err := z.OnBehalfToken(t.Context(), tgt, tokens, "123456789"); !errors.Is(err, provider.ErrTokenRefused) {
		t.Errorf("access token that never was: %v", err)
	}
}
