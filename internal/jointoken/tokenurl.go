package jointoken

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// AccessToken is what a token URL can hand out beside join tokens: the access token itself.
const AccessToken = "access_token"

// NewTokenURL says what a token URL is for.
type NewTokenURL struct {
	Name       string
	Contract   lanyard.TokenContract // "": plain
	Types      []string              // one of onbehalf, zak, local_recording, access_token; for Attendee's contract one to three of the first three
	Bot        lanyard.BotID         // made for a bot, which decides on whose behalf; no Candidates then
	Candidates []lanyard.Candidate
	Scopes     []string       // an access token must carry them
	Meetings   []string       // links or numbers of those it is for; empty: any
	Signing    lanyard.Secret // Attendee's webhook secret as it shows it (base64); for MeetStream what its bots send as X-Webhook-Secret; empty: none
	CIDRs      []string       // networks or addresses it may be called from; empty: anywhere
	ExpiresAt  time.Time      // zero: never
}

// CreateTokenURL makes a token URL and returns it whole, this once. It never does more than
// the key that asks for it: that needs the scope connect and those of the types, and its
// limits are the URL's.
//
// Errors: scope_missing, invalid_request, not_found, key_limited, key_too_strong, and those
// of a meeting that is not to be read.
func (s *Service) CreateTokenURL(ctx context.Context, p lanyard.Principal, n NewTokenURL) (lanyard.TokenURL, lanyard.Secret, error) {
	var none lanyard.Secret
	if n.Contract == "" {
		n.Contract = lanyard.ContractPlain
	}
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return lanyard.TokenURL{}, none, err
	}
	if err := n.check(); err != nil {
		return lanyard.TokenURL{}, none, err
	}
	for _, typ := range n.Types {
		if err := p.Need(lanyard.ScopeOfType(typ)); err != nil {
			return lanyard.TokenURL{}, none, err
		}
	}
	if err := s.there(ctx, p, n.Candidates); err != nil {
		return lanyard.TokenURL{}, none, err
	}
	secret := lanyard.Random(32)
	u := lanyard.TokenURL{ID: lanyard.NewID[lanyard.TokenURLID]("tu_"), Project: p.Project, Name: n.Name, SecretHash: s.Vault.Digest("", lanyard.TokenURLPurpose, secret),
		Types: n.Types, Contract: n.Contract, Bot: n.Bot, Candidates: n.Candidates, Scopes: n.Scopes, Key: p.Key, Providers: p.Providers, Labels: p.Labels,
		ExpiresAt: n.ExpiresAt}
	networks, err := networks(n.CIDRs)
	if err != nil {
		return u, none, err
	}
	for _, net := range networks {
		u.CIDRs = append(u.CIDRs, net.String())
	}
	if u.Sealed, err = s.sealURL(ctx, u, n); err != nil {
		return u, none, err
	}
	e, err := s.Connections.Entry(ctx, p, lanyard.ActTokenURLCreated)
	if err != nil {
		return u, none, err
	}
	e.Detail = map[string]string{"token_url": string(u.ID), "types": strings.Join(u.Types, " "), "contract": string(u.Contract)}
	err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		if err := within(tx, p, u, networks); err != nil {
			return e.Failed(err), err
		}
		u.CreatedAt = tx.Now()
		return e, tx.AddTokenURL(u)
	})
	if err != nil {
		return u, none, err
	}
	return u, lanyard.NewSecret(s.Connections.PublicURL + "/t/" + secret), nil
}

// check refuses what fits together with nothing.
func (n NewTokenURL) check() error {
	bad := func(format string, args ...any) error {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, format, args...)
	}
	attendee := n.Contract == lanyard.ContractAttendee
	for i, typ := range n.Types {
		if lanyard.ScopeOfType(typ) == "" || slices.Contains(n.Types[:i], typ) {
			return bad("types: onbehalf, zak, local_recording or access_token, each once")
		}
	}
	access := slices.Contains(n.Types, AccessToken)
	switch {
	case !slices.Contains(lanyard.TokenContracts, n.Contract):
		return bad("contract: plain, meetstream or attendee")
	case len(n.Types) == 0:
		return bad("types: say what it hands out")
	case !attendee && len(n.Types) > 1:
		return bad("types: only Attendee's contract has several in one answer")
	case access && (attendee || n.Bot != ""):
		return bad("types: an access token is handed out by a URL of its own, in plain text, and not for a bot")
	case len(n.Scopes) > 0 && !access, len(n.Scopes) > 100:
		return bad("scopes: of an access token only, at most 100")
	case access && len(n.Meetings) > 0:
		return bad("meetings: an access token is of no one meeting")
	case n.Bot != "" && (len(n.Candidates) > 0 || len(n.Meetings) > 0):
		return bad("bot_id: the bot knows its meeting and on whose behalf it joins")
	case len(n.Candidates) > mostPeople || len(n.Meetings) > 100 || len(n.CIDRs) > 100:
		return bad("at most %d candidates, 100 meetings, 100 networks", mostPeople)
	case n.Bot == "" && len(n.Candidates) == 0 && !attendee:
		return bad("candidates: say on whose behalf")
	case n.Bot == "" && len(n.Candidates) == 0 && n.Signing.Empty():
		return bad("signing_secret: a URL whose caller names the connection needs Attendee's webhook secret, or say on whose behalf in candidates")
	case !n.Signing.Empty() && n.Contract == lanyard.ContractPlain:
		return bad("signing_secret: plain callers sign nothing")
	case len(n.Signing.Reveal()) > 1000:
		return bad("signing_secret: at most 1000 characters")
	case len(n.Name) > 100 || strings.ContainsFunc(n.Name, func(r rune) bool { return r < ' ' }):
		return bad("name: at most 100 bytes, without control characters")
	case !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(time.Now()):
		return bad("expires_at: has passed")
	}
	return nil
}

// sealURL seals what is neither public nor looked for; nil where there is nothing.
func (s *Service) sealURL(ctx context.Context, u lanyard.TokenURL, n NewTokenURL) ([]byte, error) {
	d := lanyard.TokenURLData{Signing: n.Signing.Reveal()}
	if n.Contract == lanyard.ContractAttendee && !n.Signing.Empty() {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(n.Signing.Reveal())))
		if err != nil || len(key) == 0 {
			return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "signing_secret: Attendee shows it as base64, such as in its webhook settings")
		}
		d.Signing = key
	}
	for _, text := range n.Meetings {
		number, link := text, ""
		if strings.ContainsAny(text, ":/") {
			number, link = "", text
		}
		_, m, err := s.Meetings.Find("", link, number)
		if err != nil {
			return nil, err
		}
		d.Meetings = append(d.Meetings, m.Number)
	}
	if len(d.Meetings)+len(d.Signing) == 0 {
		return nil, nil
	}
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	return s.Vault.Seal(ctx, vault.ProjectKey(u.Project), urlPlace(u), lanyard.SecretBytes(raw))
}

// openURL opens it.
func (s *Service) openURL(ctx context.Context, u lanyard.TokenURL) (d lanyard.TokenURLData, err error) {
	if len(u.Sealed) == 0 {
		return d, nil
	}
	raw, err := s.Vault.Open(ctx, vault.ProjectKey(u.Project), urlPlace(u), u.Sealed)
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(raw.Reveal(), &d)
}

func urlPlace(u lanyard.TokenURL) vault.Place {
	return vault.Place{Project: u.Project, Row: string(u.ID), Field: "token_urls.sealed"}
}

// within refuses a URL that could be used from where, or for longer than, the key that
// asks for it can, and keeps that key in force while the URL is made: one that is being
// revoked with its URLs leaves none behind.
func within(tx *store.Tx, p lanyard.Principal, u lanyard.TokenURL, networks []netip.Prefix) error {
	tooStrong := func(what string) error {
		return lanyard.Errorf(lanyard.CodeKeyTooStrong, "%s: more than the key that asks for it has", what)
	}
	if !p.ExpiresAt.IsZero() && (u.ExpiresAt.IsZero() || u.ExpiresAt.After(p.ExpiresAt)) {
		return tooStrong("expires_at")
	}
	if p.Key == "" {
		return nil
	}
	k, err := tx.LockKey(p.Key)
	if errors.Is(err, lanyard.NotFound) {
		return lanyard.Errorf(lanyard.CodeCredentialInvalid, "")
	}
	if err != nil || len(k.CIDRs) == 0 {
		return err
	}
	if len(networks) == 0 {
		return tooStrong("cidrs")
	}
	for _, net := range networks {
		if !slices.ContainsFunc(k.CIDRs, func(c string) bool {
			mine, err := netip.ParsePrefix(c)
			return err == nil && mine.Bits() <= net.Bits() && mine.Contains(net.Addr())
		}) {
			return tooStrong("cidrs")
		}
	}
	return nil
}

// networks reads networks and single addresses.
func networks(in []string) (out []netip.Prefix, err error) {
	for i, text := range in {
		n, err := netip.ParsePrefix(text)
		if a, single := netip.ParseAddr(text); err != nil && single == nil && a.Zone() == "" {
			n, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil || n.Addr().Is4In6() {
			return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "cidrs[%d]: not a network such as 203.0.113.0/24", i)
		}
		out = append(out, n.Masked())
	}
	return out, nil
}

// URLView is a token URL with what its owner may see of what is sealed.
type URLView struct {
	lanyard.TokenURL
	For      []Who // the candidates, as the caller knows them
	Meetings []string
	Signed   bool // its callers have to prove themselves
}

// beyond refuses a key with limits what was made by one that reaches further: whom it is for,
// and whether it goes on, are none of its business. Error: key_limited.
func beyond(p lanyard.Principal, providers, labels []string) error {
	further := func(mine, theirs []string) bool {
		return len(mine) > 0 && (len(theirs) == 0 || slices.ContainsFunc(theirs, func(s string) bool { return !slices.Contains(mine, s) }))
	}
	if further(p.Providers, providers) || further(p.Labels, labels) {
		return lanyard.Errorf(lanyard.CodeKeyLimited, "this token URL was made by a key that reaches further than this one")
	}
	return nil
}

// TokenURLs lists the project's token URLs, newest first, revoked ones too: without those
// of bots, or, with a key, all that it has made; and without those that reach further than p.
func (s *Service) TokenURLs(ctx context.Context, p lanyard.Principal, key lanyard.KeyID, page lanyard.Page) (out []URLView, next string, err error) {
	if err := p.Need(lanyard.ScopeRead); err != nil {
		return nil, "", err
	}
	var list []lanyard.TokenURL
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		if key != "" {
			list, next, err = q.TokenURLsOfKey(p.Project, key, page)
			return err
		}
		list, next, err = q.TokenURLs(p.Project, "", page)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	for _, u := range list {
		if beyond(p, u.Providers, u.Labels) != nil { // the page is shorter
			continue
		}
		v, err := s.ViewURL(ctx, u)
		if err != nil {
			return nil, "", err
		}
		out = append(out, v)
	}
	return out, next, nil
}

// ViewURL opens what of a token URL is shown. Persons that are gone are left out.
func (s *Service) ViewURL(ctx context.Context, u lanyard.TokenURL) (v URLView, err error) {
	d, err := s.openURL(ctx, u)
	if err != nil {
		return v, err
	}
	v = URLView{TokenURL: u, Meetings: d.Meetings, Signed: len(d.Signing) > 0}
	for _, c := range u.Candidates {
		if c.Person == "" {
			v.For = append(v.For, Who{Connection: c.Connection, Label: c.Label, Host: c.Host})
			continue
		}
		var who lanyard.Person
		err := s.Store.View(ctx, func(q *store.Query) (err error) {
			who, err = q.Person(u.Project, c.Person)
			return err
		})
		if errors.Is(err, lanyard.NotFound) {
			continue
		}
		if err != nil {
			return v, err
		}
		is, err := s.Connections.OpenPerson(ctx, who)
		if err != nil {
			return v, err
		}
		v.For = append(v.For, Who{EndUser: is.Ref})
	}
	return v, nil
}

// RevokeTokenURL ends a token URL of p's project, at once and on every node; what has been
// handed out lives on. Doing it again changes nothing. Errors: scope_missing, not_found,
// key_limited.
func (s *Service) RevokeTokenURL(ctx context.Context, p lanyard.Principal, id lanyard.TokenURLID) error {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return err
	}
	e, err := s.Connections.Entry(ctx, p, lanyard.ActTokenURLRevoked)
	if err != nil {
		return err
	}
	if !lanyard.ValidID("tu_", string(id)) {
		return lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	e.Detail = map[string]string{"token_url": string(id)}
	return s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		u, err := tx.TokenURL(p.Project, id)
		if err == nil {
			err = beyond(p, u.Providers, u.Labels)
		}
		switch {
		case errors.Is(err, lanyard.NotFound), errors.Is(err, lanyard.CodeKeyLimited): // absent, another project's, beyond it: somebody is trying ids
			return e.Failed(err), err
		case err != nil:
			return lanyard.Entry{}, err
		}
		return e, tx.RevokeTokenURL(p.Project, id)
	})
}

// RevokeTokenURLsOfKey ends all token URLs of p's project that a key has made, those for
// bots too, and says how many were in force: after a leak they are as much in strange hands
// as the key is. Errors: scope_missing; key_limited, of a key that reaches further than p;
// not_found, where there is no such key in the project and none of its URLs is.
func (s *Service) RevokeTokenURLsOfKey(ctx context.Context, p lanyard.Principal, key lanyard.KeyID) (n int, err error) {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return 0, err
	}
	e, err := s.Connections.Entry(ctx, p, lanyard.ActTokenURLRevoked)
	if err != nil {
		return 0, err
	}
	if !lanyard.ValidID("lyk_", string(key)) && !lanyard.ValidID("lyo_", string(key)) {
		return 0, lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	e.Detail = map[string]string{"key": string(key)}
	err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		if err := mayEndThoseOf(&tx.Query, p, key); err != nil {
			return e.Failed(err), err
		}
		if n, err = tx.RevokeTokenURLsOfKey(p.Project, key); err != nil {
			return lanyard.Entry{}, err
		}
		e.Detail["count"] = strconv.Itoa(n)
		if n > 0 {
			return e, nil
		}
		k, err := tx.Key(key)
		if err == nil && k.Project == p.Project {
			return e, nil
		}
		made, _, err2 := tx.TokenURLsOfKey(p.Project, key, lanyard.Page{Limit: 1})
		switch {
		case err2 != nil:
			return lanyard.Entry{}, err2
		case len(made) > 0: // an operator's, and all are over
			return e, nil
		case err == nil:
			err = lanyard.Errorf(lanyard.CodeNotFound, "")
		}
		if errors.Is(err, lanyard.NotFound) { // absent or another project's: somebody is trying ids
			return e.Failed(err), err
		}
		return lanyard.Entry{}, err
	})
	return n, err
}

// mayEndThoseOf refuses a key with limits to end the token URLs of one that reaches further.
func mayEndThoseOf(q *store.Query, p lanyard.Principal, key lanyard.KeyID) error {
	made, _, err := q.TokenURLsOfKey(p.Project, key, lanyard.Page{Limit: 1})
	if err != nil || len(made) == 0 { // there is nothing to end
		return err
	}
	return beyond(p, made[0].Providers, made[0].Labels) // the key's limits, which all of them have
}

// RevokeTokenURLsOf ends those of a bot that is over, in the transaction that ends it.
func (s *Service) RevokeTokenURLsOf(tx *store.Tx, p lanyard.Principal, bot lanyard.BotID) error {
	n, err := tx.RevokeTokenURLsOf(p.Project, bot)
	if err != nil || n == 0 {
		return err
	}
	e := lanyard.NewEntry(p, lanyard.ActTokenURLRevoked)
	e.Detail = map[string]string{"bot": string(bot)}
	tx.AddEntry(e)
	return nil
}

// urlsFor is how long a token URL that is over is kept, so that it can be seen that it was.
const urlsFor = 30 * 24 * time.Hour

// Purge forgets token URLs that are over.
func (s *Service) Purge(ctx context.Context) error {
	return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		_, err := tx.PurgeTokenURLs(tx.Now().Add(-urlsFor), 1000)
		return err
	})
}
