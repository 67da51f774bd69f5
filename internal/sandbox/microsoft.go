package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

func microsoftProvider() *provider {
	return &provider{
		id: Microsoft, name: "Microsoft", class: Overlap,
		accessTTL: 75 * time.Minute, refreshTTL: 90 * 24 * time.Hour, codeTTL: 10 * time.Minute,
		plainPKCE: true,
		refuse:    refuseMicrosoft,
		answer:    answerMicrosoft,
	}
}

// refuseMicrosoft writes AADSTS numbers (Microsoft identity platform, "Authentication and authorization error codes").
func refuseMicrosoft(w http.ResponseWriter, f *refusal) {
	status, code, number, text := http.StatusBadRequest, f.code, 9002313, "Invalid request. "+f.text
	switch f.cause {
	case causeUnknown:
		code, number, text = "unauthorized_client", 700016, "Application was not found in the directory."
	case causeSecret:
		status, number, text = http.StatusUnauthorized, 7000215, "Invalid client secret provided."
	case causeDisabled:
		status, code, number, text = http.StatusUnauthorized, "unauthorized_client", 7000112, "Application is disabled."
	case causeGrantType:
		number, text = 70003, "The app requested an unsupported grant type."
	case causeCode:
		number, text = 70000, "The provided value for the 'code' parameter is not valid."
	case causeCodeUsed:
		number, text = 54005, "OAuth2 Authorization code was already redeemed."
	case causeCodeExpired:
		number, text = 70008, "The provided authorization code has expired."
	case causeRedirect:
		number, text = 500112, "The reply address does not match the one used when requesting the code."
	case causeVerifier:
		number, text = 501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request."
	case causeRefresh:
		number, text = 70000, "The provided value for the 'refresh_token' is not valid."
	case causeRefreshUsed, causeRevoked:
		number, text = 50173, "The provided grant has expired due to it being revoked, a fresh auth token is needed."
	case causeRefreshOld:
		number, text = 700082, "The refresh token has expired due to inactivity."
	case causeScope:
		number, text = 70011, "The provided value for the input parameter 'scope' is not valid."
	case causeRequest:
		number, text = 900144, "The request body must contain all parameters: "+f.text+"."
	}
	now := time.Now().UTC().Format("2006-01-02 15:04:05Z")
	trace, correlation := guid(sha256Sum(randomText(16))), guid(sha256Sum(randomText(16)))
	writeJSON(w, status, object{
		"error":             code,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", number, text, trace, correlation, now),
		"error_codes":       []int{number},
		"timestamp":         now,
		"trace_id":          trace,
		"correlation_id":    correlation,
	})
}

func answerMicrosoft(s *Sandbox, w http.ResponseWriter, _ *http.Request, out []issued) {
	p, one := s.providers[Microsoft], out[0]
	body := object{
		"token_type":     "Bearer",
		"scope":          strings.Join(one.scopes, " "),
		"expires_in":     int(one.expiresIn.Seconds()),
		"ext_expires_in": int(one.expiresIn.Seconds()),
		"access_token":   one.access,
	}
	if one.refresh != "" {
		body["refresh_token"] = one.refresh
	}
	if slices.Contains(one.grant.scopes, "openid") {
		who, now := one.grant.person, time.Now().Unix()
		claims := object{"tid": who.AccountID, "oid": who.ID, "ver": "2.0", "nbf": now}
		if slices.Contains(one.grant.scopes, "profile") {
			claims["name"], claims["preferred_username"] = who.Name(), who.Email
		}
		if slices.Contains(one.grant.scopes, "email") {
			claims["email"] = who.Email
		}
		body["id_token"] = s.idToken(p, s.base+"/microsoft/"+who.AccountID+"/v2.0", one, now, claims)
	}
	writeJSON(w, http.StatusOK, body)
}

// knownTenant returns what is wrong with a tenant path element, or "".
func knownTenant(p *provider, tenant string) string {
	if slices.Contains([]string{"common", "organizations", "consumers", "example.com"}, tenant) ||
		slices.ContainsFunc(p.people, func(who *Person) bool { return who.AccountID == tenant }) {
		return ""
	}
	return "Tenant " + tenant + " not found. Check that it is common, organizations, or the tenant id of one of the cast."
}

// microsoftMe is GET /v1.0/me (Microsoft Graph, "Get user").
func (s *Sandbox) microsoftMe(w http.ResponseWriter, r *http.Request) {
	t, why := s.present(Microsoft, bearer(r))
	if why != "" || t.grant.person == nil {
		message := "Access token validation failure. Invalid audience."
		if why == "expired" {
			message = "Lifetime validation failed, the token is expired."
		}
		writeJSON(w, http.StatusUnauthorized, object{"error": object{"code": "InvalidAuthenticationToken", "message": message}})
		return
	}
	if !anyScope(t.scopes, []string{"User.Read", "https://graph.microsoft.com/User.Read", "User.ReadWrite", "https://graph.microsoft.com/.default"}) {
		writeJSON(w, http.StatusForbidden, object{"error": object{"code": "Authorization_RequestDenied", "message": "Insufficient privileges to complete the operation."}})
		return
	}
	who := t.grant.person
	writeJSON(w, http.StatusOK, object{
		"@odata.context": s.base + "/microsoft/v1.0/$metadata#users/$entity",
		"id":             who.ID, "displayName": who.Name(), "givenName": who.First, "surname": who.Last,
		"mail": who.Email, "userPrincipalName": who.Email, "jobTitle": nil, "mobilePhone": nil,
		"officeLocation": nil, "preferredLanguage": "en-US", "businessPhones": []string{},
	})
}

func (s *Sandbox) microsoftDiscovery(w http.ResponseWriter, r *http.Request) {
	tenant := r.PathValue("tenant")
	p := s.providers[Microsoft]
	if why := knownTenant(p, tenant); why != "" {
		writeJSON(w, http.StatusBadRequest, object{"error": "invalid_tenant", "error_description": "AADSTS90002: " + why, "error_codes": []int{90002}})
		return
	}
	issuer := tenant
	if slices.Contains([]string{"common", "organizations", "consumers"}, tenant) {
		issuer = "{tenantid}" // literally: who reads it puts in the tid of the id_token
	}
	at := s.base + "/microsoft/" + tenant
	writeJSON(w, http.StatusOK, object{
		"issuer":                                s.base + "/microsoft/" + issuer + "/v2.0",
		"authorization_endpoint":                at + "/oauth2/v2.0/authorize",
		"token_endpoint":                        at + "/oauth2/v2.0/token",
		"jwks_uri":                              at + "/discovery/v2.0/keys",
		"userinfo_endpoint":                     s.base + "/microsoft/v1.0/me",
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
	})
}
