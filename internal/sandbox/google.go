package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

func googleProvider() *provider {
	return &provider{
		id: Google, name: "Google", class: Static,
		accessTTL: time.Hour, codeTTL: 10 * time.Minute,
		plainPKCE: true, untick: true,
		refuse: refuseGoogle,
		answer: answerGoogle,
	}
}

// refuseGoogle writes RFC 6749 §5.2 errors with Google's descriptions.
func refuseGoogle(w http.ResponseWriter, f *refusal) {
	status, text := http.StatusBadRequest, f.text
	switch f.cause {
	case causeUnknown:
		status, text = http.StatusUnauthorized, "The OAuth client was not found."
	case causeSecret, causeDisabled:
		status, text = http.StatusUnauthorized, "Unauthorized"
	case causeRefresh, causeRefreshUsed, causeRefreshOld, causeRevoked:
		text = "Token has been expired or revoked."
	case causeCode, causeCodeUsed, causeCodeExpired:
		text = "Bad Request"
	case causeVerifier:
		text = "Invalid code verifier."
	case causeRedirect:
		writeJSON(w, status, object{"error": "redirect_uri_mismatch", "error_description": "Bad Request"})
		return
	}
	writeJSON(w, status, object{"error": f.code, "error_description": text})
}

func answerGoogle(s *Sandbox, w http.ResponseWriter, _ *http.Request, out []issued) {
	p, one := s.providers[Google], out[0]
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
		claims := googleClaims(one.grant.person, one.scopes)
		claims["azp"] = one.grant.client.ID
		body["id_token"] = s.idToken(p, s.issuer(p), one, time.Now().Unix(), claims)
	}
	writeJSON(w, http.StatusOK, body)
}

func googleClaims(who *Person, scopes []string) object {
	const long = "https://www.googleapis.com/auth/userinfo."
	claims := object{"sub": who.ID}
	if anyScope(scopes, []string{"email", long + "email"}) {
		claims["email"], claims["email_verified"], claims["hd"] = who.Email, true, who.AccountID
	}
	if anyScope(scopes, []string{"profile", long + "profile"}) {
		claims["name"], claims["given_name"], claims["family_name"] = who.Name(), who.First, who.Last
	}
	return claims
}

func (s *Sandbox) googleUserinfo(w http.ResponseWriter, r *http.Request) {
	t, why := s.present(Google, bearer(r))
	if why != "" || t.grant.person == nil {
		w.Header().Set("WWW-Authenticate", `Bearer realm="https://accounts.google.com/", error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, object{"error": "invalid_request", "error_description": "Invalid Credentials"})
		return
	}
	claims := googleClaims(t.grant.person, t.scopes)
	if len(claims) == 1 && !slices.Contains(t.scopes, "openid") {
		writeJSON(w, http.StatusForbidden, object{"error": object{"code": 403, "status": "PERMISSION_DENIED", "message": "Request had insufficient authentication scopes.",
			"details": []object{{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}}}})
		return
	}
	writeJSON(w, http.StatusOK, claims)
}

// revokeGoogle takes either token, from form or query, without client authentication, and ends all that the person gave this client.
func (s *Sandbox) revokeGoogle(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		writeJSON(w, http.StatusBadRequest, object{"error": "invalid_request"})
		return
	}
	t := s.find(r.Form.Get("token"))
	if t == nil || t.grant.client.Provider != Google || !t.live() {
		writeJSON(w, http.StatusBadRequest, object{"error": "invalid_token", "error_description": "Token expired or revoked"})
		return
	}
	for _, g := range s.grants {
		if g.client == t.grant.client && g.person == t.grant.person {
			s.end(g, "revoked_by_client")
		}
	}
	writeJSON(w, http.StatusOK, object{})
}

func (s *Sandbox) googleDiscovery(w http.ResponseWriter, _ *http.Request) {
	iss := s.issuer(s.providers[Google])
	writeJSON(w, http.StatusOK, object{
		"issuer":                                iss,
		"authorization_endpoint":                iss + "/o/oauth2/v2/auth",
		"token_endpoint":                        iss + "/token",
		"userinfo_endpoint":                     iss + "/userinfo",
		"revocation_endpoint":                   iss + "/revoke",
		"jwks_uri":                              iss + "/jwks",
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      []string{"openid", "email", "profile"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
		"code_challenge_methods_supported":      []string{"plain", "S256"},
		"grant_types_supported":                 []string{"authorization_code", "refresh_token"},
	})
}
