package simtest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"lanyard/internal/provider"
)

// kind is a sort of provider: its class, its times and its habits.
type kind struct {
	id          string
	class       provider.Class
	grace       time.Duration
	life        time.Duration // of access tokens
	idle        time.Duration // life of a refresh token that nobody uses; 0: for ever
	graceKills  bool          // after the grace, a second use ends the family
	killsAccess bool          // a renewal ends the access token before
	oneGrant    bool          // a new consent ends the tokens of the one before
	tells       bool          // it says why a refresh token is refused
	opaque      bool          // access tokens end with their family; else they live out their time
}

// kinds are the providers of every world: each class, with and without what makes it hard.
var kinds = []kind{
	{id: "sim-static", class: provider.ClassStatic, life: time.Hour, idle: 72 * time.Hour, tells: true, opaque: true},
	{id: "sim-overlap", class: provider.ClassOverlap, life: 70 * time.Minute, idle: 48 * time.Hour},
	{id: "sim-grace", class: provider.ClassGrace, grace: 30 * time.Minute, life: 30 * time.Minute, idle: 48 * time.Hour, opaque: true},
	{id: "sim-grace-short", class: provider.ClassGrace, grace: 30 * time.Second, life: time.Hour, idle: 72 * time.Hour, graceKills: true, tells: true},
	{id: "sim-strict", class: provider.ClassStrict, life: time.Hour, idle: 72 * time.Hour, killsAccess: true, oneGrant: true, opaque: true},
	{id: "sim-strict-plain", class: provider.ClassStrict, life: 2 * time.Hour, idle: 72 * time.Hour, tells: true},
	{id: "sim-kill", class: provider.ClassReuseKill, life: time.Hour, idle: 72 * time.Hour, tells: true, opaque: true},
	{id: "sim-unknown", life: time.Hour, idle: 72 * time.Hour}, // its class is not known: as reuse_kill
}

func (k kind) reuseKills() bool { return k.class == provider.ClassReuseKill || k.class == "" }

func (k kind) definition(host string) provider.Definition {
	at := "http://" + host
	d := provider.Definition{ID: k.id, Name: k.id, ClientAuth: provider.AuthBasic, Class: k.class,
		Endpoints:     provider.Endpoints{Authorize: at + "/authorize", Token: at + "/token", Identity: at + "/userinfo", Revoke: at + "/revoke", API: at},
		Times:         provider.Times{Access: int64(k.life.Seconds()), RefreshIdle: int64(k.idle.Seconds()), Grace: int64(k.grace.Seconds()), Code: 300},
		Rules:         provider.Rules{RotationKillsAccess: k.killsAccess, OneGrantPerSubject: k.oneGrant},
		Identity:      provider.IdentityRules{Subject: "sub"},
		Revoke:        provider.RevokeRules{WholeGrant: true},
		Scopes:        []provider.Scope{{Scope: "read", Say: "Read"}},
		DefaultScopes: []string{"read"},
		Errors: map[string]provider.Verdict{"invalid_grant/revoked": "rejected user_revoked", "invalid_grant/idle": "rejected idle_expired",
			"invalid_grant/replaced": "rejected duplicate_consent"}}
	if k.class == provider.ClassStrict {
		d.Probe = provider.ProbeNone
	} else {
		d.Probe = provider.ProbeBogusRefresh
	}
	return d
}

// host is one pretend provider with its ledger, guarded by world.mu.
type host struct {
	kind
	w       *world
	addr    string
	secrets map[string][]string // client id → secrets that are right
	unknown map[string]bool     // client ids that it does not know any more: it says invalid_grant to everybody (RFC 6749 §5.2)
	names   map[string]int      // accounts → families so far
	latest  map[string]*family  // of an account
	refresh map[string]*token
	access  map[string]*access
	codes   map[string]*code
	nth     map[string]int // calls of an account so far
	windows []window       // of bad weather
	calls   []callAt       // that arrived at the token endpoint
	failed  []time.Time    // calls that did not arrive
}

// callAt is a call that arrived, for those who look at rates.
type callAt struct {
	at     time.Time
	client string
	sub    string
}

// family is the refresh tokens of one consent.
type family struct {
	h        *host
	sub      string
	client   string
	n        int
	born     time.Time
	current  *token
	died     time.Time // zero: alive
	why      string    // revoked, admin, reuse, idle, replaced, given back
	reused   *token    // reuse: the one that was used again
	came     time.Time // and when the call with it did, which may have been carried out much later
	everyone []*token
	latest   *access
}

// token is one refresh token and what became of it.
type token struct {
	text    string
	fam     *family
	gen     int
	born    time.Time
	used    time.Time // last
	spent   time.Time // first use that was carried out
	next    *token
	arrived time.Time          // the answer that brought it did; zero: it did not
	came    []time.Time        // calls with it
	running map[time.Time]bool // calls that it has not answered, by when they came
	silent  int                // calls whose answer did not arrive, or not whole
	refused int                // times it was refused although nothing was wrong with it
}

type access struct {
	fam   *family
	until time.Time
	dead  bool
}

type code struct {
	sub, client, challenge, redirect string
	until                            time.Time
	spent                            bool
}

func (f *family) alive() bool { return f.died.IsZero() }

func (f *family) die(why string, now time.Time) {
	if !f.alive() {
		return
	}
	f.died, f.why = now, why
}

func (f *family) issue(now time.Time) *token {
	t := &token{fam: f, gen: len(f.everyone), born: now, running: map[time.Time]bool{}}
	t.text = fmt.Sprintf("rt-%s-%s-%d-%d", f.h.id, f.sub, f.n, t.gen)
	f.h.refresh[t.text] = t
	f.everyone = append(f.everyone, t)
	if f.current != nil {
		f.current.next = t
	}
	f.current = t
	return t
}

// accepts says what the provider would make of a refresh token now: "", or why not.
func (h *host) accepts(t *token, now time.Time) string {
	last := t.born
	if t.used.After(last) {
		last = t.used
	}
	switch {
	case !t.fam.alive():
		return t.fam.why
	case h.idle > 0 && now.Sub(last) > h.idle:
		return "idle"
	case h.class == provider.ClassStatic, h.class == provider.ClassOverlap, t == t.fam.current:
		return ""
	case h.class == provider.ClassGrace && t.next == t.fam.current && now.Sub(t.spent) <= h.grace:
		return ""
	}
	return "spent"
}

// spend carries out a renewal that came some time before. Without a token, why is why not.
func (h *host) spend(t *token, came, now time.Time) (next *token, why string) {
	why = h.accepts(t, now)
	switch {
	case why == "idle":
		t.fam.die("idle", now)
		return nil, why
	case why == "spent" && (h.reuseKills() || h.graceKills):
		t.fam.reused, t.fam.came = t, came
		t.fam.die("reuse", now)
		return nil, why
	case why != "":
		return nil, why
	}
	again := t != t.fam.current && h.class == provider.ClassGrace
	t.used = now
	if t.spent.IsZero() {
		t.spent = now
	}
	switch {
	case h.class == provider.ClassStatic:
		return t, ""
	case again:
		return t.next, "" // the same once more
	case h.class == provider.ClassOverlap:
		next = &token{fam: t.fam, gen: len(t.fam.everyone), born: now, running: map[time.Time]bool{}}
		next.text = fmt.Sprintf("rt-%s-%s-%d-%d", h.id, t.fam.sub, t.fam.n, next.gen)
		h.refresh[next.text] = next
		t.fam.everyone = append(t.fam.everyone, next)
		if t.next == nil {
			t.next = next
		}
		return next, ""
	}
	return t.fam.issue(now), ""
}

// grant makes an access token of a family.
func (f *family) grant(now time.Time) string {
	h := f.h
	text := fmt.Sprintf("at-%s-%s-%d-%d", h.id, f.sub, f.n, now.UnixNano())
	if f.latest != nil && h.killsAccess {
		f.latest.dead = true
	}
	f.latest = &access{fam: f, until: now.Add(h.life)}
	h.access[text] = f.latest
	return text
}

// takes says whether an access token works.
func (h *host) takes(text string, now time.Time) bool {
	a := h.access[text]
	return a != nil && !a.dead && now.Before(a.until) && (a.fam.alive() || !h.opaque)
}

// consent makes the family of a new consent.
func (h *host) consent(sub, client string, now time.Time) *family {
	if old := h.latest[sub]; old != nil && h.oneGrant {
		old.die("replaced", now)
	}
	h.names[sub]++
	f := &family{h: h, sub: sub, client: client, n: h.names[sub], born: now}
	f.issue(now)
	h.latest[sub] = f
	return f
}

// authorize is the person's yes: a code for the client.
func (h *host) authorize(sub, client, redirect, challenge string, now time.Time) string {
	h.nth["code"]++
	text := fmt.Sprintf("code-%s-%s-%d", h.id, sub, h.nth["code"])
	h.codes[text] = &code{sub: sub, client: client, challenge: challenge, redirect: redirect, until: now.Add(5 * time.Minute)}
	return text
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// refusalOf is what the provider says of a token that it does not take.
func (h *host) refusalOf(why string) string {
	sub := map[string]string{"revoked": "revoked", "idle": "idle", "replaced": "replaced"}[why]
	if !h.tells || sub == "" {
		return `{"error":"invalid_grant"}`
	}
	return `{"error":"invalid_grant","error_subtype":"` + sub + `"}`
}

// secretIn finds tokens and codes in a text.
func secretIn(text string) bool {
	return strings.Contains(text, "rt-sim") || strings.Contains(text, "at-sim") || strings.Contains(text, "code-sim")
}
