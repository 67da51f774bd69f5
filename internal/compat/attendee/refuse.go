package attendee

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"lanyard"
)

// refusal is an answer that is made already.
type refusal struct {
	status int
	body   any
}

func (r *refusal) Error() string { return "refused in Attendee's words" }

// said is {"name": text}.
func said(name, text string) map[string]string { return map[string]string{name: text} }

func detail(text string) map[string]string { return said("detail", text) }

// bad is a 400 by the API itself.
func bad(text string) error { return &refusal{http.StatusBadRequest, said("error", text)} }

// nonField is a 400 about a body as a whole.
func nonField(text string) error {
	return &refusal{http.StatusBadRequest, map[string][]string{"non_field_errors": {text}}}
}

// Refuse says err as Attendee would.
func (a *API) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	if ready, ok := errors.AsType[*refusal](err); ok {
		challenge(w, ready.status)
		write(w, ready.status, ready.body)
		return
	}
	p := a.Front.ProblemOf(r.Context(), err)
	code, text := lanyard.Code(p.Code), p.Detail
	challenge(w, p.Status)
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	switch {
	case code == lanyard.CodeCredentialMissing:
		text = "Missing Authorization header"
	case code == lanyard.CodeCredentialInvalid:
		text = "Invalid or disabled API key"
	case code == lanyard.CodeMethodNotAllowed:
		text = fmt.Sprintf("Method %q not allowed.", methodOf(r))
	case code == lanyard.CodeRateLimited && p.RetryAfter > 0:
		text = fmt.Sprintf("Request was throttled. Expected available in %d second%s.", p.RetryAfter, map[bool]string{true: "s"}[p.RetryAfter > 1])
	case code == lanyard.CodeNotFound && text == nowhere:
		text = "Not found"
	case p.Status == http.StatusForbidden: // Attendee has no words for it, so ours with what to do
		text += " " + lanyard.RowOf(code).Do
	}
	name := "error"
	switch p.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusTooManyRequests:
		name = "detail"
	}
	write(w, p.Status, said(name, text))
}

// nowhere is what compat says where there is no path.
const nowhere = "there is nothing at this address"

// challenge names the scheme (RFC 9110 §11.6.1).
func challenge(w http.ResponseWriter, status int) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Token")
	}
}

// methodOf is a method as far as it may be repeated.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "OTHER"
}
