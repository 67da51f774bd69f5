package grant

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// scheduled is who renews when nobody waits.
const scheduled = "lanyard:refresh"

// Scheduled is the principal of a renewal that the schedule asks for.
func Scheduled(project lanyard.ProjectID) lanyard.Principal {
	return lanyard.Principal{Project: project, Name: scheduled}
}

// Renew renews a grant that the caller saw at this family and generation, and
// returns it as it then is. Any number of callers cause one call; ctx bounds
// only how long this one waits, and giving up changes nothing (I3).
//
// Errors: refresh_failed, refresh_unconfirmed, app_misconfigured and
// spool_unavailable with RetryAfter, the cause where the person has to act,
// no_refresh_token, app_not_ready, and provider_timeout when ctx ends first.
func (s *Service) Renew(ctx context.Context, seen lanyard.Grant, by lanyard.Principal) (lanyard.Grant, error) {
	return s.fly(ctx, seen, by, false)
}

// fly is Renew; canary is the one call that an app which is stopped may make.
func (s *Service) fly(ctx context.Context, seen lanyard.Grant, by lanyard.Principal, canary bool) (lanyard.Grant, error) {
	key := fmt.Sprintf("%s %s %d", seen.ID, seen.Family, seen.Generation)
	detached := context.WithoutCancel(ctx)
	ch := s.flights.DoChan(key, func() (_ any, err error) {
		defer s.calm(&err)
		leave, err := s.enter()
		if err != nil {
			return seen, err
		}
		defer leave()
		return (&renewal{Service: s, seen: seen, by: by, canary: canary}).run(detached)
	})
	select {
	case r := <-ch:
		g, _ := r.Val.(lanyard.Grant)
		return g, r.Err
	case <-ctx.Done():
		return lanyard.Grant{}, &lanyard.Error{Code: lanyard.CodeProviderTimeout, RetryAfter: 5 * time.Second, Err: ctx.Err()}
	}
}

// calm makes an error of a panic: on a goroutine of its own it would end the
// process, and with it every call that is under way. Its value may be anything,
// a secret too, so only runtime errors are logged in words.
func (s *Service) calm(err *error) {
	v := recover()
	if v == nil {
		return
	}
	what := fmt.Sprintf("%T", v)
	if e, ok := v.(runtime.Error); ok {
		what = e.Error()
	}
	s.Logger.Error("panic in a call to a provider", "panic", what, "stack", string(debug.Stack()))
	*err = fmt.Errorf("grant: panic: %s", what)
}

// parse reads an answer. Where that is beyond us, because of a bug, it is no
// verdict about anybody (I10).
func (s *Service) parse(t *provider.Target, kind lanyard.AttemptKind, a provider.Answer) provider.Result {
	r := provider.Result{Outcome: lanyard.OutcomeUnknown, Error: "not_readable", Reason: lanyard.CodeProviderUnavailable}
	var bug error
	func() {
		defer s.calm(&bug)
		_ = fault.At(context.Background(), fault.GrantParse)
		r = t.Parse(kind, a)
	}()
	return r
}

// dated has the life of what an answer brings counted by the clock that it is
// compared with later, the database's, from just before the call: a node whose own
// clock is wrong takes no dead token for a living one (T40).
func dated(a lanyard.Attempt, answer provider.Answer) provider.Answer {
	answer.SentAt = a.StartedAt
	return answer
}

// fence is when calls on an attempt must have ended, by this process's own
// clock: taken before the claim, so that a process that slept for longer than its
// lease does not send what another node has sent meanwhile (I2).
func fence(t *provider.Target) time.Time { return time.Now().Add(t.Deadline) }

// renewal is one renewal under way.
type renewal struct {
	*Service
	seen   lanyard.Grant
	by     lanyard.Principal
	canary bool

	closely bool // the app has changed since a glance at it
	g       lanyard.Grant
	ready   app.Ready
	a       lanyard.Attempt
	until   time.Time // fence

	postponed error // why no attempt was written, although the claim was committed
}

// errBehind undoes a claim that the database may not be believed about yet.
var errBehind = errors.New("the database may be behind")

// errAgain means that the app was changed between look and claim.
var errAgain = errors.New("the app has changed")

func (r *renewal) run(ctx context.Context) (lanyard.Grant, error) {
	for tries := 0; ; tries++ {
		r.closely = tries > 0
		g, err := r.once(ctx)
		if errors.Is(err, lanyard.CodeNoRefreshToken) {
			return r.ended(ctx)
		}
		if !errors.Is(err, errAgain) {
			return g, err
		}
		if tries == 3 {
			return g, later(lanyard.CodeRefreshFailed, time.Second)
		}
	}
}

// once does all that must be there before a call (I2), then claims, calls, keeps.
func (r *renewal) once(ctx context.Context) (lanyard.Grant, error) {
	if err := r.look(ctx); err != nil || moved(r.g, r.seen) {
		return r.g, err
	}
	waiting, stop := context.WithCancel(ctx) // a planned stop does not wait for those who wait for their turn
	defer stop()
	defer context.AfterFunc(r.stop, stop)()
	leave, err := r.Gate.Enter(waiting, Ask{App: r.g.App, Project: r.g.Project, Host: r.ready.Target.TokenHost(), Rank: r.g.Rank, Waiting: r.by.Name != scheduled,
		Class: string(r.ready.Target.Class), Rate: r.ready.Target.RenewalsPerSecond})
	if err != nil {
		return r.g, err
	}
	out := provider.Result{Outcome: lanyard.OutcomeDropped} // no call was made
	defer func() { leave(out.Outcome, out.RetryAfter) }()
	receiver, err := r.receiver(ctx, r.g.Project) // not before it is this one's turn: a thousand who wait would take a gigabyte of the disk
	if err != nil {
		return r.g, err
	}
	defer receiver.release()
	if ok, err := r.swiftly(ctx); err != nil {
		return r.g, err
	} else if !ok {
		if err := r.claim(ctx); err != nil || r.a.ID == "" {
			return r.g, err
		}
	}
	defer r.hold(r.a.ID)()
	_ = fault.At(ctx, fault.GrantClaimed)
	old, err := r.Tokens(ctx, r.g)
	if err != nil {
		return r.g, errors.Join(err, r.abandon(ctx, r.a, "sealed_tokens"))
	}
	if out, err = r.call(ctx, old.Refresh, receiver); err != nil {
		return r.g, err
	}
	r.a.Outcome, r.a.Error = out.Outcome, out.Error
	defer func() { _ = fault.At(ctx, fault.GrantPublish) }()
	if fresh, ok := pick(out, r.g.Kind); ok {
		return r.keep(ctx, old, fresh)
	}
	return r.fail(ctx, old, out)
}

// call sends the refresh token, with the app's next secret where the provider does
// not take the first: such an answer spends nothing. Nothing is sent when the claim has
// taken so long that the answer might come after the fence, when nobody hears it.
func (r *renewal) call(ctx context.Context, refresh lanyard.Secret, receiver *receiver) (result provider.Result, err error) {
	t := r.ready.Target
	for i, cred := range r.ready.Credentials {
		if i > 0 {
			if receiver.ready() != nil {
				break // what the first said stands
			}
			r.until = fence(t)
			if r.a, err = r.again(ctx, r.a, result); err != nil {
				return result, err
			}
			defer r.hold(r.a.ID)()
		}
		if time.Until(r.until) < t.Deadline/2 {
			return provider.Result{Outcome: lanyard.OutcomeDropped}, errors.Join(later(lanyard.CodeRefreshFailed, time.Second), r.abandon(ctx, r.a, "claim_took_long"))
		}
		call, stop := context.WithDeadline(ctx, r.until)
		answer := dated(r.a, t.Refresh(call, cred, refresh))
		stop()
		receiver.keep(r.a, answer)
		result = r.mine(t, r.ready.App, r.g, r.parse(t, lanyard.AttemptRefresh, answer))
		r.a.Status, r.a.RequestID = answer.Status, answer.RequestID
		if result.Outcome != lanyard.OutcomeAppError {
			break
		}
	}
	return result, nil
}

// look reads what there is, and says why nothing can be done now: without a write,
// as for most of the time that a provider is down. Where the schedule has just looked
// at the app, that will do: the claim looks at everything once more.
func (r *renewal) look(ctx context.Context) error {
	quick := r.by.Name == scheduled && !r.canary
	if quick && !r.closely && r.glances.at(r.seen.App, &r.ready) {
		r.g = r.seen
		return nil
	}
	began := time.Now()
	err := r.lookClosely(ctx)
	if quick && err == nil && r.ready.Target != nil {
		r.glances.note(r.seen.App, r.ready, began)
	}
	return err
}

func (r *renewal) lookClosely(ctx context.Context) error {
	return r.Store.View(ctx, func(q *store.Query) error {
		x, err := q.Renewable(r.seen.Project, r.seen.ID)
		if r.g = x.Grant; err != nil || moved(r.g, r.seen) {
			return err
		}
		now, err := q.Now()
		if err != nil {
			return err
		}
		if err := r.refusal(r.g, now); err != nil {
			return err
		}
		own, b := x.App, x.Breaker
		if stopped(b) && !r.canary && (r.by.Name == scheduled || !mayProbe(b, own.ConfigVersion, now)) {
			return later(b.Reason, b.ProbeAt.Sub(now))
		}
		if err := r.early(r.g, now); err != nil {
			return err
		}
		r.ready, err = r.Apps.Open(ctx, own)
		return err
	})
}

// claim takes the lease and writes the intent (I1). An attempt without ID means
// that there is nothing to do: the grant has moved on since it was seen.
func (r *renewal) claim(ctx context.Context) error {
	t := r.ready.Target
	// The holder of the lease ends by its deadline; if it has died, the lease runs out.
	patience := time.Now().Add(2 * lease(t))
	for {
		var busy, forgotten bool
		r.until = fence(t)
		err := r.Store.Claim(ctx, r.seen.Project, r.seen.ID, r.Node, lease(t), func(tx *store.Tx, ok bool, is store.Claimed) error {
			busy, forgotten, r.postponed = false, false, nil
			if r.stop.Err() != nil {
				return stopping()
			}
			r.g = is.Grant
			if behind, err := r.behind(tx); err != nil || behind {
				return cmp.Or(err, errBehind)
			}
			switch {
			case moved(r.g, r.seen):
				if ok {
					return tx.ReleaseGrant(r.g.ID, r.Node)
				}
				return nil
			case !ok:
				busy = true
				return nil
			}
			if forgotten = t.Class.Rotates() && r.Spool.Marked(r.g.ID).After(r.g.RefreshedAt); forgotten {
				return r.setBack(tx)
			}
			return r.intend(tx, is, tx.Now())
		})
		if errors.Is(err, errBehind) {
			busy, err = true, nil
		}
		if r.outage.failed(err); err != nil {
			r.unsent.note(r.a.ID)
		}
		if err == nil && forgotten {
			err = lanyard.Errorf(lanyard.CodeRestored, "")
		}
		if err == nil && r.postponed != nil {
			err = r.postponed
		}
		if err == nil && busy && time.Now().After(patience) {
			err = later(lanyard.CodeRefreshFailed, time.Minute)
		}
		if err != nil || !busy {
			return err
		}
		select { // another node renews it: look again until it has
		case <-time.After(200 * time.Millisecond):
		case <-r.stop.Done():
		}
	}
}

// intend writes the attempt, if everything is as it was when it was looked at.
func (r *renewal) intend(tx *store.Tx, is store.Claimed, now time.Time) (err error) {
	if err := r.refusal(r.g, now); err != nil {
		return err
	}
	if is.ConfigVersion != r.ready.App.ConfigVersion {
		return errAgain
	}
	b := lanyard.Breaker{}
	if is.Breaker != lanyard.BreakerClosed {
		if b, err = tx.Breaker(r.g.App); err != nil {
			return err
		}
	}
	if stopped(b) && !r.canary { // whoever waits may be the one call that is let through
		ok := false
		if r.by.Name != scheduled {
			if ok, err = r.takeProbe(tx, b, is.ConfigVersion, now); err != nil {
				return err
			}
		}
		if !ok {
			return later(b.Reason, b.ProbeAt.Sub(now))
		}
	}
	if err := r.early(r.g, now); err != nil {
		return err
	}
	t := r.ready.Target
	if is.Tried || r.g.Health != lanyard.Healthy { // most are neither: then there is nothing to ask
		attempts, err := attemptsOn(tx, r.g)
		if err != nil {
			return err
		}
		if at := r.pace.mayTryAt(t, History{Attempts: attempts}, r.g.AccessExpires, now); at.After(now) {
			return r.postpone(tx, History{Attempts: attempts}, at, now)
		}
		if (History{Attempts: attempts}).holding() {
			_ = fault.At(context.Background(), fault.GrantTakeover)
		}
	}
	r.a = r.attempt(r.g, now)
	return tx.AddAttempt(r.a)
}

// attempt is a call for what a grant has, from now on.
func (r *renewal) attempt(g lanyard.Grant, now time.Time) lanyard.Attempt {
	t := r.ready.Target
	return lanyard.Attempt{ID: lanyard.NewID[lanyard.AttemptID]("att_"), Project: g.Project, App: g.App, Grant: g.ID,
		Kind: lanyard.AttemptRefresh, Family: g.Family, Generation: g.Generation, Node: r.Node,
		StartedAt: now, Deadline: now.Add(t.Deadline), Class: string(t.Class)}
}

// swiftly is claim where nothing is out of the ordinary, in one statement. False: that
// is not so, and nothing was written.
func (r *renewal) swiftly(ctx context.Context) (bool, error) {
	run, current := r.allOn.Load().(string)
	if r.canary || !current || r.outage.lasts() {
		return false, nil
	}
	if r.stop.Err() != nil {
		return false, stopping()
	}
	t := r.ready.Target
	r.until = fence(t)
	c := store.Swift{Grant: r.seen, ConfigVersion: r.ready.App.ConfigVersion, Incarnation: run, Life: lease(t), Patience: t.Deadline,
		Attempt: r.attempt(r.seen, time.Time{})}
	if t.Class.Rotates() {
		c.Renewed = r.Spool.Marked(r.seen.ID)
	}
	ok, g, began, err := r.Store.SwiftClaim(ctx, c)
	if r.outage.failed(err); err != nil || !ok {
		if err != nil {
			r.unsent.note(c.Attempt.ID)
		}
		return false, err
	}
	r.g, r.a = g, c.Attempt
	r.a.StartedAt, r.a.Deadline = began, began.Add(t.Deadline)
	return true, nil
}

// postpone plans the next try for when the class allows it.
func (r *renewal) postpone(tx *store.Tx, h History, at, now time.Time) error {
	next := r.pace.postponed(r.ready.Target, r.g, h, at, now)
	if _, err := tx.PutGrantHealth(next, r.g.Family, r.g.Generation); err != nil {
		return err
	}
	if err := r.tell(tx, r.g, next, ""); err != nil {
		return err
	}
	r.postponed = later(lanyard.CodeRefreshFailed, at.Sub(now))
	return tx.ReleaseGrant(r.g.ID, r.Node)
}

// setBack notes that the database holds an older row of the grant than it once
// did: the refresh token in it may be spent, and is not sent (T14).
func (r *renewal) setBack(tx *store.Tx) error {
	next := r.g
	next.Health, next.Reason, next.RetryAt, next.Lease = lanyard.Degraded, lanyard.CodeRestored, time.Time{}, lanyard.Lease{}
	next.RefreshAt = time.Time{}
	if _, err := tx.PutGrantHealth(next, r.g.Family, r.g.Generation); err != nil {
		return err
	}
	if err := r.tell(tx, r.g, next, ""); err != nil {
		return err
	}
	return tx.ReleaseGrant(r.g.ID, r.Node)
}

// moved says whether a grant has other tokens than when it was seen.
func moved(g, seen lanyard.Grant) bool {
	return g.Family != seen.Family || g.Generation != seen.Generation
}

// refusal is why a grant must not be renewed now. What was called dead is tried
// again by the schedule alone.
func (r *renewal) refusal(g lanyard.Grant, now time.Time) error {
	quietly := r.by.Name == scheduled && !g.RefreshAt.IsZero() && !g.RefreshAt.After(now)
	switch {
	case g.Health == lanyard.Dead && !quietly:
		return lanyard.Errorf(g.Reason, "")
	case !g.HasRefresh:
		return lanyard.Errorf(lanyard.CodeNoRefreshToken, "")
	case g.Health == lanyard.Degraded && g.Reason == lanyard.CodeRestored:
		return lanyard.Errorf(lanyard.CodeRestored, "")
	}
	return nil
}

// early is why it is too early for another try.
func (r *renewal) early(g lanyard.Grant, now time.Time) error {
	if !g.RetryAt.After(now) || r.canary {
		return nil
	}
	code := lanyard.CodeRefreshFailed
	if g.Reason == lanyard.CodeRefreshUnconfirmed {
		code = g.Reason
	}
	return later(code, g.RetryAt.Sub(now))
}

func later(code lanyard.Code, d time.Duration) error {
	return &lanyard.Error{Code: code, RetryAfter: max(d, time.Second)}
}

// again ends an attempt that the provider refused for the app's secret, and
// begins the next with the other secret: such an answer spends neither refresh
// token nor code.
func (s *Service) again(ctx context.Context, a lanyard.Attempt, r provider.Result) (lanyard.Attempt, error) {
	next := a
	next.ID, next.Status, next.RequestID = lanyard.NewID[lanyard.AttemptID]("att_"), 0, ""
	life := a.Deadline.Sub(a.StartedAt)
	err := s.insist(ctx, func() error {
		return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
			a.EndedAt, a.Outcome, a.Error = tx.Now(), r.Outcome, r.Error
			if _, err := tx.EndAttempt(a); err != nil {
				return err
			}
			next.StartedAt, next.Deadline = tx.Now(), tx.Now().Add(life)
			return tx.AddAttempt(next)
		})
	})
	if err != nil {
		s.unsent.note(next.ID)
	}
	return next, err
}

// pick finds the credential of this kind among those of one answer.
func pick(r provider.Result, kind string) (lanyard.TokenSet, bool) {
	if r.Outcome != lanyard.OutcomeOK && r.Outcome != lanyard.OutcomePartial {
		return lanyard.TokenSet{}, false
	}
	for _, i := range r.Tokens {
		if i.Kind == kind || len(r.Tokens) == 1 {
			return i.Tokens, true
		}
	}
	return lanyard.TokenSet{}, false
}
