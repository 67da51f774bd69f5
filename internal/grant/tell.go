package grant

import (
	"strconv"

	"lanyard"
	"lanyard/internal/store"
)

// tell writes an event for every connection whose status or scopes this changes,
// but for the one that the caller speaks of itself. was is the grant's row as it was
// before, read under its lock: what others were told last. More scopes than were asked
// for are an alert (T07).
func (s *Service) tell(tx *store.Tx, was, is lanyard.Grant, except lanyard.ConnectionID) error {
	lost, gained := lanyard.MissingScopes(was.Scopes, is.Scopes), lanyard.MissingScopes(is.Scopes, was.Scopes)
	ch := lanyard.Change{Why: lanyard.CauseRenewal, Reason: is.Reason, Gained: gained, Lost: lost}
	if len(lost)+len(gained) > 0 {
		ch.Why = lanyard.CauseScopes
	}
	if was.Health == is.Health && ch.Why == lanyard.CauseRenewal {
		return nil
	}
	beyond := len(lanyard.MissingScopes(gained, is.Requested))
	held, err := tx.ConnectionsOf(is.ID)
	if err != nil {
		return err
	}
	for _, c := range held {
		if c.State == lanyard.Revoked || c.ID == except {
			continue
		}
		ch.Missing = lanyard.MissingScopes(c.Needed, is.Scopes)
		ch.Was = lanyard.StatusOf(c.State, was.Health, lanyard.MissingScopes(c.Needed, was.Scopes))
		ch.Is = lanyard.StatusOf(c.State, is.Health, ch.Missing)
		if ev, told := c.Changed(ch); told {
			if err := tx.AddEvent(ev); err != nil {
				return err
			}
		}
		if beyond > 0 {
			if err := tx.AddEvent(c.Event(lanyard.EventGrantedBeyond, map[string]string{"count": strconv.Itoa(beyond)})); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) entry(by lanyard.Principal, what lanyard.Action, g lanyard.Grant, a lanyard.Attempt) lanyard.Entry {
	by.Project = g.Project
	e := lanyard.NewEntry(by, what)
	e.App, e.Grant = g.App, g.ID
	e.Detail = map[string]string{"attempt": string(a.ID), "outcome": string(a.Outcome)}
	if a.Error != "" {
		e.Detail["provider_error"] = a.Error
	}
	return e
}
