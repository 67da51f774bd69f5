package access

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// Service knows the keys.
type Service struct {
	db    *store.DB
	vault *vault.Vault
	rows  *rows

	mu   sync.Mutex
	used map[lanyard.KeyID]time.Time      // since the last batch
	urls map[lanyard.TokenURLID]time.Time // likewise
}

// New returns a Service. Run writes its batches; Close writes the last.
func New(db *store.DB, v *vault.Vault) (*Service, error) {
	if db == nil || v == nil {
		return nil, errors.New("access: store and vault are needed")
	}
	return &Service{db: db, vault: v, rows: newRows(db), used: map[lanyard.KeyID]time.Time{},
		urls: map[lanyard.TokenURLID]time.Time{}}, nil
}

// Authenticate returns the principal of a credential, with the origin and the
// id of the request. CodeCredentialInvalid if it is none of ours, withdrawn or
// expired; CodeAddressNotAllowed if it may not be used from there. In the last
// three cases the principal is returned as well: a caller we know. A credential
// that was not issued here costs one MAC and no read.
func (s *Service) Authenticate(ctx context.Context, credential lanyard.Secret, o lanyard.Origin, requestID string) (lanyard.Principal, error) {
	invalid := func() error { return lanyard.Errorf(lanyard.CodeCredentialInvalid, "") }
	id, mac, issued := checkCredential(s.vault.Digest, credential)
	if !issued {
		return lanyard.Principal{}, invalid()
	}
	k, err := s.rows.get(ctx, id)
	if errors.Is(err, lanyard.NotFound) {
		return lanyard.Principal{}, invalid()
	}
	if err != nil {
		return lanyard.Principal{}, err
	}
	if subtle.ConstantTimeCompare(k.MAC, mac) != 1 {
		return lanyard.Principal{}, invalid()
	}
	p := principalOf(k.Key)
	p.Origin, p.RequestID = o, requestID
	now := time.Now()
	switch {
	case !k.RevokedAt.IsZero(), !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		return p, invalid()
	case !k.reachableFrom(o.IP):
		return p, lanyard.Errorf(lanyard.CodeAddressNotAllowed, "")
	}
	s.mu.Lock()
	s.used[id] = now
	s.mu.Unlock()
	return p, nil
}

func principalOf(k store.Key) lanyard.Principal {
	p := lanyard.Principal{Project: k.Project, Name: "key:" + string(k.ID), Key: k.ID, Operator: k.Operator,
		Scopes: k.Scopes, Providers: k.Providers, Labels: k.Labels, ExpiresAt: k.ExpiresAt,
		Dialect: k.Dialect, Bot: k.Bot, Rules: k.Rules}
	if k.Operator {
		p.Project, p.Name = "", "operator:"+string(k.ID)
	}
	return p
}

// Operator is the principal at the other end of the unix socket; who it is, is
// the kernel's word (see PeerOf).
func Operator() lanyard.Principal { return lanyard.Principal{Name: "operator", Operator: true} }

// Denied writes into the audit log that p was refused, where and why.
func (s *Service) Denied(ctx context.Context, p lanyard.Principal, route string, why error) error {
	e := lanyard.NewEntry(p, lanyard.ActDenied).Failed(why)
	e.Outcome = "denied"
	e.Detail = map[string]string{"route": route}
	if err := s.seal(ctx, p, &e); err != nil {
		return err
	}
	return s.db.Read(ctx, func(*store.Query) (lanyard.Entry, error) { return e, nil })
}

// seal puts the sealed origin of the request into the entry, under the
// project's key. What the operator does to no project has no key to seal with,
// and keeps no origin.
func (s *Service) seal(ctx context.Context, p lanyard.Principal, e *lanyard.Entry) (err error) {
	if e.Project == "" || p.Origin == (lanyard.Origin{}) {
		return nil
	}
	e.Sealed, err = s.vault.SealOrigin(ctx, vault.ProjectKey(e.Project), e.ID, p.Origin)
	if errors.Is(err, vault.ErrNoKeyset) { // the operator named a project that does not exist
		return nil
	}
	return err
}

// Run writes last uses every 30 seconds until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	t := time.NewTicker(30 * time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		if err := s.Flush(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// Flush writes the last uses that are not written yet. If that fails they wait
// for the next time.
func (s *Service) Flush(ctx context.Context) error {
	s.mu.Lock()
	keys, urls := s.used, s.urls
	s.used, s.urls = map[lanyard.KeyID]time.Time{}, map[lanyard.TokenURLID]time.Time{}
	s.mu.Unlock()
	if len(keys)+len(urls) == 0 {
		return nil
	}
	err := s.db.Bookkeep(ctx, func(tx *store.Tx) error {
		if err := tx.TouchKeys(keys); err != nil {
			return err
		}
		return tx.TouchTokenURLs(urls)
	})
	if err != nil {
		s.mu.Lock()
		later(s.used, keys)
		later(s.urls, urls)
		s.mu.Unlock()
	}
	return err
}

// later keeps the later time of each.
func later[ID comparable](into, from map[ID]time.Time) {
	for id, at := range from {
		if into[id].Before(at) {
			into[id] = at
		}
	}
}

// key is a row with its networks parsed.
type key struct {
	store.Key
	networks []netip.Prefix
}

// reachableFrom says whether the key may be used from the address; no address
// (the socket) is the machine itself.
func (k key) reachableFrom(ip string) bool {
	if len(k.CIDRs) == 0 {
		return true
	}
	if ip == "" {
		ip = "127.0.0.1"
	}
	a, err := netip.ParseAddr(ip)
	return err == nil && slices.ContainsFunc(k.networks, func(n netip.Prefix) bool { return n.Contains(a.Unmap()) })
}
