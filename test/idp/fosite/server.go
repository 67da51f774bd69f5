package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/storage"
	"golang.org/x/crypto/bcrypt"
)

// client is the one registered client; its redirect URIs can change while the
// server runs.
type client struct {
	fosite.DefaultOpenIDConnectClient
	mu sync.Mutex
}

func (c *client) setRedirectURIs(uris []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.RedirectURIs = slices.Clone(uris)
}

// now returns the client as it is at this moment, so that fosite reads one that
// nobody changes.
func (c *client) now() fosite.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	base := *c.DefaultClient
	return &fosite.DefaultOpenIDConnectClient{DefaultClient: &base, TokenEndpointAuthMethod: c.TokenEndpointAuthMethod}
}

// store is fosite's own memory store with our one client in it.
type store struct {
	*storage.MemoryStore
	client *client
}

func (s store) GetClient(_ context.Context, id string) (fosite.Client, error) {
	if id != s.client.ID {
		return nil, fosite.ErrNotFound
	}
	return s.client.now(), nil
}

type server struct {
	client *client
	oauth  fosite.OAuth2Provider
}

func newServer(s settings) (*server, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(s.ClientSecret), bcrypt.MinCost)
	if err != nil {
		return nil, fmt.Errorf("client_secret: %w", err)
	}
	c := &client{DefaultOpenIDConnectClient: fosite.DefaultOpenIDConnectClient{
		DefaultClient: &fosite.DefaultClient{
			ID: s.ClientID, Secret: hash, RedirectURIs: s.RedirectURIs,
			GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"},
			Scopes: append([]string{"offline_access", "profile", "email"}, s.Scopes...),
		},
		TokenEndpointAuthMethod: s.ClientAuth,
	}}
	secret := make([]byte, 32)
	rand.Read(secret)
	config := &fosite.Config{
		AccessTokenLifespan:   time.Duration(s.AccessTokenSeconds) * time.Second,
		AuthorizeCodeLifespan: time.Minute,
		RefreshTokenLifespan:  24 * time.Hour,
		EnforcePKCE:           true,
		ScopeStrategy:         fosite.ExactScopeStrategy,
		GlobalSecret:          secret,
	}
	if s.AlwaysRefresh {
		config.RefreshTokenScopes = []string{}
	}
	return &server{client: c, oauth: compose.Compose(config, store{storage.NewMemoryStore(), c},
		&compose.CommonStrategy{CoreStrategy: compose.NewOAuth2HMACStrategy(config)},
		compose.OAuth2AuthorizeExplicitFactory, compose.OAuth2RefreshTokenGrantFactory, compose.OAuth2PKCEFactory,
		compose.OAuth2TokenIntrospectionFactory, compose.OAuth2TokenRevocationFactory)}, nil
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", s.authorize)
	mux.HandleFunc("POST /authorize", s.authorize)
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("POST /revoke", func(w http.ResponseWriter, r *http.Request) {
		s.oauth.WriteRevocationResponse(r.Context(), w, s.oauth.NewRevocationRequest(r.Context(), r))
	})
	mux.HandleFunc("POST /introspect", s.introspect)
	mux.HandleFunc("GET /userinfo", s.userinfo)
	return mux
}

// page asks who signs in and whether they agree, in one form. The fields have
// the names of oidc-provider's, so that one driver fills in both.
var page = template.Must(template.New("page").Parse(`<!doctype html><title>Sign in</title>
<form action="{{.URL}}" method="post">
  <p>{{.Client}} asks for {{range .Scopes}}{{.}} {{end}}</p>
  <input required type="text" name="login"> <input required type="password" name="password">
  <button type="submit" name="decision" value="allow">Allow</button>
  <button type="submit" name="decision" value="deny">Deny</button>
</form>
`))

func (s *server) authorize(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	ar, err := s.oauth.NewAuthorizeRequest(ctx, r)
	if err != nil {
		s.oauth.WriteAuthorizeError(ctx, w, ar, err)
		return
	}
	login := r.PostFormValue("login")
	switch {
	case r.PostFormValue("decision") == "deny":
		s.oauth.WriteAuthorizeError(ctx, w, ar, fosite.ErrAccessDenied)
		return
	case login == "":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		err := page.Execute(w, map[string]any{"URL": r.URL.RequestURI(), "Client": ar.GetClient().GetID(), "Scopes": ar.GetRequestedScopes()})
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		return
	}
	for _, scope := range ar.GetRequestedScopes() {
		ar.GrantScope(scope)
	}
	answer, err := s.oauth.NewAuthorizeResponse(ctx, ar, &fosite.DefaultSession{Subject: login, Username: login})
	if err != nil {
		s.oauth.WriteAuthorizeError(ctx, w, ar, err)
		return
	}
	s.oauth.WriteAuthorizeResponse(ctx, w, ar, answer)
}

func (s *server) token(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	ar, err := s.oauth.NewAccessRequest(ctx, r, &fosite.DefaultSession{})
	if err != nil {
		s.oauth.WriteAccessError(ctx, w, ar, err)
		return
	}
	answer, err := s.oauth.NewAccessResponse(ctx, ar)
	if err != nil {
		s.oauth.WriteAccessError(ctx, w, ar, err)
		return
	}
	s.oauth.WriteAccessResponse(ctx, w, ar, answer)
}

func (s *server) introspect(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	answer, err := s.oauth.NewIntrospectionRequest(ctx, r, &fosite.DefaultSession{})
	if err != nil {
		s.oauth.WriteIntrospectionError(ctx, w, err)
		return
	}
	s.oauth.WriteIntrospectionResponse(ctx, w, answer)
}

// userinfo answers who the access token is of. fosite has no such endpoint; it
// judges the token.
func (s *server) userinfo(w http.ResponseWriter, r *http.Request) {
	_, ar, err := s.oauth.IntrospectToken(r.Context(), fosite.AccessTokenFromRequest(r), fosite.AccessToken, &fosite.DefaultSession{})
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	login := ar.GetSession().GetSubject()
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(map[string]any{"sub": login, "email": login + "@example.com", "email_verified": true, "name": login}); err != nil {
		panic(http.ErrAbortHandler)
	}
}
