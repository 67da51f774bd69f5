package grant

import (
	"strconv"
	"strings"

	"lanyard"
	"lanyard/internal/store"
)

// tell writes an event for every connection whose status or scopes this changes,
// but for the one that the caller speaks of itself. More scopes than were asked
// for are an alert (T07).
func (s *Service) tell(tx *store.Tx, was, is lanyard.Grant, except lanyard.ConnectionID) error {
	lost, gained := lanyard.MissingScopes(was.Scopes, is.Scopes), lanyard.MissingScopes(is.Scopes, was.Scopes)
	if was.Health == is.Health && len(lost)+len(gained) == 0 {
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
		old := lanyard.StatusOf(c.State, was.Health, lanyard.MissingScopes(c.Needed, was.Scopes))
		now := lanyard.StatusOf(c.State, is.Health, lanyard.MissingScopes(c.Needed, is.Scopes))
		var events []lanyard.Event
		add := func(t lanyard.EventType, data map[string]string) {
			data["provider"] = c.Provider
			events = append(events, lanyard.Event{ID: lanyard.NewID[lanyard.EventID]("evt_"), Project: c.Project, Type: t, Connection: c.ID, Data: data})
		}
		if len(lost)+len(gained) > 0 {
			add(lanyard.EventScopesChanged, map[string]string{"gained": strings.Join(gained, " "), "lost": strings.Join(lost, " ")})
		}
		if beyond > 0 {
			add(lanyard.EventSecurity, map[string]string{"what": "granted_beyond_request", "count": strconv.Itoa(beyond)})
		}
		data := map[string]string{"status": string(now), "was": string(old), "reason": string(is.Reason)}
		switch {
		case old == now:
		case now == lanyard.StatusNeedsReauth:
			add(lanyard.EventNeedsReauth, data)
		case old == lanyard.StatusNeedsReauth && was.Family == is.Family: // the provider took its no back
			add(lanyard.EventRecovered, data)
		default:
			add(lanyard.EventConnectionUpdated, data)
		}
		for _, ev := range events {
			if err := tx.AddEvent(ev); err != nil {
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
