package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

func oidcProvider() *provider {
	return &provider{
		id: OIDC, name: "OpenID", class: ReuseKill,
		accessTTL: 10 * time.Minute, refreshTTL: 30 * 24 * time.Hour, codeTTL: time.Minute,
		needsPKCE: true, strictAuth: true, issParam: true, codeReuseRevokes: true,
		refuse: refuseOIDC,
		answer: answerOIDC,
	}
}

// refuseOIDC writes errors exactly as RFC 6749 §5.2 has them.
func refuseOIDC(w http.ResponseWriter, f *refusal) {
	status := http.StatusBadRequest
	if f.code == "invalid_client" {
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Basic realm="token"`)
	}
	writeJSON(w, status, object{"error": f.code, "error_description": f.text})
}

func answerOIDC(s *Sandbox, w http.ResponseWriter, _ *http.Request, out []issued) {
	p, one := s.providers[OIDC], out[0]
	body := object{
		"access_token": one.access,
		"token_type":   "Bearer",
		"expires_in":   int(one.expiresIn.Seconds()),
		"scope":        strings.Join(one.scopes, " "),
	}
	if one.refresh != "" {
		body["refresh_token"] = one.refresh
	}
	if slices.Contains(one.scopes, "openid") {
		body["id_token"] = s.idToken(p, s.issuer(p), one, time.Now().Unix(), object{})
	}
	writeJSON(w, http.StatusOK, body)
}

// oidcUserinfo answers the claims of OIDC Core §5.4 that the scopes allow.
func (s *Sandbox) oidcUserinfo(w http.ResponseWriter, r *http.Request) {
	t, why := s.present(OIDC, bearer(r))
	if why != "" {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, object{"error": "invalid_token"})
		return
	}
	if !slices.Contains(t.scopes, "openid") {
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="openid"`)
		writeJSON(w, http.StatusForbidden, object{"error": "insufficient_scope"})
		return
	}
	who := t.grant.person
	claims := object{"sub": who.ID}
	if slices.Contains(t.scopes, "email") {
		claims["email"], claims["email_verified"] = who.Email, true
	}
	if slices.Contains(t.scopes, "profile") {
		claims["name"], claims["given_name"], claims["family_name"] = who.Name(), who.First, who.Last
	}
	writeJSON(w, http.StatusOK, claims)
}

// oidcRevoke is RFC 7009: 200 whether or not the token was known; a refresh token takes its grant along, an access token goes alone.
func (s *Sandbox) oidcRevoke(w http.ResponseWriter, r *http.Request) {
	p := s.providers[OIDC]
	form, f := s.tokenForm(p, r)
	var c *Client
	if f == nil {
		c, f = s.authenticate(p, r, form)
	}
	if f == nil && form.Get("token") == "" {
		f = refuse("invalid_request", causeRequest, "token is missing")
	}
	if f != nil {
		refuseOIDC(w, f)
		return
	}
	if t := s.find(form.Get("token")); t != nil && t.grant.client == c && t.grant.ended == "" {
		if t.kind == "refresh" {
			s.end(t.grant, "revoked_by_client")
		} else if t.dead == "" {
			t.dead = "revoked_by_client"
			s.note("revoked", t, t.dead)
		}
	}
	w.WriteHeader(http.StatusOK)
}

func (s *Sandbox) oidcDiscovery(w http.ResponseWriter, _ *http.Request) {
	iss := s.issuer(s.providers[OIDC])
	auth := []string{"client_secret_basic", "client_secret_post", "none"}
	writeJSON(w, http.StatusOK, object{
		"issuer":                                         iss,
		"authorization_endpoint":                         iss + "/authorize",
		"token_endpoint":                                 iss + "/token",
		"userinfo_endpoint":                              iss + "/userinfo",
		"revocation_endpoint":                            iss + "/revoke",
		"jwks_uri":                                       iss + "/jwks",
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query"},
		"grant_types_supported":                          []string{"authorization_code", "refresh_token"},
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256"},
		"scopes_supported":                               []string{"openid", "email", "profile", "offline_access"},
		"claims_supported":                               []string{"sub", "email", "email_verified", "name", "given_name", "family_name"},
		"token_endpoint_auth_methods_supported":          auth,
		"revocation_endpoint_auth_methods_supported":     auth,
		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
	})
}
