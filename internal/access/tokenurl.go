package access

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

// TokenURL returns the principal behind the secret of a token URL: it may have tokens of
// the URL's types, within the limits of the key that made it, and nothing else. Errors:
// token_url_invalid, whatever is wrong with it; address_not_allowed, from a network it is
// not for. In both cases the principal is returned where the URL is one of ours.
func (s *Service) TokenURL(ctx context.Context, secret string, o lanyard.Origin, requestID string) (lanyard.Principal, lanyard.TokenURL, error) {
	invalid := lanyard.Errorf(lanyard.CodeTokenURLInvalid, "")
	if !portalSecret.MatchString(secret) {
		return lanyard.Principal{}, lanyard.TokenURL{}, invalid
	}
	var u lanyard.TokenURL
	err := s.db.View(ctx, func(q *store.Query) (err error) {
		u, err = q.TokenURLBySecret(s.vault.Digest("", lanyard.TokenURLPurpose, secret))
		return err
	})
	if errors.Is(err, lanyard.NotFound) {
		err = invalid
	}
	if err != nil {
		return lanyard.Principal{}, lanyard.TokenURL{}, err
	}
	p := lanyard.Principal{Project: u.Project, Name: "token_url:" + string(u.ID), Bot: u.Bot, Providers: u.Providers, Labels: u.Labels,
		ExpiresAt: u.ExpiresAt, Origin: o, RequestID: requestID}
	for _, typ := range u.Types {
		p.Scopes = append(p.Scopes, lanyard.ScopeOfType(typ))
	}
	now := time.Now()
	switch {
	case !u.InForce(now):
		return p, u, invalid
	case !within(u.CIDRs, o.IP):
		return p, u, lanyard.Errorf(lanyard.CodeAddressNotAllowed, "this token URL may not be called from this address")
	}
	s.mu.Lock()
	s.urls[u.ID] = now
	s.mu.Unlock()
	return p, u, nil
}

// within says whether an address is in one of the networks; all are, where none is named.
func within(cidrs []string, ip string) bool {
	a, err := netip.ParseAddr(ip)
	return len(cidrs) == 0 || err == nil && slices.ContainsFunc(cidrs, func(c string) bool {
		n, err := netip.ParsePrefix(c)
		return err == nil && n.Contains(a.Unmap())
	})
}
