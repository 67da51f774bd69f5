package access

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

// NewKey says what a new key may do. With Operator, Scopes and the limits to
// providers and labels stay empty.
type NewKey struct {
	Operator  bool
	Name      string
	Scopes    []lanyard.Scope
	Providers []string
	Labels    []string
	CIDRs     []string  // networks, or single addresses
	ExpiresAt time.Time // zero: never
	Dialect   lanyard.Dialect
	Bot       lanyard.BotID       // it is this bot's own
	Rules     []lanyard.ProxyRule // calls it may make through the proxy; empty: any
}

// CreateKey makes a key in p's project, or an operator key. The credential is
// returned once and kept nowhere. CodeKeyTooStrong if p could do less than the
// new key; CodeInvalidRequest names what is wrong.
func (s *Service) CreateKey(ctx context.Context, p lanyard.Principal, n NewKey) (store.Key, lanyard.Secret, error) {
	var none lanyard.Secret
	k := store.Key{Project: p.Project, Operator: n.Operator, Name: n.Name, Scopes: slices.Compact(slices.Sorted(slices.Values(n.Scopes))),
		Providers: n.Providers, Labels: n.Labels, ExpiresAt: n.ExpiresAt,
		Dialect: n.Dialect, Bot: n.Bot, Rules: n.Rules}
	if n.Operator {
		k.Project = ""
	}
	networks, err := parseNetworks(n.CIDRs)
	if err != nil {
		return store.Key{}, none, err
	}
	for _, net := range networks {
		k.CIDRs = append(k.CIDRs, net.String())
	}
	if err := checkNewKey(k); err != nil {
		return store.Key{}, none, err
	}
	var mac []byte
	var credential lanyard.Secret
	k.ID, credential, mac = newCredential(s.vault.Digest, n.Operator)
	k.MAC = mac
	weaker := s.weaker(ctx, p, key{k, networks})
	if weaker != nil && !errors.Is(weaker, lanyard.CodeKeyTooStrong) {
		return store.Key{}, none, weaker
	}
	e := lanyard.NewEntry(p, lanyard.ActKeyCreated)
	e.Project = k.Project
	e.Detail = map[string]string{"scopes": scopeList(k.Scopes)}
	if k.Operator {
		e.Detail["operator"] = "true"
	}
	if weaker == nil {
		e.Detail["key"] = string(k.ID)
	}
	if err := s.seal(ctx, p, &e); err != nil {
		return store.Key{}, none, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		if weaker != nil {
			return e.Failed(weaker), weaker
		}
		if k.Project != "" {
			if _, err := tx.Project(k.Project); err != nil {
				return lanyard.Entry{}, err
			}
		}
		k.CreatedAt = tx.Now()
		if err := tx.AddKey(k); err != nil {
			return lanyard.Entry{}, err
		}
		return e, nil
	})
	if err != nil {
		return store.Key{}, none, err
	}
	return k, credential, nil
}

// checkNewKey checks what is wrong with a key whoever asks for it.
func checkNewKey(k store.Key) error {
	switch {
	case k.Operator && (len(k.Scopes) > 0 || len(k.Providers) > 0 || len(k.Labels) > 0):
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "an operator key has no scopes, providers or labels")
	case !k.Operator && k.Project == "":
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "project: a key belongs to a project, unless it is an operator key")
	case !k.Operator && len(k.Scopes) == 0:
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "scopes: a key without a scope can do nothing; there are: %s", scopeList(lanyard.Scopes))
	case !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(time.Now()):
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "expires_at: has passed")
	case len(k.Name) > 100 || strings.ContainsFunc(k.Name, func(r rune) bool { return r < ' ' }):
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "name: at most 100 bytes, without control characters")
	}
	if k.Dialect != "" && !slices.Contains(lanyard.Dialects, k.Dialect) {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "dialect: attendee or meetstream")
	}
	if len(k.Rules) > 0 && !slices.Contains(k.Scopes, lanyard.ScopeProxy) {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "rules: they are for calls through the proxy, and the key has not the scope for it")
	}
	if err := lanyard.CheckProxyRules(k.Rules); err != nil {
		return err
	}
	for _, sc := range k.Scopes {
		if !slices.Contains(lanyard.Scopes, sc) {
			return lanyard.Errorf(lanyard.CodeInvalidRequest, "scopes: one of them does not exist; there are: %s", scopeList(lanyard.Scopes))
		}
	}
	for _, list := range [][]string{k.Providers, k.Labels} {
		if slices.Contains(list, "") {
			return lanyard.Errorf(lanyard.CodeInvalidRequest, "providers, labels: an empty one limits to nothing")
		}
	}
	return nil
}

// weaker returns CodeKeyTooStrong unless the new key can do no more than p, in
// every direction: scopes, providers, labels, proxy rules, networks, life.
func (s *Service) weaker(ctx context.Context, p lanyard.Principal, n key) error {
	tooStrong := func(what string) error {
		return lanyard.Errorf(lanyard.CodeKeyTooStrong, "%s: more than the key that asks for it has", what)
	}
	if n.Operator && !p.Operator {
		return tooStrong("operator")
	}
	for _, sc := range n.Scopes {
		if !p.May(sc) {
			return tooStrong("scopes")
		}
	}
	within := func(mine, theirs []string) bool {
		return len(mine) == 0 || len(theirs) > 0 && !slices.ContainsFunc(theirs, func(s string) bool { return !slices.Contains(mine, s) })
	}
	switch {
	case !within(p.Providers, n.Providers):
		return tooStrong("providers")
	case !within(p.Labels, n.Labels):
		return tooStrong("labels")
	case slices.Contains(n.Scopes, lanyard.ScopeProxy) && !lanyard.ProxyWithin(p.Rules, n.Rules):
		return tooStrong("rules")
	case !p.ExpiresAt.IsZero() && (n.ExpiresAt.IsZero() || n.ExpiresAt.After(p.ExpiresAt)):
		return tooStrong("expires_at")
	case p.Key == "":
		return nil
	}
	mine, err := s.rows.get(ctx, p.Key)
	if err != nil {
		return err
	}
	if len(mine.networks) == 0 {
		return nil
	}
	for _, net := range n.networks {
		if !slices.ContainsFunc(mine.networks, func(m netip.Prefix) bool { return m.Bits() <= net.Bits() && m.Contains(net.Addr()) }) {
			return tooStrong("cidrs")
		}
	}
	if len(n.networks) == 0 {
		return tooStrong("cidrs")
	}
	return nil
}

// Keys lists the keys of p's project, newest first; without a project, the
// operator's own.
func (s *Service) Keys(ctx context.Context, p lanyard.Principal, page lanyard.Page) (list []store.Key, next string, err error) {
	err = s.db.View(ctx, func(q *store.Query) (err error) {
		list, next, err = q.Keys(p.Project, page)
		return err
	})
	return list, next, err
}

// RevokedKey says what became of the token URLs that a key had made: they are credentials
// of their own, and live on unless they are revoked with it.
type RevokedKey struct {
	URLsRevoked int // with it
	URLsLeft    int // in force, in all projects
}

// RevokeKey ends a key of p's project, or an operator key: here at once, on
// other nodes within a second. With urls the token URLs that it has made are revoked in the
// same transaction, those for bots too, at once on every node.
// CodeNotFound if it is another project's.
func (s *Service) RevokeKey(ctx context.Context, p lanyard.Principal, id lanyard.KeyID, urls bool) (done RevokedKey, err error) {
	if !lanyard.ValidID(prefixKey, string(id)) && !(p.Operator && lanyard.ValidID(prefixOperator, string(id))) {
		return done, lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	e := lanyard.NewEntry(p, lanyard.ActKeyRevoked)
	if strings.HasPrefix(string(id), prefixOperator) {
		e.Project = ""
	}
	e.Detail = map[string]string{"key": string(id)}
	if err := s.seal(ctx, p, &e); err != nil {
		return done, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		switch err := tx.RevokeKey(e.Project, id); {
		case errors.Is(err, lanyard.NotFound): // absent or another project's: somebody is trying ids
			return e.Failed(err), err
		case err != nil:
			return lanyard.Entry{}, err
		}
		done, err = urlsOf(tx, p, id, urls)
		return e, err
	})
	s.rows.forget(id)
	return done, err
}

// urlsOf counts the token URLs that a key has made, and revokes them if it is to: each
// project's log has how many of its own.
func urlsOf(tx *store.Tx, p lanyard.Principal, id lanyard.KeyID, revoke bool) (done RevokedKey, err error) {
	made, err := tx.TokenURLsInForce(id)
	for _, m := range made {
		if !revoke {
			done.URLsLeft += m.Count
			continue
		}
		n, err := tx.RevokeTokenURLsOfKey(m.Project, id)
		if err != nil {
			return done, err
		}
		done.URLsRevoked += n
		e := lanyard.NewEntry(p, lanyard.ActTokenURLRevoked)
		e.Project = m.Project
		e.Detail = map[string]string{"key": string(id), "count": strconv.Itoa(n)}
		tx.AddEntry(e)
	}
	return done, err
}

// parseNetworks reads networks and single addresses.
func parseNetworks(in []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for i, s := range in {
		n, err := netip.ParsePrefix(s)
		if err != nil {
			a, err2 := netip.ParseAddr(s)
			if err2 != nil || a.Zone() != "" {
				return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "cidrs[%d]: not a network such as 203.0.113.0/24", i)
			}
			n = netip.PrefixFrom(a, a.BitLen())
		}
		if n.Addr().Is4In6() {
			return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "cidrs[%d]: write an IPv4 network as IPv4", i)
		}
		out = append(out, n.Masked())
	}
	return out, nil
}

func scopeList(scopes []lanyard.Scope) string {
	var b strings.Builder
	for i, sc := range scopes {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(sc))
	}
	return b.String()
}
