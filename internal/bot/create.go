package bot

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/jointoken"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

const (
	longAgo = 10 * time.Minute // an hour that has passed longer ago is a slip
	farAway = 400 * 24 * time.Hour
)

// Who names a candidate as a caller does: exactly one of its fields.
type Who = jointoken.Who

// New says which bot is wanted.
type New struct {
	Dialect     lanyard.Dialect
	Runner      string // who runs it, as for runner.Service.Pick; "none": whoever does asks for its join tokens
	MeetingURL  string // any shape of link
	Name        string // as it is shown in the meeting
	JoinAt      time.Time
	Candidates  []Who            // on whose behalf, in order; none: the bot gets no join tokens
	Allow       lanyard.BotAllow // no types: onbehalf
	Metadata    map[string]string
	DedupKey    string
	GiveUpAfter time.Duration // for how long it waits for a person; 0: 10 minutes
	Request     []byte        // the vendor's body as it came
	Key         bool          // it gets a key of its own
	Hooks       []Hook        // who is told of this bot alone, where no vendor tells them
	Look        bool          // View.Preflight says how it looks
	Trial       bool          // for that, the provider is asked
}

// Create makes a bot: scheduled, or ready where its hour is near. A vendor that is to run it
// is asked, and View.Answer is what it said; where that is a refusal there is no bot. Whose
// answer was lost may run it: then it is kept, and it is found out what came of it.
//
// Errors: scope_missing, invalid_request, bot_duplicate with the id of the one there is,
// key_too_strong, runner_unreachable, and those of picking a runner, of making token URLs,
// of reading a meeting link and of candidates.
func (s *Service) Create(ctx context.Context, p lanyard.Principal, n New) (View, error) {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return View{}, err
	}
	if len(n.Allow.Scopes) > 0 && !p.May(lanyard.ScopeToken) { // with a key for the bot or without: what it says here holds
		return View{}, lanyard.Errorf(lanyard.CodeScopeMissing, "allow.scopes: a bot reads access tokens only where the key that makes it may; use one with the scope token")
	}
	b, data, passed, err := s.wanted(ctx, p, n)
	if err != nil {
		return View{}, err
	}
	if err := s.free(ctx, b); err != nil {
		return View{}, err
	}
	r, run, err := s.Runners.Pick(ctx, p, n.Runner, n.Dialect)
	if err != nil {
		return View{}, err
	}
	if run {
		b.Runner, b.Kind = r.ID, r.Kind
	}
	hooks, err := s.hooks(ctx, b, n)
	if err != nil {
		return View{}, err
	}
	made := View{}
	urls, err := s.prepare(ctx, p, &b, &data, r, n.Key, &made)
	if err == nil {
		err = s.add(ctx, p, b, hooks)
	}
	if err != nil {
		return View{}, errors.Join(err, s.bare(ctx, p, b.ID))
	}
	if b.Vendor() {
		made.Answer, err = s.launch(ctx, p, b, r, job(b, data, urls))
		if err != nil || made.Answer != nil && !made.Answer.OK() {
			return View{Bot: lanyard.Bot{Kind: b.Kind}, Answer: made.Answer}, err
		}
	}
	v, err := s.get(ctx, p, string(b.ID))
	if v.Key, v.Answer = made.Key, made.Answer; err == nil && n.Look {
		v.Preflight = s.ahead(ctx, p, b, data, n, passed)
	}
	return v, err
}

// prepare makes what a bot has of its own before it is written: its key, and the token URLs
// of its runner. They are kept, sealed, where it is told later, or may be asked again.
func (s *Service) prepare(ctx context.Context, p lanyard.Principal, b *lanyard.Bot, d *lanyard.BotData, r lanyard.Runner, key bool, v *View) (urls map[string]lanyard.Secret, err error) {
	if key {
		if v.Key, err = s.ownKey(ctx, p, *b); err != nil {
			return nil, err
		}
	}
	if b.Runner != "" {
		if urls, err = s.equip(ctx, p, *b, r); err != nil {
			return nil, err
		}
	}
	if b.Vendor() {
		b.ToldAt = s.Store.Clock()
		b.AskedAt, b.LeaseUntil = b.ToldAt, b.ToldAt.Add(lease)
	}
	if len(urls) > 0 {
		d.TokenURLs = map[string]string{}
		for name, u := range urls {
			d.TokenURLs[name] = string(u.Reveal())
		}
	}
	b.Sealed, err = s.seal(ctx, *b, *d)
	return urls, err
}

// wanted checks what is asked for, and makes the bot of it. Candidates who are not there
// are passed over, as long as somebody is.
func (s *Service) wanted(ctx context.Context, p lanyard.Principal, n New) (b lanyard.Bot, d lanyard.BotData, passed []jointoken.Skipped, err error) {
	now := s.Store.Clock()
	b = lanyard.Bot{ID: lanyard.NewID[lanyard.BotID]("bot_"), Project: p.Project, Dialect: n.Dialect, Allow: n.Allow, Metadata: n.Metadata,
		DedupKey: n.DedupKey, State: lanyard.BotScheduled, JoinAt: n.JoinAt, Patience: n.GiveUpAfter}
	d = lanyard.BotData{Name: n.Name, MeetingURL: n.MeetingURL, Request: n.Request}
	if b.JoinAt.IsZero() || b.JoinAt.Before(now) && now.Sub(b.JoinAt) < longAgo {
		b.JoinAt = now
	}
	b.JoinAt = b.JoinAt.UTC().Truncate(time.Microsecond)
	if b.Patience == 0 {
		b.Patience = patience
	}
	switch {
	case b.JoinAt.Before(now.Add(-longAgo)):
		return b, d, nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "join_at: has passed")
	case b.JoinAt.After(now.Add(farAway)):
		return b, d, nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "join_at: more than 400 days away")
	case b.Patience < 10*time.Second || b.Patience > 24*time.Hour:
		return b, d, nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "give_up_after_seconds: 10 to 86400")
	case len(b.DedupKey) > 255 || strings.ContainsFunc(b.DedupKey, control):
		return b, d, nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "deduplication_key: at most 255 bytes, without control characters")
	}
	if err := errors.Join(named(n.Name), metadata(n.Dialect, n.Metadata), allowed(&b)); err != nil {
		return b, d, nil, err
	}
	b.Allow.Providers, b.Allow.Labels = p.Providers, p.Labels
	if err := s.at(&b, &d, len(n.Candidates) > 0); err != nil {
		return b, d, nil, err
	}
	b.Candidates, passed, err = s.Tokens.Known(ctx, p, n.Candidates)
	return b, d, passed, err
}

// at reads the link of a bot. One that is to join on somebody's behalf needs one that can
// be read; any other may go where we know nothing of.
func (s *Service) at(b *lanyard.Bot, d *lanyard.BotData, known bool) error {
	if d.MeetingURL == "" || len(d.MeetingURL) > 4096 {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "meeting_url: 1 to 4096 bytes")
	}
	at, m, err := s.Meetings.Find("", d.MeetingURL, "")
	switch {
	case err == nil:
		b.Provider, b.Meeting = at, s.Meetings.Key(b.Project, at, m.Number)
	case errors.Is(err, lanyard.CodeInvalidMeetingLink) && !known && elsewhere(d.MeetingURL):
		b.Provider, b.Meeting, m = "", nil, provider.Meeting{}
	default:
		return err
	}
	d.Number, d.Passcode, d.TK = m.Number, m.Passcode, m.TK
	return nil
}

func elsewhere(link string) bool {
	u, err := url.Parse(link)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil
}

// metadata checks a bot's, by the limits of those in whose words it was asked for.
func metadata(d lanyard.Dialect, m map[string]string) error {
	if d != lanyard.DialectNone {
		return connection.VendorsMetadata(m)
	}
	return connection.ValidMetadata(m)
}

func named(name string) error {
	if len(name) > 200 || strings.ContainsFunc(name, control) {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "name: at most 200 bytes, without control characters")
	}
	return nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// allowed checks what a bot may use; without types, that is an on-behalf token.
func allowed(b *lanyard.Bot) error {
	a := &b.Allow
	if len(a.Types) == 0 {
		a.Types = []string{jointoken.OnBehalf}
	}
	for i, typ := range a.Types {
		if typ == jointoken.AccessToken || lanyard.ScopeOfType(typ) == "" || slices.Contains(a.Types[:i], typ) {
			return lanyard.Errorf(lanyard.CodeInvalidRequest, "allow.types: onbehalf, zak and local_recording, each once")
		}
	}
	if err := lanyard.CheckProxyRules(a.Proxy); err != nil {
		return err
	}
	if len(a.Scopes) > 100 || len(a.Proxy) > 50 {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "allow: at most 100 scopes and 50 rules")
	}
	for i, sc := range a.Scopes {
		if sc == "" || len(sc) > 255 || strings.ContainsFunc(sc, func(r rune) bool { return r == ' ' || control(r) }) {
			return lanyard.Errorf(lanyard.CodeInvalidRequest, "allow.scopes[%d]: one scope of a provider, as scopes_granted of a connection has it", i)
		}
	}
	return nil
}

// ownKey makes a key that is the bot's own: it may what the bot may, and no more than the
// key that asks for it.
func (s *Service) ownKey(ctx context.Context, p lanyard.Principal, b lanyard.Bot) (lanyard.Secret, error) {
	scopes := []lanyard.Scope{lanyard.ScopeRead}
	for _, typ := range b.Allow.Types {
		scopes = append(scopes, lanyard.ScopeOfType(typ))
	}
	if len(b.Allow.Proxy) > 0 {
		scopes = append(scopes, lanyard.ScopeProxy)
	}
	if len(b.Allow.Scopes) > 0 {
		scopes = append(scopes, lanyard.ScopeToken)
	}
	return s.Access.CreateBotKey(ctx, p, b.ID, scopes, b.Allow.Proxy)
}

// free refuses a second bot with the deduplication key of one that is not over.
func (s *Service) free(ctx context.Context, b lanyard.Bot) error {
	err := s.Store.View(ctx, func(q *store.Query) error {
		is, err := q.BotByDedupKey(b.Project, b.DedupKey)
		if err == nil {
			return &lanyard.Error{Code: lanyard.CodeBotDuplicate, Choices: []string{string(is.ID)}}
		}
		return err
	})
	if errors.Is(err, lanyard.CodeNotFound) {
		return nil
	}
	return err
}

// add writes a new bot, and makes it ready where its hour is near. One that a vendor has
// yet to take is told of when it has.
func (s *Service) add(ctx context.Context, p lanyard.Principal, b lanyard.Bot, hooks []lanyard.Endpoint) error {
	e, err := s.Connections.Entry(ctx, p, lanyard.ActBotCreated)
	if err != nil {
		return err
	}
	e.Detail = map[string]string{"bot": string(b.ID), "provider": b.Provider, "types": strings.Join(b.Allow.Types, " ")}
	err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		b.CreatedAt, b.UpdatedAt = tx.Now(), tx.Now()
		first := b
		first.NextAt = s.next(b, tx.Now())
		if b.Runner != "" { // so that it is not deleted meanwhile
			if _, err := tx.LockRunner(p.Project, b.Runner); err != nil {
				return lanyard.Entry{}, err
			}
		}
		if err := tx.AddBot(first); err != nil {
			return lanyard.Entry{}, err
		}
		if err := s.Events.AddForBot(tx, p, hooks); err != nil {
			return lanyard.Entry{}, err
		}
		if b.Vendor() {
			return e, nil
		}
		if _, err := s.tell(tx, lanyard.Entry{}, b, "", said{by: "caller"}); err != nil {
			return lanyard.Entry{}, err
		}
		if first.NextAt.After(tx.Now()) {
			return e, nil
		}
		moved, err := s.move(tx, lanyard.NewEntry(p, lanyard.ActBotMoved), &b, lanyard.BotReady, said{by: "lanyard"})
		if err != nil {
			return lanyard.Entry{}, err
		}
		tx.AddEntry(moved)
		return e, s.put(tx, b)
	})
	if _, exists := errors.AsType[*store.ExistsError](err); exists { // somebody was faster
		return s.free(ctx, b)
	}
	return err
}
