package grant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
	"lanyard/internal/spool"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// Exchanged is what a code brought whose flow does not know of it yet.
type Exchanged struct {
	Flow    lanyard.FlowID
	Attempt lanyard.Attempt
	Issued  []provider.Issued
}

// offered is how far the spool has been offered to the database.
type offered struct {
	incarnation string // of the database server
	failed      bool   // it could not be reached since
	odd         int    // receipts that cannot be stored, whenever it is tried

	next   string              // the server that is being offered them
	before []lanyard.AttemptID // the calls that were under way when it was first seen
}

// Offer gives the database what it may not have of the answers on this machine's
// disk: after a crash, after the database was away, and after it has become another
// one, which may have lost its last seconds (I4, I14). What it has already is left
// alone, so it may be offered any number of times. It returns the codes' answers,
// for package flow to store.
func (s *Service) Offer(ctx context.Context) (codes []Exchanged, err error) {
	s.offering.Lock()
	defer s.offering.Unlock()
	var incarnation string
	began := time.Now()
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		incarnation, err = q.Incarnation()
		return err
	})
	if err == nil && s.outage.is() { // that it can be read does not say that it can be written
		err = s.Store.Bookkeep(ctx, func(tx *store.Tx) error { return tx.NodeOffered(s.Node, s.offered.incarnation) })
	}
	if s.outage.asked(began, err); err != nil {
		s.offered.failed = true
		return nil, err
	}
	if incarnation == s.offered.incarnation && !s.offered.failed && s.Spool.PendingBesides(s.underWay()) <= s.offered.odd {
		return nil, nil
	}
	another := incarnation != s.offered.incarnation
	if another && incarnation != s.offered.next {
		s.offered.next, s.offered.before = incarnation, s.underWay()
	}
	receipts := s.Spool.Unsettled
	if another || s.offered.failed {
		receipts = s.Spool.Receipts
	}
	s.offered.failed = true // until all went well
	var errs []error
	err = s.inTurns(ctx, receipts, func(r spool.Receipt, stored bool) error {
		switch {
		case s.runs(r.Attempt) && !(another && r.Grant != ""):
			// A call that runs stores its answer itself, but on a server that has lost the
			// attempt nobody else waits for it: storing it twice does no harm.
			return nil
		case stored:
			s.Spool.Settle(r.Attempt)
			return nil
		}
		code, err := s.offer(ctx, r)
		switch {
		case errors.Is(err, lanyard.Unavailable):
			return err // the database has gone again
		case err != nil:
			errs = append(errs, fmt.Errorf("receipt of attempt %s: %w", r.Attempt, err))
		case code != nil:
			codes = append(codes, *code)
		default:
			s.Spool.Settle(r.Attempt)
		}
		return nil
	})
	if err != nil {
		return codes, err
	}
	if another && slices.ContainsFunc(s.offered.before, s.runs) {
		return codes, errors.Join(errs...) // what they bring belongs to it too: once more, soon
	}
	err = s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		if err := s.replaced(tx, incarnation); err != nil {
			return err
		}
		return tx.NodeOffered(s.Node, incarnation)
	})
	if err != nil {
		return codes, err
	}
	s.offered = offered{incarnation: incarnation, odd: len(errs)}
	s.mineOn.Store(incarnation)
	return codes, errors.Join(errs...) // which another try would not mend; the receipts stay
}

// inTurns calls fn for receipts in their order, and says whether the database has what
// came of one already, or something newer. Nearly all of a day are such, and they are
// looked up many at a time: a start must not take as long as the day was busy.
func (s *Service) inTurns(ctx context.Context, receipts func(func(spool.Receipt) error) error, fn func(r spool.Receipt, stored bool) error) error {
	const some = 200
	var turn []spool.Receipt
	take := func() error {
		about := make([]store.Receipted, 0, len(turn))
		for _, r := range turn {
			if r.Grant != "" {
				about = append(about, store.Receipted{Attempt: r.Attempt, Grant: r.Grant})
			}
		}
		var is store.Standing
		err := s.Store.View(ctx, func(q *store.Query) (err error) {
			is, err = q.Standing(about)
			return err
		})
		for _, r := range turn {
			if err != nil {
				break
			}
			g, there := is.Grants[r.Grant]
			err = fn(r, there && !is.Open[r.Attempt] && !newer(g, r.Family, r.Generation))
		}
		turn = turn[:0]
		return err
	}
	err := receipts(func(r spool.Receipt) error {
		if turn = append(turn, r); len(turn) < some {
			return nil
		}
		return take()
	})
	if err != nil {
		return err
	}
	return take()
}

// underWay are the attempts that run in this process.
func (s *Service) underWay() (ids []lanyard.AttemptID) {
	s.calls.Range(func(id, _ any) bool {
		ids = append(ids, id.(lanyard.AttemptID))
		return true
	})
	return ids
}

func (s *Service) runs(id lanyard.AttemptID) bool {
	_, runs := s.calls.Load(id)
	return runs
}

// offeredBy is how long others wait for a node that was there lately to offer its
// receipts, after the database has become another one.
const offeredBy = time.Minute

// behind says whether the database may lack what a node has on its disk: it has
// become another one, which may have lost the last commits, and not every node has
// offered it its receipts; or this process has just begun, and cannot read them.
// What it says of refresh tokens is then not believed.
func (s *Service) behind(tx *store.Tx) (bool, error) {
	if s.outage.lasts() {
		return true, nil
	}
	if s.Store.Backend() == "sqlite" { // it is part of this process, and forgets nothing that it has promised
		return s.mineOn.Load() == nil, nil
	}
	incarnation, err := tx.Incarnation()
	if err != nil || s.allOn.Load() == incarnation {
		return false, err
	}
	if s.mineOn.Load() != incarnation {
		return true, nil
	}
	n, err := tx.NodesBehind(incarnation, tx.Now().Add(-offeredBy))
	if err == nil && n == 0 {
		s.allOn.Store(incarnation)
	}
	return n > 0, err
}

// offer stores one answer, if it is newer than what the database has.
func (s *Service) offer(ctx context.Context, r spool.Receipt) (*Exchanged, error) {
	a := lanyard.Attempt{ID: r.Attempt, Project: r.Project, App: r.App, Grant: r.Grant, Flow: r.Flow, Kind: r.Kind,
		Family: r.Family, Generation: r.Generation, Node: s.Node}
	var g lanyard.Grant
	var own lanyard.App
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		if r.Grant != "" {
			if g, err = q.Grant(r.Project, r.Grant); err != nil && !errors.Is(err, lanyard.NotFound) {
				return err
			}
		}
		own, err = q.App(r.Project, r.App)
		return err
	})
	switch {
	case errors.Is(err, lanyard.NotFound): // the app has gone, and its connections before it
		return nil, nil
	case err != nil:
		return nil, err
	}
	if g.ID != "" && !newer(g, r.Family, r.Generation) { // it has this one, or a newer one, or a new consent (I12)
		return nil, s.closed(ctx, a)
	}
	ready, err := s.Apps.Open(ctx, own)
	if err != nil {
		return nil, err
	}
	raw, err := s.Vault.Open(ctx, vault.ProjectKey(r.Project), receiptPlace(r.Project, r.App, r.Attempt, r.Family, r.Generation),
		r.Sealed)
	if err != nil {
		return nil, err
	}
	answer, err := provider.DecodeAnswer(raw)
	if err != nil {
		return nil, err
	}
	result := s.parse(ready.Target, r.Kind, answer)
	a.Class, a.Outcome, a.Error, a.Status, a.RequestID = string(ready.Target.Class), result.Outcome, result.Error, answer.Status, answer.RequestID
	switch {
	case r.Grant == "" && len(result.Tokens) > 0:
		return &Exchanged{Flow: r.Flow, Attempt: a, Issued: result.Tokens}, nil
	case r.Grant == "":
		return nil, s.closed(ctx, a)
	}
	if g.ID != "" {
		result = s.mine(ready.Target, own, g, result)
	}
	tokens, ok := pick(result, g.Kind)
	switch {
	case g.ID == "" && len(result.Tokens) > 0: // deleted meanwhile
		return nil, s.late(ctx, ready, a, result.Tokens[0].Tokens)
	case !ok:
		return nil, s.closed(ctx, a)
	case g.Generation < r.Generation && tokens.Refresh.Empty() && ready.Target.Class.Rotates():
		return nil, nil // what it leaves out came with a generation that the database has lost
	}
	old, err := s.Tokens(ctx, g)
	if err != nil {
		return nil, err
	}
	_, kept, err := s.keep(ctx, ready.Target, g, old, fresh{tokens: tokens, attempt: a, offered: true}, Scheduled(r.Project))
	if err == nil && kept {
		s.Logger.Info("an answer was stored that the database did not have", "attempt", r.Attempt)
	}
	return nil, err
}

// newer says whether what a refresh token of that family and generation brought is
// newer than what the grant has: also where the database has lost commits, and is
// further behind than that token.
func newer(g lanyard.Grant, family string, generation int64) bool {
	return g.Family == family && g.Generation <= generation
}

// closed ends an attempt that is still open.
func (s *Service) closed(ctx context.Context, a lanyard.Attempt) error {
	if a.Outcome == lanyard.OutcomeOpen || a.Outcome == lanyard.OutcomeOK || a.Outcome == lanyard.OutcomePartial {
		a.Outcome = lanyard.OutcomeDropped
	}
	return s.Store.Bookkeep(ctx, func(tx *store.Tx) error { return s.end(tx, a) })
}

// late gives back tokens of a connection that was deleted while they were on their
// way, unless that was done (I13).
func (s *Service) late(ctx context.Context, ready app.Ready, a lanyard.Attempt, tokens lanyard.TokenSet) error {
	open := false
	err := s.Store.Bookkeep(ctx, func(tx *store.Tx) (err error) {
		a.Outcome, a.EndedAt = lanyard.OutcomeDropped, tx.Now()
		open, err = tx.EndAttempt(a)
		return err
	})
	if err != nil || !open {
		return err
	}
	_, err = s.dropped(ctx, ready, lanyard.Grant{ID: a.Grant, Project: a.Project, App: a.App, Family: a.Family, Generation: a.Generation}, tokens, Scheduled(a.Project))
	if errors.Is(err, lanyard.CodeConnectionRevoked) {
		return nil
	}
	return err
}

// Recover closes the attempts that an earlier process of this node left open,
// after Offer: what became of them is unknown, and the class of the provider says
// what may be done next (I14). Those whose answer is on this machine's disk, because
// Offer has failed, stay open until it does not: nobody else is to believe that there
// is none. It returns the flows whose code was on its way.
func (s *Service) Recover(ctx context.Context) (lost []lanyard.FlowID, err error) {
	answered, err := s.answered()
	if err != nil {
		return nil, err
	}
	return lost, s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		open, err := tx.OpenAttempts(s.Node)
		if err == nil {
			err = tx.ReleaseGrants(s.Node)
		}
		if err != nil {
			return err
		}
		for _, a := range open {
			if answered[a.ID] {
				continue
			}
			if err := fault.At(ctx, fault.GrantRecover); err != nil {
				return err
			}
			if err := s.unknown(tx, a, "process_ended"); err != nil {
				return err
			}
			if a.Kind == lanyard.AttemptCode {
				lost = append(lost, a.Flow)
			}
		}
		return nil
	})
}

// unknown ends an attempt whose outcome nobody will ever learn. Where the refresh
// token may be spent by it, the grant is not shown as if nothing had happened, and
// it is tried again when its class allows.
func (s *Service) unknown(tx *store.Tx, a lanyard.Attempt, why string) error {
	a.EndedAt, a.Outcome, a.Error = tx.Now(), lanyard.OutcomeUnknown, why
	if ok, err := tx.EndAttempt(a); err != nil || !ok || a.Kind != lanyard.AttemptRefresh || a.Grant == "" {
		return err
	}
	g, err := tx.LockedGrant(a.Project, a.Grant)
	if err != nil || g.Family != a.Family || g.Generation != a.Generation || g.Health == lanyard.Dead {
		return ignoreGone(err)
	}
	own, err := tx.App(g.Project, g.App)
	if err != nil {
		return ignoreGone(err)
	}
	t, err := s.Apps.Providers.Target(own)
	if err != nil || !t.Class.Rotates() {
		return nil //nolint:nilerr // an app that cannot be resolved is found out by who uses it
	}
	h := History{}
	if h.Attempts, err = attemptsOn(tx, g); err != nil {
		return err
	}
	next := s.pace.unanswered(t, g, h, tx.Now())
	if _, err := tx.PutGrantHealth(next, g.Family, g.Generation); err != nil {
		return err
	}
	return s.tell(tx, g, next, "")
}

// silentFor is how long a node may be away and come back with an answer: as long
// as its spool keeps receipts, and a little more.
const silentFor = 25 * time.Hour

// closeSilent ends attempts of nodes that have not come back. When the database has
// been away itself, those that are there offer what they have first.
func (s *Service) closeSilent(ctx context.Context) error {
	return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		if behind, err := s.behind(tx); err != nil || behind {
			return err
		}
		old, err := tx.SilentAttempts(tx.Now().Add(-silentFor), 1000)
		if err != nil {
			return err
		}
		for _, a := range old {
			if err := s.unknown(tx, a, "node_silent"); err != nil {
				return err
			}
		}
		return s.remembered(tx)
	})
}

// DeclareLost takes an operator's word that a node will not come back and that its
// disk is gone: whatever it was doing has ended unknown, and verdicts need not wait
// for it any longer. It returns how many attempts that were.
func (s *Service) DeclareLost(ctx context.Context, p lanyard.Principal, node string) (closed int, err error) {
	if !p.Operator {
		return 0, lanyard.Errorf(lanyard.CodeOperatorOnly, "")
	}
	if node == s.Node {
		return 0, lanyard.Errorf(lanyard.CodeInvalidRequest, "this is the node that you are talking to")
	}
	return closed, s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		e := lanyard.NewEntry(p, lanyard.ActNodeLost)
		e.Detail = map[string]string{"node": node}
		if err := tx.LoseNode(node); err != nil {
			return e.Failed(err), err
		}
		open, err := tx.OpenAttempts(node)
		if err == nil {
			err = tx.ReleaseGrants(node)
		}
		if err != nil {
			return e, err
		}
		for _, a := range open {
			if err := s.unknown(tx, a, "node_lost"); err != nil {
				return e, err
			}
		}
		closed = len(open)
		return e, nil
	})
}

func ignoreGone(err error) error {
	if errors.Is(err, lanyard.NotFound) {
		return nil
	}
	return err
}

// Settled notes that what a code brought is stored, or nobody's any more.
func (s *Service) Settled(ctx context.Context, c Exchanged) error {
	err := s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		a := c.Attempt
		a.EndedAt = tx.Now()
		_, err := tx.EndAttempt(a)
		return err
	})
	if err == nil {
		s.Spool.Settle(c.Attempt.ID)
	}
	return err
}
