package provider

import (
	"context"
	"net/url"

	"lanyard"
)

// Check is one line of what can be known about a client: proved, refused, or not to be known from here.
type Check struct {
	State string // "proved", "refused", "unknown"
	How   string // in words, safe to show
	Error string // the provider's error code, cleaned
}

// What Check.State can be.
const (
	CheckProved  = "proved"
	CheckRefused = "refused"
	CheckUnknown = "unknown"
)

// How a client secret is tried without side effect: Definition.Probe.
const (
	ProbeClientCredentials = "client_credentials" // ask for a token of the app itself
	ProbeBogusRefresh      = "bogus_refresh"      // renew with a refresh token that never was: the client is looked at first
	ProbeNone              = "none"
)

// ChecksClient says whether CheckClient can learn anything.
func (t *Target) ChecksClient() bool {
	return t.def.Probe == ProbeClientCredentials || t.def.Probe == ProbeBogusRefresh
}

// CheckClient tries client id and secret at the token endpoint, without touching anybody's grant.
func (t *Target) CheckClient(ctx context.Context, c Credentials) Check {
	var form url.Values
	switch t.def.Probe {
	case ProbeClientCredentials:
		form = url.Values{"grant_type": {"client_credentials"}}
	case ProbeBogusRefresh:
		form = url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"lanyard-check-of-client-secret"}}
	default:
		return Check{State: CheckUnknown, How: t.Name + " offers no way to try a client secret without a person"}
	}
	if err := t.client.Hold(); err != nil {
		return Check{State: CheckUnknown, How: err.Error()}
	}
	r := t.Parse(lanyard.AttemptRefresh, t.post(ctx, c, t.def.Endpoints.Token, form, t.def.ClientAuth))
	switch {
	case r.Outcome == lanyard.OutcomeOK || r.Outcome == lanyard.OutcomePartial:
		return Check{State: CheckProved, How: t.Name + " gave a token to this client id and secret"}
	case r.Outcome == lanyard.OutcomeRejected && t.def.Probe == ProbeBogusRefresh:
		return Check{State: CheckProved, How: t.Name + " took this client id and secret, and refused only the made-up token", Error: r.Error}
	case r.Outcome == lanyard.OutcomeAppError && aboutClient(r.Error):
		return Check{State: CheckRefused, How: t.Name + " does not take this client id and secret", Error: r.Error}
	case r.Outcome == lanyard.OutcomeNotSent:
		return Check{State: CheckUnknown, How: "the token endpoint cannot be reached"}
	}
	return Check{State: CheckUnknown, How: t.Name + " answered with something that says nothing about the secret", Error: r.Error}
}

// aboutClient says whether an error code is about client id or secret.
func aboutClient(code string) bool {
	switch code {
	case "invalid_client", "4702", "4704", "4717", "AADSTS700016", "AADSTS7000215", "AADSTS7000222", "deleted_client", "invalid_client_id", "bad_client_secret", "http_401":
		return true
	}
	return false
}
