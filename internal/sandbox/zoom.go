package sandbox

import (
	"net/http"
	"strings"
	"time"
)

func zoomProvider() *provider {
	return &provider{
		id: Zoom, name: "Zoom", class: Strict,
		accessTTL: time.Hour, refreshTTL: 90 * 24 * time.Hour, codeTTL: 5 * time.Minute,
		oneGrant: true, killsAccess: true, plainPKCE: true, queryParams: true, inactiveSignIn: true,
		defaultScopes: []string{"user:read:user", "user:read:token", "user:read:zak", "meeting:read:list_meetings", "meeting:read:meeting", "meeting:read:local_recording_token"},
		refuse:        refuseZoom,
		answer:        answerZoom,
	}
}

// refuseZoom writes {"reason":…,"error":…} (Zoom OAuth docs, "OAuth errors").
func refuseZoom(w http.ResponseWriter, f *refusal) {
	status, code, reason := http.StatusBadRequest, f.code, f.text
	switch f.cause {
	case causeUnknown, causeSecret:
		status, reason = http.StatusUnauthorized, "Invalid client_id or client_secret"
	case causeDisabled:
		status, reason = http.StatusUnauthorized, "The app has been disabled."
	case causeRefresh, causeRefreshUsed, causeRefreshOld, causeRevoked:
		reason = "Invalid Token!"
	case causeCode, causeCodeUsed:
		reason = "Invalid authorization code"
	case causeCodeExpired:
		reason = "Authorization code expired"
	case causeRedirect:
		code, reason = "invalid_request", "Redirect URI mismatch."
	case causeVerifier:
		reason = "Invalid code verifier"
	case causeGrantType:
		reason = "unsupported grant type"
	}
	writeJSON(w, status, object{"reason": reason, "error": code})
}

func answerZoom(s *Sandbox, w http.ResponseWriter, _ *http.Request, out []issued) {
	one := out[0]
	body := object{
		"access_token": one.access,
		"token_type":   "bearer",
		"expires_in":   int(one.expiresIn.Seconds()),
		"scope":        strings.Join(one.scopes, " "),
		"api_url":      s.base + "/zoom",
	}
	if one.refresh != "" {
		body["refresh_token"] = one.refresh
	}
	writeJSON(w, http.StatusOK, body)
}

// revokeZoom ends the whole grant, whichever of its tokens is shown (Zoom OAuth docs, "Revoke an access token").
func (s *Sandbox) revokeZoom(w http.ResponseWriter, r *http.Request) {
	p := s.providers[Zoom]
	form, f := s.tokenForm(p, r)
	var c *Client
	if f == nil {
		c, f = s.authenticate(p, r, form)
	}
	if f == nil && form.Get("token") == "" {
		f = refuse("invalid_request", causeRequest, "token is missing")
	}
	if f != nil {
		refuseZoom(w, f)
		return
	}
	t := s.find(form.Get("token"))
	if t == nil || t.grant.client != c || !t.live() || t.kind != "access" && t.kind != "refresh" {
		refuseZoom(w, refuse("invalid_request", causeRefresh, ""))
		return
	}
	s.endAndEject(t.grant, "revoked_by_client")
	writeJSON(w, http.StatusOK, object{"status": "success"})
}

// endAndEject ends a grant, and with it the stay of bots it let into meetings.
func (s *Sandbox) endAndEject(g *grant, why string) {
	s.end(g, why)
	for _, m := range s.meetings {
		for _, b := range m.bots {
			if b.grant == g && b.ended == "" {
				s.eject(m, b, "authorization_revoked")
			}
		}
	}
}

func zoomFail(w http.ResponseWriter, status, code int, message string) {
	writeJSON(w, status, object{"code": code, "message": message})
}

// zoomCaller checks the bearer token and that it has one of the scopes; it answers and returns nil if not.
func (s *Sandbox) zoomCaller(w http.ResponseWriter, r *http.Request, scopes ...string) *grant {
	t, why := s.present(Zoom, bearer(r))
	switch {
	case why == "expired":
		zoomFail(w, http.StatusUnauthorized, 124, "Access token is expired.")
		return nil
	case why != "":
		zoomFail(w, http.StatusUnauthorized, 124, "Invalid access token.")
		return nil
	case !anyScope(t.scopes, scopes) || t.grant.person == nil:
		s.note("refused", t, "scope")
		zoomFail(w, http.StatusBadRequest, 4711, "Invalid access token, does not contain scopes:["+strings.Join(scopes, ", ")+"].")
		return nil
	}
	return t.grant
}

// anyScope tells whether one of the wanted scopes was granted, in Zoom's granular or classic names, own or administrator's.
func anyScope(have, want []string) bool {
	for _, h := range have {
		for _, x := range want {
			if h == x || h == x+":admin" || h == x+":master" {
				return true
			}
		}
	}
	return false
}

// bearer is the token of an Authorization header (RFC 6750 §2.1), or "".
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
