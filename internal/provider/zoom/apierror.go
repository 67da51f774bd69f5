package zoom

import (
	"net/http"
	"regexp"
	"strings"

	"lanyard"
	"lanyard/internal/provider"
)

// Codes of Zoom's REST API.
const (
	codeToken        = "124"  // invalid or expired access token
	codeScopes       = "4711" // the message names the scopes
	codeScopesOld    = "104"  // the same, in some products
	codeNoUser       = "1001"
	codeNotInAccount = "1010"
	codeNoPermission = "200"
	codeNoAccess     = "3000"
	codeNoMeeting    = "3001"
)

// apiError says what an answer of Zoom's API means for who asked for a token of this type. Errors: CodeProviderRefused wrapping
// provider.ErrTokenRefused (renew once and try once more), CodeScopesMissing with the scopes Zoom names, CodeMeetingNotFound,
// CodeUserNotActive, CodeHostRequired, CodeProviderRefused. Zoom's text is not repeated.
func apiError(typ string, a provider.APIAnswer) error {
	code, message := a.Fields.Text("code"), a.Fields.Text("message")
	switch {
	case code == codeScopes, code == codeScopesOld, strings.Contains(message, "does not contain scopes"):
		e := lanyard.Errorf(lanyard.CodeScopesMissing, "the Zoom account has not allowed a scope this needs")
		e.MissingScopes = scopesIn(message)
		return e
	case code == codeToken, a.Status == http.StatusUnauthorized:
		return lanyard.Errorf(lanyard.CodeProviderRefused, "Zoom does not take the access token: %w", provider.ErrTokenRefused)
	case code == codeNoMeeting:
		return lanyard.Errorf(lanyard.CodeMeetingNotFound, "")
	case code == codeNoUser:
		return lanyard.Errorf(lanyard.CodeUserNotActive, "")
	case typ == LocalRecording && (a.Status == http.StatusForbidden || code == codeNoPermission || code == codeNoAccess || code == codeNotInAccount):
		return lanyard.Errorf(lanyard.CodeHostRequired, "")
	}
	if !short.MatchString(code) {
		code = "none"
	}
	return lanyard.Errorf(lanyard.CodeProviderRefused, "Zoom refused (status %d, code %s)", a.Status, code)
}

var (
	scopeList = regexp.MustCompile(`scopes:\s*\[([A-Za-z0-9_:., -]{1,1000})\]`)
	short     = regexp.MustCompile(`^[0-9]{1,6}$`)
)

// scopesIn reads "Invalid access token, does not contain scopes:[a, b]". Where Zoom names several, any one of them would do.
func scopesIn(message string) []string {
	m := scopeList.FindStringSubmatch(message)
	if m == nil {
		return nil
	}
	return strings.FieldsFunc(m[1], func(r rune) bool { return r == ',' || r == ' ' })
}

// IdentityError explains why /v2/users/me did not answer (provider.IdentityReader).
func (Zoom) IdentityError(_ *provider.Target, a provider.APIAnswer) error {
	switch a.Fields.Text("code") {
	case codeScopes, codeScopesOld:
		return apiError("", a)
	case codeNoUser:
		return lanyard.Errorf(lanyard.CodeAccountNotActive, "")
	}
	return nil
}
