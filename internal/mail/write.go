package mail

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

// listed is how many of what a digest tells are named.
const listed = 20

// errOver says that there is nothing to tell any more, or nobody to tell it to.
var errOver = errors.New("over")

// source is what a letter is written from, as the database has it now.
type source struct {
	mail     lanyard.Mail
	project  lanyard.Project
	event    lanyard.Event
	app      lanyard.App
	endpoint lanyard.Endpoint
	told     []lanyard.Mail // by a digest
	count    int
}

// write makes the letter of a copy now: what has been mended meanwhile is not told.
func (s *Service) write(ctx context.Context, c lanyard.MailCopy) (letter, error) {
	from, err := s.read(ctx, c)
	if err != nil {
		return letter{}, err
	}
	w := s.wordsOf(from.project.Settings.Language)
	fill := map[string]string{"project": oneLine(projectName(from.project))}
	key := string(from.mail.Type) + "/" + string(from.mail.Audience)
	var list []string
	l := letter{Lang: w.Lang}
	if from.mail.Cause == lanyard.DigestCause {
		key, fill["count"] = lanyard.DigestCause, strconv.Itoa(from.count)
		for _, m := range from.told {
			list = append(list, w.line(m))
		}
		if more := from.count - len(list); more > 0 {
			list = append(list, filled(w.More, map[string]string{"count": strconv.Itoa(more)}))
		}
	} else if l.To, l.URL, err = s.about(ctx, from, w, fill); err != nil {
		return l, err
	}
	if from.mail.Audience == lanyard.ToProject {
		if l.To = s.addressOf(from.project, c.Recipient); l.To == "" {
			return l, errOver // it is the project's no more
		}
	}
	if l.To == "" {
		return l, errOver
	}
	text, ok := w.Letters[key]
	if !ok {
		return l, fmt.Errorf("there are no words for %s", key)
	}
	l.Subject = filled(text.Subject, fill)
	l.Text, l.After = allFilled(text.Text, fill), allFilled(text.After, fill)
	l.List = list
	l.Button, l.Signature = filled(text.Button, fill), filled(w.Signature, fill)
	if l.Button == "" || l.URL == "" {
		l.Button, l.URL = "", ""
	}
	return l, nil
}

// read reads what a letter is written from.
func (s *Service) read(ctx context.Context, c lanyard.MailCopy) (from source, err error) {
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		if from.mail, err = q.Mail(c.Project, c.Mail); err != nil {
			return err
		}
		if from.project, err = q.Project(c.Project); err != nil {
			return err
		}
		if from.mail.Cause == lanyard.DigestCause {
			from.told, from.count, err = q.Digested(c.Project, c.Mail, listed)
			return err
		}
		if from.event, err = q.Event(c.Project, from.mail.Event); err != nil {
			return err
		}
		switch from.mail.Type {
		case lanyard.EventAppMisconfigured:
			from.app, err = q.App(c.Project, lanyard.AppID(from.event.Data["app_id"]))
		case lanyard.EventEndpointDisabled:
			from.endpoint, err = q.Endpoint(c.Project, lanyard.EndpointID(from.event.Data["endpoint_id"]))
		}
		return err
	})
	switch {
	case errors.Is(err, lanyard.NotFound):
		return from, errOver
	case err != nil:
		return from, fmt.Errorf("read what a mail is about: %w", err)
	case from.mail.Cause == lanyard.DigestCause && from.count == 0,
		from.mail.Type == lanyard.EventEndpointDisabled && from.endpoint.State != lanyard.EndpointDisabled,
		from.mail.Audience == lanyard.ToPerson && !from.project.Settings.NotifyPerson:
		return from, errOver
	}
	return from, nil
}

// about fills in what a letter says of a connection, an app or an endpoint, and returns
// the person's address and the link.
func (s *Service) about(ctx context.Context, from source, w words, fill map[string]string) (to, link string, err error) {
	fill["reason"] = w.reason(lanyard.Code(from.event.Data["reason"]))
	switch from.mail.Type {
	case lanyard.EventAppMisconfigured:
		fill["app"], fill["provider"] = oneLine(orElse(from.app.Name, string(from.app.ID))), s.providerName(from.app)
		fill["app_id"] = string(from.app.ID)
		fill["error"] = oneLine(orElse(from.event.Data["provider_error"], "-"))
		return "", "", nil
	case lanyard.EventEndpointDisabled:
		fill["endpoint"], fill["host"] = string(from.endpoint.ID), oneLine(hostOf(from.endpoint.URL))
		return "", "", nil
	}
	v, err := s.view(ctx, from.mail)
	if err != nil {
		return "", "", err
	}
	switch from.mail.Type {
	case lanyard.EventNeedsReauth:
		if v.status != lanyard.StatusNeedsReauth {
			return "", "", errOver
		}
		fill["reason"] = w.reason(v.reason)
	case lanyard.EventExpiring:
		if v.status == lanyard.StatusNeedsReauth || v.status == lanyard.StatusRevoked || v.renewed.After(from.event.At) {
			return "", "", errOver
		}
		fill["date"] = w.Soon
		if !v.ends.IsZero() {
			fill["date"] = v.ends.In(zone(from.project)).Format(time.DateOnly)
		}
	}
	var a lanyard.App
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		a, err = q.App(from.mail.Project, v.app)
		return err
	})
	if errors.Is(err, lanyard.NotFound) {
		return "", "", errOver
	}
	if err != nil {
		return "", "", fmt.Errorf("read the app: %w", err)
	}
	fill["provider"], fill["connection"], fill["end_user"] = s.providerName(a), string(from.mail.Connection), oneLine(v.endUser)
	return v.email, v.link, nil
}

// providerName is what the provider is called; its id where the catalogue lost it.
func (s *Service) providerName(a lanyard.App) string {
	if t, err := s.Connections.Apps.Providers.Target(a); err == nil {
		return oneLine(t.Name)
	}
	return oneLine(a.Provider)
}

// addressOf is the address that a copy is for, if it is still one of the project's.
func (s *Service) addressOf(pr lanyard.Project, recipient []byte) string {
	for _, a := range pr.Settings.NotifyEmails {
		if same(s.digest(pr.ID, a)) == same(recipient) {
			return a
		}
	}
	return ""
}

func projectName(pr lanyard.Project) string { return orElse(pr.Settings.DisplayName, pr.Name) }

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
