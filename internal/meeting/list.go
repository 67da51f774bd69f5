package meeting

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/connection"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

const (
	look    = time.Second
	atOnce  = 2               // lists that one node makes
	inARow  = 5               // in one run of the task: it does not keep a stop waiting
	lease   = 3 * time.Minute // longer than a list takes
	pages   = 10              // of one list
	slack   = time.Minute     // what was noticed so shortly before a list is newer: clocks differ
	callFor = 2 * time.Minute // all calls of one list
)

// list makes the lists that are due, one after the other.
func (s *Service) list(ctx context.Context) error {
	var failed []error
	for range inARow {
		if s.Hold() != nil || ctx.Err() != nil {
			break
		}
		l, err := s.claim(ctx)
		if err != nil || l.Grant == "" {
			return errors.Join(append(failed, err)...)
		}
		if err := s.one(ctx, l); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// claim takes one that is due; other nodes leave it alone until its lease ends. A
// database that is away is not worth a line a second.
func (s *Service) claim(ctx context.Context) (l lanyard.Listing, err error) {
	due := false
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		due, err = q.ListingDue(s.Store.Clock())
		return err
	})
	if err == nil && due {
		err = s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
			claimed, err := tx.ClaimListings(tx.Now().Add(lease), 1)
			if len(claimed) > 0 {
				l = claimed[0]
			}
			return err
		})
	}
	if errors.Is(err, lanyard.Unavailable) {
		return lanyard.Listing{}, nil
	}
	return l, err
}

// round is one list that is being made.
type round struct {
	lanyard.Listing
	was        lanyard.Listing
	app        lanyard.App
	grant      lanyard.Grant
	connection lanyard.Connection
	target     *provider.Target
	code       Lister
	issuer     string
	at         time.Time // what is said is as of then
	called     bool      // the person's token was used
	found      int
	whole      bool
}

// one makes a list, and notes how that went.
func (s *Service) one(ctx context.Context, l lanyard.Listing) error {
	r := &round{Listing: l, was: l}
	err := s.make(ctx, r)
	if errors.Is(err, errLost) || ctx.Err() != nil {
		return nil // the grant is gone; or another node goes on when the lease ends
	}
	return s.end(ctx, r, err)
}

// errLost says that a lease is not ours any more.
var errLost = errors.New("the lease is lost")

func (s *Service) make(ctx context.Context, r *round) error {
	if err := s.ready(ctx, r); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, callFor)
	defer stop()
	r.at = s.Store.Clock().Add(-slack)
	var who provider.MeetingAccount
	scopes, err := s.call(ctx, r, func(tokens lanyard.TokenSet) (err error) {
		who, err = r.code.MeetingAccount(ctx, r.target, tokens)
		return err
	})
	if err != nil {
		return err
	}
	is := s.account(r.app, r.issuer, who.Subject)
	if len(r.Account) > 0 && !bytes.Equal(is, r.Account) {
		return lanyard.Errorf(lanyard.CodeProviderAnswerInvalid, "the list is of another account than was connected")
	}
	r.Account = is
	first := []provider.ListedMeeting{}
	if who.Personal != "" {
		first = append(first, provider.ListedMeeting{Number: who.Personal, Personal: true})
	}
	if err := s.keep(ctx, r, first); err != nil {
		return err
	}
	wanted := r.code.MeetingScopes()
	if !slices.ContainsFunc(scopes, func(sc string) bool { return slices.Contains(wanted, sc) }) {
		return &lanyard.Error{Code: lanyard.CodeScopesMissing, MissingScopes: wanted[:1]}
	}
	next := ""
	for range pages {
		var page provider.MeetingPage
		if _, err := s.call(ctx, r, func(tokens lanyard.TokenSet) (err error) {
			page, err = r.code.ListMeetings(ctx, r.target, tokens, next)
			return err
		}); err != nil {
			return err
		}
		if err := s.keep(ctx, r, page.Meetings); err != nil {
			return err
		}
		r.found += len(page.Meetings)
		if page.Next == "" || page.Next == next {
			r.whole = page.Next == ""
			break
		}
		next = page.Next
	}
	return nil
}

// ready finds what a list needs: a connection that may be used, of a provider that lists.
func (s *Service) ready(ctx context.Context, r *round) error {
	var held []lanyard.Connection
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		if r.grant, err = q.Grant(r.Project, r.Listing.Grant); err != nil {
			return err
		}
		if held, err = q.ConnectionsOf(r.grant.ID); err != nil {
			return err
		}
		r.app, err = q.App(r.Project, r.App)
		return err
	})
	if errors.Is(err, lanyard.NotFound) {
		return errLost
	}
	if err != nil {
		return err
	}
	live := slices.IndexFunc(held, func(c lanyard.Connection) bool { return c.State == lanyard.Live })
	if live < 0 {
		return lanyard.Errorf(lanyard.CodeConnectionPaused, "")
	}
	r.connection = held[live]
	var ready app.Ready
	if ready, err = s.Apps.Open(ctx, r.app); err != nil {
		return err
	}
	r.target, r.issuer = ready.Target, ready.Target.Namespace()
	var ok bool
	if r.code, ok = r.target.Ability().(Lister); !ok {
		return lanyard.Errorf(lanyard.CodeAbilityMissing, "")
	}
	return nil
}

// call calls the provider with the person's access token, and says which scopes it has.
// One that the provider refuses is renewed once.
func (s *Service) call(ctx context.Context, r *round, do func(lanyard.TokenSet) error) ([]string, error) {
	p := lanyard.Principal{Project: r.Project, Name: "lanyard"}
	for again := false; ; again = true {
		t, err := s.Connections.Use(ctx, p, r.connection.ID, connection.TokenRequest{Quiet: true})
		if err != nil {
			return nil, err
		}
		r.called = true
		err = do(lanyard.TokenSet{Access: t.Access, TokenType: t.TokenType, APIBase: t.APIBase, Scopes: t.Scopes})
		if errors.Is(err, provider.ErrTokenRefused) && !again {
			if err := s.Connections.Refused(ctx, p, r.connection.ID, t.Fingerprint); err != nil {
				return nil, err
			}
			continue
		}
		return t.Scopes, err
	}
}

// keep writes a page of a list. A grant that ended meanwhile has none.
func (s *Service) keep(ctx context.Context, r *round, page []provider.ListedMeeting) error {
	return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		if ours, err := tx.HoldListing(r.Listing); err != nil || !ours {
			return errors.Join(err, lost(ours))
		}
		for _, one := range page {
			host := r.Account
			if one.Host != "" {
				host = s.account(r.app, r.issuer, one.Host)
			}
			if !bytes.Equal(host, r.Account) {
				continue // planned for somebody else, who hosts it: theirs to list
			}
			m, err := known(tx, r.app, s.key(r.Project, r.issuer, one.Number))
			if err != nil {
				return err
			}
			if m, ok := said(m, fact{at: r.at, host: host, personal: one.Personal, listed: true, keep: keepUntil(one.Ends, tx.Now())}); ok {
				if err := tx.PutMeeting(m); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func lost(ours bool) error {
	if ours {
		return nil
	}
	return errLost
}

// end notes how a list went, and when the next is made.
func (s *Service) end(ctx context.Context, r *round, cause error) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	err := s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		now, l := tx.Now(), r.Listing
		l.Code, l.Tries = "", 0
		if cause != nil {
			l.Code = lanyard.CodeOf(cause)
		}
		if cause == nil || l.Code == lanyard.CodeScopesMissing {
			l.ListedAt = now
		}
		if passes(l.Code) {
			l.Tries = r.Tries + 1
		}
		l.ListAt = now.Add(s.scaled(next(l, r.grant, cause, now)))
		if missing := l.Code == lanyard.CodeScopesMissing && r.called; r.whole && cause == nil || missing {
			if _, err := tx.LoseMeetings(r.App, r.Account, r.at, now.Add(goneFor), missing); err != nil {
				return lanyard.Entry{}, err
			}
		}
		if ours, err := tx.EndListing(l, r.LeaseUntil, r.was.ListAt); err != nil || !ours {
			return lanyard.Entry{}, errors.Join(err, lost(ours))
		}
		if !r.called || cause != nil && l.Code == r.Code { // that it still does not work is not news
			return lanyard.Entry{}, nil
		}
		return s.entry(r, cause), nil
	})
	if errors.Is(err, errLost) {
		return nil
	}
	return err
}
