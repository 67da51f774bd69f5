package webhook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

// told says whether an endpoint of this format is told of an event. Attendee has one
// event of a connection, a Zoom connection that is lost or back, and one of bots; MeetStream has none, so its
// envelope takes them all.
func told(e lanyard.Endpoint, ev lanyard.Event) bool {
	_, _, bot := attendeeBot(ev)
	if e.Bot != "" {
		if e.Format == lanyard.FormatMeetStream {
			_, bot = meetstreamBot(ev)
		}
		return bot && string(e.Bot) == ev.Data["bot_id"]
	}
	if bot {
		return e.Wants(ev.Type)
	}
	if e.Format == lanyard.FormatAttendee && (ev.Data["provider"] != "zoom" || attendeeState(ev) == "") {
		return false
	}
	return e.Wants(ev.Type)
}

// attendeeState is what Attendee would call the connection now, where it calls it
// something else than before: it is lost when only the person can mend it, and back when
// a token can be had again. What is paused is neither, and is told when it is resumed;
// what the customer has deleted is not told, what the person has is.
func attendeeState(ev lanyard.Event) string {
	is, was := lanyard.Status(ev.Data["status"]), lanyard.Status(ev.Data["was"])
	lost := is == lanyard.StatusNeedsReauth || is == lanyard.StatusRevoked
	switch {
	case ev.Type == lanyard.EventConnectionDeleted && ev.Data["by"] != "person":
	case ev.Type == lanyard.EventExpiring || is == lanyard.StatusPaused || was == is:
	case lost:
		return "disconnected"
	case was == lanyard.StatusNeedsReauth || was == lanyard.StatusPaused, ev.Data["replaces"] != "": // the last is one that takes the place of what had ended
		return "connected"
	}
	return ""
}

type attendeeMessage struct {
	IdempotencyKey string            `json:"idempotency_key"`
	ConnectionID   string            `json:"zoom_oauth_connection_id,omitempty"`
	Metadata       map[string]string `json:"zoom_oauth_connection_metadata"`
	UserID         string            `json:"user_id"`
	AccountID      string            `json:"account_id"` // empty where what was read of it is erased
	Trigger        string            `json:"trigger"`
	Data           attendeeData      `json:"data"`
}

type attendeeData struct {
	State   string           `json:"state,omitempty"`
	Failure *attendeeFailure `json:"connection_failure_data"`
	Synced  *string          `json:"last_successful_sync_at"` // when the person's meetings were listed last
	Tried   *string          `json:"last_attempted_sync_at"`
}

type attendeeFailure struct {
	Error     string `json:"error"`
	Timestamp string `json:"timestamp"` // as Python's isoformat has it, and the list of connections
}

// attendee builds a message as Attendee sends it. Its signature is of the body with
// sorted keys and no spaces, which is how the body is sent here, too.
func (s *Service) attendee(ctx context.Context, m *message, ev lanyard.Event, c lanyard.Connection, d lanyard.Delivery, secret lanyard.Secret) (err error) {
	if _, _, bot := attendeeBot(ev); bot {
		return s.attendeeBot(ctx, m, ev, d, secret)
	}
	account := s.account(ctx, c)
	out := attendeeMessage{IdempotencyKey: uuidOf(string(d.Endpoint) + "." + string(ev.ID)), Metadata: c.Metadata,
		UserID: account.ID, AccountID: account.OrganizationID, Trigger: "zoom_oauth_connection.state_change",
		Data: attendeeData{State: attendeeState(ev)}}
	first, err := s.firstOf(ctx, ev, c)
	if err != nil {
		return err
	}
	if first != "" {
		out.ConnectionID = first.Vendor("zoc_")
	}
	if ev.Type == lanyard.EventEndpointTest {
		out.Trigger = string(ev.Type)
	}
	if out.Data.State == "disconnected" {
		out.Data.Failure = &attendeeFailure{lanyard.AttendeeFailure(lanyard.Code(ev.Data["reason"])), micros(ev.At) + "+00:00"}
	}
	listed, err := s.listed(ctx, c.Grant)
	if err != nil {
		return err
	}
	out.Data.Synced, out.Data.Tried = listed, listed
	if m.body, err = canonical(out); err != nil {
		return err
	}
	m.header.Set("X-Webhook-Signature", base64.StdEncoding.EncodeToString(sum(secret.Reveal()[:hmacKey], m.body)))
	return nil
}

// firstOf is the connection by which Attendee's clients know the account of an event's: the
// first of those that came without state and that the customer has not deleted.
func (s *Service) firstOf(ctx context.Context, ev lanyard.Event, c lanyard.Connection) (lanyard.ConnectionID, error) {
	if c.Origin != lanyard.OriginUnbound || !c.DroppedAt.IsZero() {
		return ev.Connection, nil
	}
	first := ev.Connection
	err := s.Store.View(ctx, func(q *store.Query) error {
		all, err := q.Unbound(c.Project, []lanyard.PersonID{c.Person})
		for _, h := range all { // newest first
			if h.Connection.App == c.App && h.Connection.State == lanyard.Revoked {
				first = h.Connection.ID
			}
		}
		return err
	})
	return first, err
}

// listed says when the meetings of a grant's person were listed last; nil: never.
func (s *Service) listed(ctx context.Context, id lanyard.GrantID) (at *string, err error) {
	err = s.Store.View(ctx, func(q *store.Query) error {
		l, err := q.Listing(id)
		if errors.Is(err, lanyard.NotFound) {
			return nil
		}
		if err == nil && !l.ListedAt.IsZero() {
			at = new(micros(l.ListedAt) + "Z")
		}
		return err
	})
	return at, err
}

// micros is how Attendee writes a time, without its zone, which is UTC.
func micros(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000000") }

// canonical is JSON with sorted keys, no spaces, and every character as it is.
func canonical(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var sorted map[string]any // maps are written in the order of their keys
	if err := json.Unmarshal(raw, &sorted); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(sorted); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// uuidOf is a UUID (RFC 9562, version 8) that is the same for the same name.
func uuidOf(name string) string {
	b := sha256.Sum256([]byte(name))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
