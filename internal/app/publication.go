package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// errKnown ends a transaction in which nothing is to be written.
var errKnown = errors.New("known already")

// Refuted notes that a meeting turned away a bot of this app with a code of a Meeting
// SDK that speaks against its approval (lanyard.Refutes; any other code changes
// nothing). The caller has seen to it that p speaks for a bot of this app, which had its
// join tokens. It counts until the operator declares anew. Errors: not_found.
func (s *Service) Refuted(ctx context.Context, p lanyard.Principal, id lanyard.AppID, code string) error {
	if !lanyard.Refutes(code) {
		return nil
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		a, err := tx.App(p.Project, id)
		if err != nil {
			return lanyard.Entry{}, err
		}
		was, _ := a.Publication()
		next := a
		next.Refuted, next.RefutedAt = code, tx.Now()
		if is, _ := next.Publication(); was == lanyard.PublishedNo || is == was {
			return lanyard.Entry{}, errKnown // as one bot after the other is turned away
		}
		e := describe(lanyard.NewEntry(p, lanyard.ActAppChanged), a, "refuted")
		e.Detail["sdk_code"] = code
		return e, tx.RefuteApp(p.Project, id, code)
	})
	if errors.Is(err, errKnown) {
		return nil
	}
	return err
}

// publication is the line of Check about it; none for a provider without meetings.
func (s *Service) publication(a lanyard.App, t *provider.Target) []Line {
	if !s.Signs(a) {
		return nil
	}
	l := Line{What: "approval by " + t.Name, State: provider.CheckUnknown}
	is, refuted := a.Publication()
	on := a.RefutedAt.UTC().Format(time.DateOnly)
	switch {
	case is == lanyard.PublishedNo && refuted:
		l.State = provider.CheckRefused
		l.How = fmt.Sprintf("by %s: on %s a bot of this app was kept out of another account's meeting (%s); have the app reviewed, then say so with `lanyard app update --published yes`", t.Name, on, a.Refuted)
	case is == lanyard.PublishedNo:
		l.How = "you have declared that it is not approved: its bots get into meetings of the app owner's own account, and no others"
	case refuted:
		l.How = fmt.Sprintf("you have declared that it is approved, and on %s a bot that had its tokens was turned away as a stranger all the same (%s); look at the app at %s, then declare again", on, a.Refuted, t.Name)
	case is == lanyard.PublishedYes:
		l.How = fmt.Sprintf("%s does not say it; you have declared on %s that it is approved, and no meeting has spoken against that", t.Name, a.PublishedAt.UTC().Format(time.DateOnly))
	default:
		l.How = t.Name + " does not say it; bots get into other accounts' meetings only if it is: say what you know with `lanyard app update --published yes` (or no)"
	}
	return []Line{l}
}
