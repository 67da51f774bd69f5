package webhook

import (
	"context"
	"errors"
	"slices"
	"strings"

	"lanyard"
	"lanyard/internal/store"
)

// BotHook is a URL that is to be told of one bot.
type BotHook struct {
	Field  string // what the caller calls it
	URL    string // https
	Format lanyard.EndpointFormat
	Off    bool // it is told of nothing that happens here, and is kept for what it replaces
}

// ForBot makes the endpoints of a bot that is new. The caller writes them with AddForBot, in
// the transaction that writes the bot: so they are told of all that happens to it. What is
// of format attendee is signed with the project's secret of that format, which is the one
// of its newest endpoint. Errors: invalid_request: not https, an address that is not
// allowed, or no endpoint of format attendee.
func (s *Service) ForBot(ctx context.Context, b lanyard.Bot, hooks []BotHook) (out []lanyard.Endpoint, err error) {
	for _, h := range hooks {
		if len(h.URL) > 2000 || strings.ContainsFunc(h.URL, control) || !strings.HasPrefix(h.URL, "https://") {
			return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "%s: a URL that begins with https://, of at most 2000 bytes", h.Field)
		}
		if err := s.Out.CheckURL(h.Field, h.URL); err != nil {
			return nil, err
		}
		e := lanyard.Endpoint{ID: lanyard.NewID[lanyard.EndpointID]("we_"), Project: b.Project, Bot: b.ID, URL: h.URL, Format: h.Format,
			Types: []lanyard.EventType{"bot.*"}, State: lanyard.EndpointEnabled}
		if h.Off {
			e.State = lanyard.EndpointDisabled
		}
		secret := newSecret()
		if h.Format == lanyard.FormatAttendee {
			if secret, err = s.attendeeSecret(ctx, b.Project); errors.Is(err, lanyard.CodeNotFound) {
				return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "%s: they are signed with the secret of the project's webhook endpoint of format attendee, and it has none; make one first, which may be disabled", h.Field)
			} else if err != nil {
				return nil, err
			}
		}
		e.PublicKey = publicKey(secret)
		if e.Secret, err = s.seal(ctx, e, fieldSecret, secret); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// AddForBot writes what ForBot has made.
func (s *Service) AddForBot(tx *store.Tx, p lanyard.Principal, endpoints []lanyard.Endpoint) error {
	for _, e := range endpoints {
		e.CreatedAt, e.UpdatedAt = tx.Now(), tx.Now()
		if err := tx.AddEndpoint(e); err != nil {
			return err
		}
		entry := describe(p, e, "created")
		entry.Detail["bot"] = string(e.Bot)
		tx.AddEntry(entry)
	}
	return nil
}

// attendeeSecret is what a project's messages of format attendee are signed with where
// one secret has to do for all: the newest endpoint's. Error: not_found.
func (s *Service) attendeeSecret(ctx context.Context, project lanyard.ProjectID) (lanyard.Secret, error) {
	var e lanyard.Endpoint
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		e, err = q.NewestEndpoint(project, lanyard.FormatAttendee)
		return err
	})
	if err != nil {
		return lanyard.Secret{}, err
	}
	return s.open(ctx, e, fieldSecret, e.Secret)
}

// listeners returns who may be told of an event, of the project's endpoints and the
// bot's own. Those of format attendee that a bot has take the place of the project's.
func listeners(q *store.Query, ev lanyard.Event, project []lanyard.Endpoint) ([]lanyard.Endpoint, error) {
	of := lanyard.BotID(ev.Data["bot_id"])
	if of == "" {
		return project, nil
	}
	own, err := q.BotEndpoints(ev.Project, of)
	if err != nil || len(own) == 0 {
		return project, err
	}
	replaced := slices.ContainsFunc(own, func(e lanyard.Endpoint) bool { return e.Format == lanyard.FormatAttendee })
	var out []lanyard.Endpoint
	for _, e := range slices.Concat(project, own) {
		if e.State == lanyard.EndpointEnabled && (e.Bot != "" || !replaced || e.Format != lanyard.FormatAttendee) {
			out = append(out, e)
		}
	}
	return out, nil
}

// public hides the endpoints of single bots from where the project's are managed.
func public(e lanyard.Endpoint, err error) (lanyard.Endpoint, error) {
	if err == nil && e.Bot != "" {
		return lanyard.Endpoint{}, lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	return e, err
}
