package provider

import (
	"context"
	"errors"
	"net/http"

	"lanyard"
)

// Takes asks whether the provider still takes an access token, at the address that says whose account it is, and looks at
// nothing else of the answer. A provider without such an address cannot be asked: then known is false.
//
// Errors: ErrTokenRefused if it is not taken; CodeProviderUnavailable and its like if there was no telling.
func (t *Target) Takes(ctx context.Context, tokens lanyard.TokenSet) (known bool, err error) {
	if t.def.Endpoints.Identity == "" {
		return false, nil
	}
	method := t.def.Identity.Method
	if method == "" {
		method = http.MethodGet
	}
	a, err := t.bearer(ctx, method, t.def.Endpoints.Identity, tokens.Access)
	switch {
	case err != nil:
		return true, t.unavailable(err)
	case a.Status == http.StatusOK && !t.says(body{Fields: a.Fields}, false):
		return true, nil
	}
	if _, v, known := t.verdict(body{Fields: a.Fields, whole: true}); known && v.Outcome() == lanyard.OutcomeRejected {
		return true, ErrTokenRefused
	}
	err = t.identityError(a)
	if errors.Is(err, lanyard.CodeScopesMissing) { // known, and not allowed to say who it is
		return true, nil
	}
	return true, err
}

// Revokes says whether the provider can be told that a credential is given back.
func (t *Target) Revokes() bool { return t.revokeStyle() != RevokeNone }
