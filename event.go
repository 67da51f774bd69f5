package lanyard

import (
	"strings"
	"time"
)

// EventType names what customers are told: connection.revoked and so on. What each
// means, and what is said with it, is in docs/webhooks.md.
type EventType string

const (
	EventConnectionCreated     EventType = "connection.created"
	EventConnectionReconnected EventType = "connection.reconnected" // its person has consented again
	EventRecovered             EventType = "connection.recovered"   // works again, and its person had to do nothing
	EventPartial               EventType = "connection.partial"     // works, and a scope that it needs is gone
	EventScopesChanged         EventType = "connection.scopes_changed"
	EventDegraded              EventType = "connection.degraded"
	EventNeedsReauth           EventType = "connection.needs_reauth"
	EventPaused                EventType = "connection.paused"
	EventResumed               EventType = "connection.resumed"
	EventConnectionRevoked     EventType = "connection.revoked" // the provider has told us that the consent is over
	EventConnectionDeleted     EventType = "connection.deleted" // let go of by the customer or the person
	EventExpiring              EventType = "connection.expiring"

	EventAppMisconfigured EventType = "app.misconfigured"
	EventAppRecovered     EventType = "app.recovered"

	EventGrantedBeyond   EventType = "security.granted_beyond_request" // more scopes than were asked for (T07)
	EventEndUserMismatch EventType = "security.end_user_mismatch"      // a completion came for another end user (T01)
	EventSubjectChanged  EventType = "security.subject_changed"        // a renewal brought another account's tokens
	EventAccountAlert    EventType = "security.account_alert"          // the provider says that something has happened to the account
	EventGrantConflict   EventType = "security.possible_grant_conflict"
	EventRejectionStorm  EventType = "security.rejection_storm"
	EventTampered        EventType = "security.tampered"

	EventBotScheduled        EventType = "bot.scheduled"
	EventBotReady            EventType = "bot.ready"
	EventBotJoining          EventType = "bot.joining"
	EventBotWaitingForPerson EventType = "bot.waiting_for_person"
	EventBotWaitingRoom      EventType = "bot.waiting_room"
	EventBotJoined           EventType = "bot.joined"
	EventBotLeft             EventType = "bot.left"
	EventBotFailed           EventType = "bot.failed"
	EventBotCancelled        EventType = "bot.cancelled"

	EventEndpointDisabled EventType = "endpoint.disabled"
	EventEndpointTest     EventType = "endpoint.test" // asked for, and told to one endpoint only
)

// EventTypes lists every type, in the order they are shown.
var EventTypes = []EventType{EventConnectionCreated, EventConnectionReconnected, EventRecovered, EventPartial, EventScopesChanged, EventDegraded,
	EventNeedsReauth, EventPaused, EventResumed, EventConnectionRevoked, EventConnectionDeleted, EventExpiring, EventAppMisconfigured, EventAppRecovered,
	EventGrantedBeyond, EventEndUserMismatch, EventSubjectChanged, EventAccountAlert, EventGrantConflict, EventRejectionStorm, EventTampered,
	EventBotScheduled, EventBotReady, EventBotJoining, EventBotWaitingForPerson, EventBotWaitingRoom, EventBotJoined, EventBotLeft, EventBotFailed, EventBotCancelled,
	EventEndpointDisabled, EventEndpointTest}

// Matching returns the types that a filter names: one type, or "noun.*" for those of a
// noun. None: it names nothing that there is.
func (t EventType) Matching() (out []EventType) {
	for _, is := range EventTypes {
		if t.matches(is) {
			out = append(out, is)
		}
	}
	return out
}

func (t EventType) matches(is EventType) bool {
	noun, all := strings.CutSuffix(string(t), ".*")
	return t == is || all && strings.HasPrefix(string(is), noun+".")
}

// ValidFilter says whether t is an event type, or "noun.*" for the types of a noun.
func (t EventType) ValidFilter() bool { return len(t.Matching()) > 0 }

// Event is a row of the outbox, written in the transaction of the change. Data
// is thin: ids and states, never tokens or personal data.
type Event struct {
	ID         EventID
	Project    ProjectID
	At         time.Time
	Type       EventType
	Connection ConnectionID
	Data       map[string]string
}

// Cause is why a connection is looked at again.
type Cause string

const (
	CauseRenewal Cause = "renewal" // renewing worked or did not, or the provider told us something; also by others who hold the grant
	CauseScopes  Cause = "scopes"  // the same, and other scopes came with it
	CauseConsent Cause = "consent" // the person has connected this one
	CauseWish    Cause = "wish"    // of the customer or the person: pause, resume, delete
	CauseEnded   Cause = "ended"   // the provider has told us that the consent is over
)

// EventOf is the one place that says what a customer is told of a connection that was
// worth this and is worth that: one event for a change, and none for what stays as it
// was. was is empty for a connection that is new. It is pure.
func EventOf(was, is Status, why Cause) EventType {
	switch {
	case was == StatusRevoked: // for good; nothing follows
		return ""
	case was == "":
		return EventConnectionCreated
	case is == StatusRevoked && why == CauseWish:
		return EventConnectionDeleted
	case is == StatusRevoked:
		return EventConnectionRevoked
	case why == CauseConsent: // also where it worked before
		return EventConnectionReconnected
	case was == is && why == CauseScopes:
		return EventScopesChanged
	case was == is:
		return ""
	case is == StatusPaused:
		return EventPaused
	case was == StatusPaused:
		return EventResumed
	case is == StatusNeedsReauth:
		return EventNeedsReauth
	case is == StatusDegraded:
		return EventDegraded
	case was == StatusNeedsReauth || was == StatusDegraded:
		return EventRecovered
	case is == StatusPartial:
		return EventPartial
	}
	return EventScopesChanged // nothing is missing any more
}

// Change is what has happened to a connection.
type Change struct {
	Was, Is      Status
	Why          Cause
	Reason       Code     // of what Is is worth, where there is one
	Missing      []string // needed scopes that are not granted now
	Gained, Lost []string // granted scopes
}

// Changed makes the event of a change. False: there is nothing to tell.
func (c Connection) Changed(ch Change) (Event, bool) {
	t := EventOf(ch.Was, ch.Is, ch.Why)
	if t == "" {
		return Event{}, false
	}
	e := c.Event(t, map[string]string{"status": string(ch.Is)})
	for name, value := range map[string]string{"was": string(ch.Was), "scopes_missing": strings.Join(ch.Missing, " "),
		"gained": strings.Join(ch.Gained, " "), "lost": strings.Join(ch.Lost, " ")} {
		if value != "" {
			e.Data[name] = value
		}
	}
	switch ch.Is {
	case StatusDegraded, StatusNeedsReauth, StatusRevoked:
		if ch.Reason != "" {
			e.Data["reason"] = string(ch.Reason)
		}
	}
	return e, true
}

// Event makes an event about a connection.
func (c Connection) Event(t EventType, data map[string]string) Event {
	data["provider"] = c.Provider
	return Event{ID: NewID[EventID]("evt_"), Project: c.Project, Type: t, Connection: c.ID, Data: data}
}
