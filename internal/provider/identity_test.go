package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"lanyard"
	"lanyard/internal/provider"
)

// issuer is an OpenID provider of our own making: keys, discovery and a userinfo endpoint.
type issuer struct {
	*httptest.Server
	mu        sync.Mutex
	keys      []jose.JSONWebKey
	userinfo  string
	status    int
	jwksCalls atomic.Int32
	bearer    string
	issuer    string // "": its own URL
}

// rsaKey is shared: making one takes a while.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func newIssuer(t *testing.T) *issuer {
	i := &issuer{status: 200, userinfo: `{"sub":"sub-1","email":"ana@example.com","name":"Ana"}`}
	i.keys = []jose.JSONWebKey{{Key: rsaKey().Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"}}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		switch r.URL.Path {
		case "/jwks":
			i.jwksCalls.Add(1)
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: i.keys})
		case "/.well-known/openid-configuration":
			iss := i.issuer
			if iss == "" {
				iss = i.URL
			}
			_ = json.NewEncoder(w).Encode(object{"issuer": iss, "jwks_uri": i.URL + "/jwks"})
		case "/userinfo":
			i.bearer = r.Header.Get("Authorization")
			w.WriteHeader(i.status)
			_, _ = io.WriteString(w, i.userinfo)
		}
	}))
	t.Cleanup(i.Close)
	return i
}

// target is an OpenID client of this issuer; with discovery it finds the keys by itself.
func (i *issuer) target(t *testing.T, discovery bool) *provider.Target {
	e := object{"authorize": i.URL + "/a", "token": i.URL + "/t", "identity": i.URL + "/userinfo", "issuer": i.URL, "jwks": i.URL + "/jwks"}
	if discovery {
		delete(e, "jwks")
		e["discovery"] = i.URL + "/.well-known/openid-configuration"
	}
	return custom(t, i.URL, object{"endpoints": e, "identity": object{"subject": "sub", "email": "email", "name": "name",
		"claims": object{"subject": "sub", "email": "email", "name": "name", "organization": "hd"}}})
}

func (i *issuer) claims(changes object) object {
	sum := sha256.Sum256([]byte("access-1"))
	c := object{"iss": i.URL, "sub": "sub-1", "aud": "client", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(), "nonce": "nonce-1",
		"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]), "email": "ana@example.com", "name": "Ana", "hd": "example.com"}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func sign(t *testing.T, key any, alg jose.SignatureAlgorithm, kid string, claims any) lanyard.Secret {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return lanyard.NewSecret(out)
}

func with(id lanyard.Secret) provider.Issued {
	return provider.Issued{Kind: "user", Tokens: lanyard.TokenSet{Access: lanyard.NewSecret("access-1"), IDToken: id}}
}

func TestIDToken(t *testing.T) {
	i := newIssuer(t)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := sign(t, rsaKey(), jose.RS256, "k1", i.claims(nil))
	half := strings.Split(string(good.Reveal()), ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + half[1] + "."
	pub, err := json.Marshal(jose.JSONWebKey{Key: rsaKey().Public()})
	if err != nil {
		t.Fatal(err)
	}
	for _, discovery := range []bool{false, true} {
		tgt := i.target(t, discovery)
		for _, c := range []struct {
			name  string
			token lanyard.Secret
			nonce string
			want  string // "" : accepted
		}{
			{"good", good, "nonce-1", ""},
			{"good, two audiences and azp", sign(t, rsaKey(), jose.RS256, "k1", i.claims(object{"aud": []string{"client", "other"}, "azp": "client"})), "nonce-1", ""},
			{"good, no key id", sign(t, rsaKey(), jose.RS256, "", i.claims(nil)), "nonce-1", ""},
			{"good, no nonce asked for", sign(t, rsaKey(), jose.RS256, "k1", i.claims(object{"nonce": nil})), "", ""},
			{"good, no at_hash", sign(t, rsaKey(), jose.RS256, "k1", i.claims(object{"at_hash": nil})), "nonce-1", ""},
			{"nonce of another attempt", good, "nonce-2", "nonce"},
			{"nonce missing", sign(t, rsaKey(), jose.RS256, "k1", i.claims(object{"nonce": nil})), "nonce-1", "nonce"},
			{"another issuer", sign(t, rsaKey(), jose.RS256, "k1", i.claims(object{"iss": "https://evil.example"})), "nonce-1", "issuer"},
			{"another client", sign(t, rsaKey(), jose.RS256, "k1", i.claims(object{"aud": "other"})), "nonce-1", "audience"},
			{"two audiences, no azp", sign(t, rsaKey(), jose.RS256, "k1", i.claims(object{"aud": []string{"client", "other"}})), "nonce-1", "azp"},
			{"azp of another client", sign(t, rsaKey(), jose.RS256, "k1", i.claims(object{"azp": "other"})), "nonce-1", "azp"},
			{"expired", sign(t, rsaKey(), jose.RS256, "k1", i.claims(object{"exp": time.Now().Add(-time.Minute).Unix()})), "nonce-1", "expired"},
			{"from the future", sign(t, rsaKey(), jose.RS256, "k1", i.claims(object{"iat": time.Now().Add(time.Hour).Unix()})), "nonce-1", "iat"},
			{"another access token", sign(t, rsaKey(), jose.RS256, "k1", i.claims(object{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"})), "nonce-1", "at_hash"},
			{"a stranger's key", sign(t, stranger, jose.RS256, "k1", i.claims(nil)), "nonce-1", "signature"},
			{"key id nobody has", sign(t, rsaKey(), jose.RS256, "k9", i.claims(nil)), "nonce-1", "signature"},
			{"algorithm not agreed on", sign(t, ec, jose.ES256, "k1", i.claims(nil)), "nonce-1", "signature"},
			{"signed with the public key as a shared one", sign(t, pub, jose.HS256, "k1", i.claims(nil)), "nonce-1", "signature"},
			{"not signed", lanyard.NewSecret(none), "nonce-1", "signature"},
			{"changed after signing", lanyard.NewSecret(half[0] + "." + half[1] + "A." + half[2]), "nonce-1", "signature"},
			{"no subject", sign(t, rsaKey(), jose.RS256, "k1", i.claims(object{"sub": nil})), "nonce-1", "account id"},
			{"subject that is not text", sign(t, rsaKey(), jose.RS256, "k1", i.claims(object{"sub": []string{"x"}})), "nonce-1", ""},
			{"not a token", lanyard.NewSecret("x"), "nonce-1", "signature"},
		} {
			t.Run(c.name, func(t *testing.T) {
				got, err := tgt.Identify(t.Context(), with(c.token), c.nonce)
				switch {
				case c.name == "subject that is not text":
					if err == nil {
						t.Errorf("got %+v", got)
					}
				case c.want == "":
					if err != nil || got.Issuer != i.URL || got.Subject != "sub-1" || got.Email != "ana@example.com" || got.DisplayName != "Ana" || got.OrganizationID != "example.com" || !got.Active {
						t.Errorf("got %+v, %v", got, err)
					}
				case err == nil || !errors.Is(err, lanyard.CodeProviderAnswerInvalid) || !strings.Contains(err.Error(), c.want):
					t.Errorf("got %+v, %v; want it refused for its %s", got, err, c.want)
				case strings.Contains(err.Error(), "ana@") || strings.Contains(err.Error(), "sub-1"):
					t.Errorf("%v tells what was in the token", err)
				}
			})
		}
	}
}

// oidc-07: a userinfo answer about somebody else is a swapped access token.
func TestUserinfoMustAgree(t *testing.T) {
	i := newIssuer(t)
	tgt := i.target(t, false)
	token := sign(t, rsaKey(), jose.RS256, "k1", i.claims(object{"email": nil}))
	got, err := tgt.Identify(t.Context(), with(token), "nonce-1")
	if err != nil || got.Email != "ana@example.com" || i.bearer != "Bearer access-1" {
		t.Errorf("got %+v, %v with %q", got, err, i.bearer)
	}
	i.userinfo = `{"sub":"sub-2","email":"eve@example.com"}`
	if got, err := tgt.Identify(t.Context(), with(token), "nonce-1"); !errors.Is(err, lanyard.CodeProviderAnswerInvalid) {
		t.Errorf("somebody else: got %+v, %v", got, err)
	}
	i.status = 500
	if got, err := tgt.Identify(t.Context(), with(token), "nonce-1"); err != nil || got.Subject != "sub-1" {
		t.Errorf("endpoint down, token verified: got %+v, %v", got, err)
	}
}

func TestDiscoveryOfAnotherIssuerIsNotBelieved(t *testing.T) {
	i := newIssuer(t)
	i.issuer = i.URL + "/"
	_, err := i.target(t, true).Identify(t.Context(), with(sign(t, rsaKey(), jose.RS256, "k1", i.claims(nil))), "nonce-1")
	if !errors.Is(err, lanyard.CodeIdentityUnavailable) {
		t.Errorf("got %v", err)
	}
}

// An issuer that changes its keys is asked once; tokens with made-up key ids do not make us knock again and again.
func TestKeysAreFetchedSparingly(t *testing.T) {
	i := newIssuer(t)
	tgt := i.target(t, false)
	for range 5 {
		if _, err := tgt.Identify(t.Context(), with(sign(t, rsaKey(), jose.RS256, "k1", i.claims(nil))), "nonce-1"); err != nil {
			t.Fatal(err)
		}
	}
	if n := i.jwksCalls.Load(); n != 1 {
		t.Errorf("keys were fetched %d times", n)
	}
	for range 20 {
		if _, err := tgt.Identify(t.Context(), with(sign(t, rsaKey(), jose.RS256, "made-up", i.claims(nil))), "nonce-1"); err == nil {
			t.Fatal("accepted")
		}
	}
	if n := i.jwksCalls.Load(); n > 2 {
		t.Errorf("keys were fetched %d times", n)
	}
}

func TestKeysThatCannotBeRead(t *testing.T) {
	i := newIssuer(t)
	tgt := i.target(t, false)
	token := sign(t, rsaKey(), jose.RS256, "k1", i.claims(nil))
	i.Close()
	if _, err := tgt.Identify(t.Context(), with(token), "nonce-1"); !errors.Is(err, lanyard.CodeIdentityUnavailable) {
		t.Errorf("got %v, want identity_unavailable: nothing is wrong with the token", err)
	}
}

// An issuer that hangs is waited for once, not by each connection in turn.
func TestHangingIssuerIsWaitedForOnce(t *testing.T) {
	i := newIssuer(t)
	release := make(chan struct{})
	var asked atomic.Int32
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1); <-release }))
	t.Cleanup(hanging.Close)
	defer close(release)
	tgt := custom(t, i.URL, object{"endpoints": object{"authorize": i.URL + "/a", "token": i.URL + "/t", "issuer": i.URL, "jwks": hanging.URL},
		"identity": object{"claims": object{"subject": "sub"}}})
	tgt.Deadline = 300 * time.Millisecond
	token := sign(t, rsaKey(), jose.RS256, "k1", i.claims(nil))
	began := time.Now()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := tgt.Identify(t.Context(), with(token), "nonce-1"); !errors.Is(err, lanyard.CodeIdentityUnavailable) {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	if n, took := asked.Load(), time.Since(began); n != 1 || took > 2*time.Second {
		t.Errorf("asked %d times, waited %v", n, took)
	}
}

func TestMicrosoftTenants(t *testing.T) {
	const tid, other = "11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555"
	i := newIssuer(t)
	app := lanyard.App{Provider: "microsoft", ClientID: "client", Endpoints: map[string]string{"token": i.URL + "/t", "jwks": i.URL + "/jwks", "issuer": i.URL + "/{tid}/v2.0", "identity": i.URL + "/userinfo"}}
	tgt := mustTarget(t, app)
	for _, c := range []struct {
		name     string
		iss, tid string
		ok       bool
	}{
		{"its own directory", i.URL + "/" + tid + "/v2.0", tid, true},
		{"issuer of another directory", i.URL + "/" + other + "/v2.0", tid, false},
		{"directory that is no id", i.URL + "/evil/v2.0", "evil", false},
		{"no directory", i.URL + "//v2.0", "", false},
		{"another issuer", "https://evil.example/" + tid + "/v2.0", tid, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			token := sign(t, rsaKey(), jose.RS256, "k1", i.claims(object{"iss": c.iss, "tid": c.tid, "oid": "oid-1", "email": nil, "preferred_username": "ana@contoso.example"}))
			got, err := tgt.Identify(t.Context(), with(token), "nonce-1")
			if (err == nil) != c.ok {
				t.Fatalf("got %+v, %v; want ok=%v", got, err, c.ok)
			}
			if c.ok && (got.Issuer != c.iss || got.Subject != "oid-1" || got.OrganizationID != tid || got.Email != "ana@contoso.example") {
				t.Errorf("got %+v", got)
			}
		})
	}
	// Without an ID token nobody knows the directory, and ids are unique only inside one.
	if got, err := tgt.Identify(t.Context(), with(lanyard.Secret{}), ""); !errors.Is(err, lanyard.CodeIdentityUnavailable) {
		t.Errorf("without ID token: got %+v, %v", got, err)
	}
}

func TestIdentifyZoom(t *testing.T) {
	const me = `{"id":"KdYKjnimT4KPd8KKdQt9FQ","account_id":"acc-1","email":"ana@example.com","display_name":"Ana \u202eLima\n","status":"active","pmi":12345678901}`
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   provider.Identity
		code   lanyard.Code
	}{
		{"active", 200, me, provider.Identity{Subject: "KdYKjnimT4KPd8KKdQt9FQ", Email: "ana@example.com", DisplayName: "Ana Lima", OrganizationID: "acc-1", Active: true}, ""},
		{"inactive", 200, strings.Replace(me, `"active"`, `"inactive"`, 1), provider.Identity{Subject: "KdYKjnimT4KPd8KKdQt9FQ", Email: "ana@example.com", DisplayName: "Ana Lima", OrganizationID: "acc-1"}, ""},
		{"no id", 200, `{"email":"ana@example.com","status":"active"}`, provider.Identity{}, lanyard.CodeProviderAnswerInvalid},
		{"id of another type", 200, `{"id":{"x":1},"status":"active"}`, provider.Identity{}, lanyard.CodeProviderAnswerInvalid},
		{"id twice", 200, `{"id":"a","id":"b","status":"active"}`, provider.Identity{}, lanyard.CodeProviderAnswerInvalid},
		{"cut", 200, me[:60], provider.Identity{}, lanyard.CodeProviderAnswerInvalid},
		{"page", 200, `<html>`, provider.Identity{}, lanyard.CodeProviderAnswerInvalid},
		{"token refused", 401, `{"code":124,"message":"Invalid access token."}`, provider.Identity{}, lanyard.CodeIdentityUnavailable},
		{"scope missing", 400, `{"code":4711,"message":"Invalid access token, does not contain scopes:[user:read:user, user:read:user:admin]."}`, provider.Identity{}, lanyard.CodeScopesMissing},
		{"no such person", 404, `{"code":1001,"message":"User does not exist: x"}`, provider.Identity{}, lanyard.CodeAccountNotActive},
		{"too many", 429, `{}`, provider.Identity{}, lanyard.CodeIdentityUnavailable},
		{"down", 503, ``, provider.Identity{}, lanyard.CodeIdentityUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/zoom/v2/users/me" || r.Header.Get("Authorization") != "Bearer access-1" {
					t.Errorf("asked %s with %q", r.URL.Path, r.Header.Get("Authorization"))
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			t.Cleanup(s.Close)
			tgt := mustTarget(t, lanyard.App{Provider: "zoom", Endpoints: map[string]string{"token": s.URL + "/zoom/oauth/token", "api": s.URL + "/zoom"}})
			got, err := tgt.Identify(t.Context(), with(lanyard.Secret{}), "")
			if c.code != "" {
				if !errors.Is(err, c.code) {
					t.Errorf("got %+v, %v; want %s", got, err, c.code)
				}
				if refused := errors.Is(err, provider.ErrTokenRefused); refused != (c.status == 401) {
					t.Errorf("%v: token refused = %v", err, refused)
				}
				return
			}
			c.want.Issuer = s.URL
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

func TestIdentifySlack(t *testing.T) {
	for _, c := range []struct{ name, body, subject, organization string }{
		{"workspace", `{"ok":true,"team_id":"T1","user_id":"U1","user":"ana"}`, "T1.U1", "T1"},
		{"whole organisation", `{"ok":true,"team_id":null,"enterprise_id":"E1","user_id":"U1","user":"ana"}`, "E1.U1", "E1"},
		{"revoked", `{"ok":false,"error":"token_revoked"}`, "", ""},
		{"nobody", `{"ok":true,"user_id":"U1"}`, "", ""},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, c.body) }))
		t.Cleanup(s.Close)
		tgt := mustTarget(t, lanyard.App{Provider: "slack", Endpoints: map[string]string{"token": s.URL + "/t", "api": s.URL}})
		got, err := tgt.Identify(t.Context(), with(lanyard.Secret{}), "")
		if (err == nil) != (c.subject != "") || got.Subject != c.subject || got.OrganizationID != c.organization {
			t.Errorf("%s: got %+v, %v", c.name, got, err)
		}
	}
}

// OpenID Connect Core §5.7: an address the provider does not vouch for is not handed on.
func TestUnverifiedAddress(t *testing.T) {
	for _, v := range []string{"false", `"false"`} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"id":7,"email":"victim@example.com","email_verified":`+v+`}`)
		}))
		t.Cleanup(s.Close)
		got, err := custom(t, s.URL, nil).Identify(t.Context(), with(lanyard.Secret{}), "")
		if err != nil || got.Email != "" || got.Subject != "7" {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}
