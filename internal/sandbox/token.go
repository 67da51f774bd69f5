package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"
)

// grant is what one consent gave one client, and the family of all tokens that go back to it.
type grant struct {
	family     string
	client     *Client
	person     *Person // nil: the app's own (client_credentials)
	kind       string  // user, bot, app
	scopes     []string
	tenant     string // Microsoft: the path element it was asked at
	offline    bool   // has a refresh token
	generation int    // counts from 1, up by one with each refresh
	created    time.Time
	ended      string   // why, once it is over
	access     []*token // the newest, for a provider that kills them with each rotation
	latest     *token   // the newest refresh token
}

// token is anything issued that a client later shows. Only its hash is kept.
type token struct {
	kind        string // access, refresh, onbehalf, zak, local_recording, …
	hash        [32]byte
	fingerprint string
	parent      string
	grant       *grant
	generation  int
	scopes      []string
	meeting     string
	expires     time.Time // zero: never
	used        time.Time // refresh: first use; meeting tokens: the join
	dead        string    // why it is refused though it has not expired
}

func (t *token) expired() bool { return !t.expires.IsZero() && !time.Now().Before(t.expires) }
func (t *token) live() bool    { return t.dead == "" && t.grant.ended == "" && !t.expired() }

// issued is the answer to a token request, before a provider gives it its shape.
type issued struct {
	grant     *grant
	access    string
	refresh   string        // empty: none in the answer
	expiresIn time.Duration // 0: does not expire
	scopes    []string
	code      *authCode // nil on refresh
}

// tokenStore finds tokens by hash and forgets the oldest dead ones when there are very many.
type tokenStore struct {
	byHash map[[32]byte]*token
	queue  []*token
}

const (
	maxTokens = 400_000
	maxAccess = 100 // per grant, remembered for killing
)

func newTokenStore() tokenStore { return tokenStore{byHash: map[[32]byte]*token{}} }

func (ts *tokenStore) put(t *token) {
	ts.byHash[t.hash] = t
	ts.queue = append(ts.queue, t)
	for looked := 0; len(ts.byHash) > maxTokens && looked < 8; looked++ {
		old := ts.queue[0]
		ts.queue = ts.queue[1:]
		if old.live() {
			ts.queue = append(ts.queue, old)
			continue
		}
		delete(ts.byHash, old.hash)
	}
}

// find returns the token whose text this is, or nil.
func (s *Sandbox) find(text string) *token { return s.tokens.byHash[sha256.Sum256([]byte(text))] }

// mint makes a token of a grant and returns its text, which nobody keeps.
func (s *Sandbox) mint(g *grant, t token, ttl time.Duration) string {
	text := "sbx_" + g.client.Provider + "_" + t.kind + "_" + randomText(48)
	t.grant, t.generation = g, g.generation
	t.hash = sha256.Sum256([]byte(text))
	t.fingerprint = hex.EncodeToString(t.hash[:8])
	if ttl > 0 {
		t.expires = time.Now().Add(ttl)
	}
	s.tokens.put(&t)
	switch t.kind {
	case "access":
		g.access = slices.DeleteFunc(g.access, func(o *token) bool { return !o.live() })
		g.access = append(g.access[max(0, len(g.access)-maxAccess):], &t)
	case "refresh":
		g.latest = &t
	}
	s.note("issued", &t, "")
	return text
}

// open starts a grant. Where a person can have only one per client, the earlier ones end here.
func (s *Sandbox) open(p *provider, g *grant) {
	if p.oneGrant && g.person != nil {
		for _, old := range s.grants {
			if old.client == g.client && old.person == g.person {
				s.end(old, "superseded")
			}
		}
	}
	g.family, g.generation, g.created = s.next("fam_"), 1, time.Now()
	if g.kind == "app" {
		return // an app's own tokens stand in nobody's list
	}
	s.grants = slices.DeleteFunc(s.grants, func(old *grant) bool {
		return old.ended != "" && len(s.grants) > 20_000
	})
	s.grants = append(s.grants, g)
}

// end kills a grant and everything issued for it; bots it let in are thrown out of their meetings.
func (s *Sandbox) end(g *grant, why string) {
	if g.ended != "" {
		return
	}
	g.ended = why
	event := why
	if why != "superseded" {
		event = "revoked"
	}
	s.noteGrant(Entry{Event: event, Kind: "grant", Generation: g.generation, Detail: why}, g)
	g.access, g.latest = nil, nil
}

// give issues a generation: an access token, and a refresh token if asked for.
func (s *Sandbox) give(p *provider, g *grant, scopes []string, parent string, refresh bool) issued {
	out := issued{grant: g, scopes: scopes, expiresIn: g.client.accessTTL(p)}
	if p.id == Slack && !g.client.Rotation {
		out.expiresIn = 0
	}
	out.access = s.mint(g, token{kind: "access", scopes: scopes, parent: parent}, out.expiresIn)
	if refresh {
		out.refresh = s.mint(g, token{kind: "refresh", scopes: g.scopes, parent: parent}, g.client.refreshTTL(p))
	}
	return out
}

// refresh trades a refresh token as the client's class says (RFC 6749 §6, RFC 9700 §4.14.2).
func (s *Sandbox) refresh(p *provider, c *Client, text string, scopes []string) (issued, *refusal) {
	t := s.find(text)
	if t == nil || t.kind != "refresh" || t.grant.client != c {
		s.ledger.add(Entry{Event: "refused", Provider: p.id, Kind: "refresh", Fingerprint: Fingerprint(text), Client: c.ID, Detail: "unknown"})
		return issued{}, refuse("invalid_grant", causeRefresh, "unknown refresh token")
	}
	return s.rotate(p, t, scopes)
}

func (s *Sandbox) rotate(p *provider, t *token, scopes []string) (issued, *refusal) {
	g, c := t.grant, t.grant.client
	class, leeway := c.class(p), time.Duration(c.GraceSeconds)*time.Second
	again := !t.used.IsZero()
	late := again && time.Since(t.used) >= leeway
	switch {
	case g.ended != "":
		s.note("refused", t, g.ended)
		return issued{}, refuse("invalid_grant", causeRevoked, g.ended)
	case again && (class == Strict || class == Grace && late):
		s.note("refused", t, "rotated")
		return issued{}, refuse("invalid_grant", causeRefreshUsed, "rotated away")
	case again && class == ReuseKill && late:
		s.note("reuse_detected", t, "the family ends")
		s.end(g, "reuse_detected")
		return issued{}, refuse("invalid_grant", causeRefreshUsed, "reuse detected")
	case t.dead != "":
		s.note("refused", t, t.dead)
		return issued{}, refuse("invalid_grant", causeRevoked, t.dead)
	case t.expired():
		s.note("expired", t, "")
		return issued{}, refuse("invalid_grant", causeRefreshOld, "expired")
	}
	if scopes = slices.DeleteFunc(scopes, unechoed); len(scopes) == 0 {
		scopes = g.scopes
	} else if slices.ContainsFunc(scopes, func(x string) bool { return !slices.Contains(g.scopes, x) }) {
		s.note("refused", t, "scope")
		return issued{}, refuse("invalid_scope", causeScope, "more than was granted")
	}
	if !again {
		t.used = time.Now()
	}
	s.note("used", t, "")
	if c.killsAccess(p) && class != Static {
		for _, old := range g.access {
			old.dead = "rotated"
		}
	}
	if class == Strict || class == ReuseKill && leeway == 0 {
		t.dead = "rotated"
	}
	g.generation++
	return s.give(p, g, scopes, t.fingerprint, class != Static), nil
}

// unechoed scopes are requests to the server and not things that a token can do.
func unechoed(scope string) bool { return scope == "offline_access" }

// present checks an access token that somebody shows.
func (s *Sandbox) present(provider, text string) (*token, string) {
	t := s.find(text)
	switch {
	case t == nil || t.kind != "access" || t.grant.client.Provider != provider:
		s.ledger.add(Entry{Event: "refused", Provider: provider, Kind: "access", Fingerprint: Fingerprint(text), Detail: "unknown"})
		return nil, "unknown"
	case t.grant.ended != "":
		s.note("refused", t, t.grant.ended)
		return t, "revoked"
	case t.dead != "":
		s.note("refused", t, t.dead)
		return t, "revoked"
	case t.expired():
		s.note("expired", t, "")
		return t, "expired"
	}
	s.note("used", t, "")
	return t, ""
}
