package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

// message is an event as it goes to one endpoint, at one moment.
type message struct {
	body    []byte
	header  http.Header
	secrets []string // texts of ours that an answer may repeat, and that are not kept
}

// standard is what a message holds by Standard Webhooks.
type standard struct {
	Type      lanyard.EventType `json:"type"`
	Timestamp time.Time         `json:"timestamp"` // of the event, on every try
	Data      map[string]string `json:"data"`
}

// message builds and signs what an endpoint is sent of an event now. Links in it are
// fresh on every try.
func (s *Service) message(ctx context.Context, e lanyard.Endpoint, d lanyard.Delivery) (m message, err error) {
	var ev lanyard.Event
	var c lanyard.Connection
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		if ev, err = q.Event(d.Project, d.Event); err != nil || ev.Connection == "" {
			return err
		}
		if c, _, err = q.Connection(ev.Project, ev.Connection); errors.Is(err, lanyard.NotFound) {
			err = nil // it is gone, and what happened to it is told all the same
		}
		return err
	})
	if err != nil {
		return m, fmt.Errorf("read the event: %w", err)
	}
	secrets, err := s.secrets(ctx, e)
	if err != nil {
		return m, err
	}
	data := s.data(ev, c)
	m.header = http.Header{"Content-Type": {"application/json"}}
	at := s.Store.Clock()
	switch e.Format {
	case lanyard.FormatAttendee:
		m.header.Set("User-Agent", "Attendee-Webhook/1.0") // which receivers may let in by
		err = s.attendee(ctx, &m, ev, c, d, secrets[0])
	case lanyard.FormatMeetStream:
		err = s.meetstream(ctx, &m, e, ev, c, data, at, shown(e.Format, secrets[0]))
	default:
		if m.body, err = json.Marshal(standard{ev.Type, ev.At.UTC(), data}); err == nil {
			sign(m.header, string(ev.ID), at, m.body, secrets)
		}
	}
	m.secrets = append(m.secrets, data["reconnect_url"])
	for _, secret := range secrets {
		m.secrets = append(m.secrets, string(shown(e.Format, secret).Reveal()))
	}
	return m, err
}

// data is what is said of an event: ids and states, and where the person has to
// connect again, or soon will have to, the link; and what a bot may say to them.
func (s *Service) data(ev lanyard.Event, c lanyard.Connection) map[string]string {
	data := maps.Clone(ev.Data)
	if data == nil {
		data = map[string]string{}
	}
	if ev.Connection != "" {
		data["connection_id"] = string(ev.Connection)
	}
	again := data["status"] == string(lanyard.StatusNeedsReauth) // also of one that is resumed to that
	if m := lanyard.RowOf(lanyard.Code(data["reason"])).UserMessage; again && m != "" {
		data["user_message"] = m
	}
	if (again || ev.Type == lanyard.EventExpiring) && c.ID != "" && c.State != lanyard.Revoked {
		data["reconnect_url"] = s.Connections.ReconnectURL(c)
	}
	return data
}

// account is whose account a connection is; empty where that cannot be told, as when
// the person has been erased: the rest is told all the same.
func (s *Service) account(ctx context.Context, c lanyard.Connection) lanyard.AccountData {
	if c.ID == "" {
		return lanyard.AccountData{}
	}
	reader := lanyard.Principal{Project: c.Project, Name: "lanyard", Scopes: []lanyard.Scope{lanyard.ScopeRead}}
	v, err := s.Connections.Get(ctx, reader, c.ID)
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "a webhook goes out without the account", slog.String("connection", string(c.ID)), slog.String("error", err.Error()))
	}
	if ref, ok := strings.CutPrefix(v.Person.Ref, c.Provider+":"); ok && v.Account.ID == "" { // erased, but for what the customer calls them
		v.Account.ID = ref
	}
	return v.Account
}
