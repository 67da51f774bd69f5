package app

import (
	"context"
	"strconv"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// Signer is a provider whose meeting SDK is started with a signature of the app.
type Signer interface {
	SDKSignature(c provider.Credentials, want provider.SDKSignature, now time.Time) (provider.SDKSigned, error)
}

// Signs says whether an app's provider has such a meeting SDK.
func (s *Service) Signs(a lanyard.App) bool {
	pr, ok := s.Providers.Get(a.Provider)
	if ok {
		_, ok = pr.Ability().(Signer)
	}
	return ok
}

// SignatureLife is how long a signature lives where nobody says otherwise.
const SignatureLife = 2 * time.Hour

// SDKSignature signs for the Meeting SDK with the app's current secret; one that waits
// beside it is not used. The key needs a scope of join tokens, and join:zak to sign for a
// host. It is on the log before it leaves.
//
// Errors: scope_missing, not_found, key_limited, app_not_ready, ability_missing,
// invalid_request, invalid_meeting_link.
func (s *Service) SDKSignature(ctx context.Context, p lanyard.Principal, id lanyard.AppID, want provider.SDKSignature) (provider.SDKSigned, error) {
	e := lanyard.NewEntry(p, lanyard.ActSDKSigned)
	e.App = id
	out, err := s.sign(ctx, p, id, want)
	if err != nil && lanyard.CodeOf(err) == lanyard.CodeNotFound {
		e.App = "" // of another project, or nobody's
	}
	e.Detail = map[string]string{"role": strconv.Itoa(want.Role)}
	if err != nil {
		e = e.Failed(err)
	} else if want.Meeting != "" {
		e.Detail["meeting_number"] = want.Meeting
	}
	if lerr := s.Store.Read(ctx, func(*store.Query) (lanyard.Entry, error) { return e, nil }); lerr != nil {
		return provider.SDKSigned{}, lerr // what is not on the log does not leave
	}
	return out, lanyard.Recorded(err)
}

func (s *Service) sign(ctx context.Context, p lanyard.Principal, id lanyard.AppID, want provider.SDKSignature) (provider.SDKSigned, error) {
	switch {
	case want.Role == 1:
		if err := p.Need(lanyard.ScopeJoinZAK); err != nil {
			return provider.SDKSigned{}, err
		}
	case !p.May(lanyard.ScopeJoinOnBehalf) && !p.May(lanyard.ScopeJoinZAK) && !p.May(lanyard.ScopeJoinRecording):
		return provider.SDKSigned{}, p.Need(lanyard.ScopeJoinOnBehalf)
	}
	a, err := s.Get(ctx, p, id)
	if err != nil {
		return provider.SDKSigned{}, err
	}
	ready, err := s.Open(ctx, a)
	if err != nil {
		return provider.SDKSigned{}, err
	}
	code, ok := ready.Target.Ability().(Signer)
	if !ok {
		return provider.SDKSigned{}, lanyard.Errorf(lanyard.CodeAbilityMissing, "%s has no meeting SDK that takes a signature", ready.Target.Name)
	}
	if want.Life == 0 {
		want.Life = SignatureLife
	}
	return code.SDKSignature(ready.Credentials[0], want, s.Store.Clock())
}
