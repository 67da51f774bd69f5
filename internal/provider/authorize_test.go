package provider_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/provider"
)

func request() provider.AuthorizeRequest {
	return provider.AuthorizeRequest{RedirectURI: "https://connect.example.com/oauth/callback/app_1", State: "state-1", Nonce: "nonce-1",
		Challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", LoginHint: "ana@example.com"}
}

func TestAuthorizeURL(t *testing.T) {
	const pkce = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&"
	const back = "redirect_uri=https%3A%2F%2Fconnect.example.com%2Foauth%2Fcallback%2Fapp_1&response_type=code&"
	for _, c := range []struct {
		name             string
		app              lanyard.App
		scopes, optional []string
		want             string
	}{
		{"zoom", lanyard.App{Provider: "zoom", ClientID: "zc"}, []string{"user:read:user", "user:read:token", "user:read:user"}, []string{"user:read:zak", "user:read:token"},
			"https://zoom.us/oauth/authorize?client_id=zc&" + pkce + "optional_scope=user%3Aread%3Azak&" + back + "scope=user%3Aread%3Auser+user%3Aread%3Atoken&state=state-1"},
		{"zoom, scopes of its build page", lanyard.App{Provider: "zoom", ClientID: "zc", PKCE: "off"}, nil, nil,
			"https://zoom.us/oauth/authorize?client_id=zc&" + back + "state=state-1"},
		{"google", lanyard.App{Provider: "google", ClientID: "gc"}, []string{"openid", "email", "https://www.googleapis.com/auth/calendar.readonly"}, nil,
			"https://accounts.google.com/o/oauth2/v2/auth?access_type=offline&client_id=gc&" + pkce + "login_hint=ana%40example.com&nonce=nonce-1&prompt=consent&" + back +
				"scope=openid+email+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcalendar.readonly&state=state-1"},
		{"microsoft, one directory", lanyard.App{Provider: "microsoft", ClientID: "mc", Params: map[string]string{"tenant": "contoso.onmicrosoft.com"}}, []string{"User.Read"}, []string{"Calendars.Read"},
			"https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/authorize?client_id=mc&" + pkce + "login_hint=ana%40example.com&nonce=nonce-1&" +
				"redirect_uri=https%3A%2F%2Fconnect.example.com%2Foauth%2Fcallback%2Fapp_1&response_mode=query&response_type=code&scope=User.Read+openid+profile+email+offline_access+Calendars.Read&state=state-1"},
		{"slack: never a challenge, two kinds of scopes", lanyard.App{Provider: "slack", ClientID: "sc"}, []string{"chat:write", "user:search:read", "users:read"}, nil,
			"https://slack.com/oauth/v2/authorize?client_id=sc&" + back + "scope=chat%3Awrite%2Cusers%3Aread&state=state-1&user_scope=search%3Aread"},
		{"slack, switched on", lanyard.App{Provider: "slack", ClientID: "sc", PKCE: "on"}, []string{"chat:write"}, nil,
			"https://slack.com/oauth/v2/authorize?client_id=sc&" + pkce + back + "scope=chat%3Awrite&state=state-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request()
			r.Scopes, r.ScopesOptional = c.scopes, c.optional
			got := mustTarget(t, c.app).AuthorizeURL(r)
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			u, err := url.Parse(got)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range u.Query() {
				if len(v) != 1 || v[0] == "" {
					t.Errorf("%s is there %d times: %q (RFC 6749 §3.1)", k, len(v), v)
				}
			}
		})
	}
}

// An authorization endpoint with a query keeps it, and cannot put anything in the place of what is ours.
func TestAuthorizeEndpointWithQuery(t *testing.T) {
	d := definition("https://crm.example", nil)
	d["endpoints"].(object)["authorize"] = "https://crm.example/authorize?org=7&state=theirs&redirect_uri=https%3A%2F%2Fevil.example"
	u, err := url.Parse(mustTarget(t, customApp(t, d)).AuthorizeURL(request()))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("org") != "7" || len(q["state"]) != 1 || q.Get("state") != "state-1" || q.Get("redirect_uri") != request().RedirectURI {
		t.Errorf("query: %v", q)
	}
}

func TestPKCE(t *testing.T) {
	for _, c := range []struct {
		mode, app string
		want      bool
	}{
		{"required", "", true}, {"required", "off", true}, {"supported", "", true}, {"supported", "off", false}, {"unknown", "", true}, {"", "", true},
		{"unknown", "off", false}, {"public_only", "", false}, {"public_only", "on", true}, {"unsupported", "", false}, {"unsupported", "on", true},
	} {
		a := customApp(t, definition("https://crm.example", object{"authorize": object{"pkce": c.mode}}))
		a.PKCE = c.app
		got := mustTarget(t, a)
		sent := strings.Contains(got.AuthorizeURL(request()), "code_challenge_method=S256")
		if got.PKCE != c.want || sent != c.want {
			t.Errorf("%q with %q: PKCE %v, sent %v, want %v", c.mode, c.app, got.PKCE, sent, c.want)
		}
		if strings.Contains(got.AuthorizeURL(request()), "plain") {
			t.Errorf("%q: plain", c.mode)
		}
	}
}

func TestCheckIssuer(t *testing.T) {
	google := mustTarget(t, lanyard.App{Provider: "google"})
	microsoft := mustTarget(t, lanyard.App{Provider: "microsoft"})
	directory := mustTarget(t, lanyard.App{Provider: "microsoft", Params: map[string]string{"tenant": "11111111-2222-3333-4444-555555555555"}})
	zoom := mustTarget(t, lanyard.App{Provider: "zoom"})
	strict := custom(t, "https://op.example", object{"authorize": object{"issuer_returned": true},
		"endpoints": object{"authorize": "https://op.example/a", "token": "https://op.example/t", "identity": "https://op.example/me", "issuer": "https://op.example"}})
	for _, c := range []struct {
		name    string
		t       *provider.Target
		iss     string
		present bool
		ok      bool
	}{
		{"equal", google, "https://accounts.google.com", true, true},
		{"absent, not promised", google, "", false, true},
		{"slash at the end", google, "https://accounts.google.com/", true, false},
		{"case", google, "https://Accounts.google.com", true, false},
		{"port", google, "https://accounts.google.com:443", true, false},
		{"empty but present", google, "", true, false},
		{"other", google, "https://evil.example", true, false},
		{"any directory", microsoft, "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0", true, true},
		{"not a directory", microsoft, "https://login.microsoftonline.com/evil/v2.0", true, false},
		{"the one directory", directory, "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0", true, true},
		{"another directory", directory, "https://login.microsoftonline.com/99999999-2222-3333-4444-555555555555/v2.0", true, false},
		{"provider without issuer", zoom, "https://whoever.example", true, true},
		{"promised and absent", strict, "", false, false},
		{"promised and there", strict, "https://op.example", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.t.CheckIssuer(c.iss, c.present)
			if (err == nil) != c.ok || err != nil && !errors.Is(err, lanyard.CodeIssuerMismatch) {
				t.Errorf("got %v, want ok=%v", err, c.ok)
			}
		})
	}
}
