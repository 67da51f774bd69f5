package mail

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"net/mail"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"lanyard"
	"lanyard/internal/vault"
)

// letter is a mail with its words, for one address. Names in it are others' text: they
// have one line, and HTML is made by html/template.
type letter struct {
	To        string
	Lang      string
	Subject   string
	Text      []string // paragraphs
	List      []string
	Button    string // what URL is for
	URL       string
	After     []string
	Signature string
}

//go:embed layout.html
var layoutHTML string

var layout = template.Must(template.New("mail").Parse(layoutHTML))

// message is a letter as it travels. The id is the same on every try.
func (s *Service) message(l letter, id string) (*gomail.Msg, error) {
	if !lanyard.ValidEmail(l.To) {
		return nil, errors.New("not an address")
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(&s.From)
	m.ToMailAddress(&mail.Address{Address: l.To})
	if s.ReplyTo != nil {
		m.ReplyToMailAddress(s.ReplyTo)
	}
	m.Subject(l.Subject)
	m.SetMessageIDWithValue(id + "@" + s.From.Address[strings.LastIndexByte(s.From.Address, '@')+1:])
	m.SetDate()
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's absence is to answer it
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	m.SetGenHeader("Content-Language", l.Lang)
	m.SetBodyString(gomail.TypeTextPlain, l.plain())
	var page bytes.Buffer
	if err := layout.Execute(&page, l); err != nil {
		return nil, fmt.Errorf("make the HTML: %w", err)
	}
	m.AddAlternativeString(gomail.TypeTextHTML, page.String())
	return m, nil
}

// plain is the letter as text.
func (l letter) plain() string {
	parts := append([]string{}, l.Text...)
	if len(l.List) > 0 {
		parts = append(parts, "- "+strings.Join(l.List, "\n- "))
	}
	if l.URL != "" {
		parts = append(parts, l.Button+":\n"+l.URL)
	}
	parts = append(parts, l.After...)
	return strings.Join(append(parts, "-- \n"+l.Signature), "\n\n") + "\n"
}

// oneLine is a name of somebody else's as it is put into a sentence: no line of its
// own, no marks that turn the text around, and not longer than a line.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 100 {
		s = string(r[:99]) + "…"
	}
	return s
}

// view reads a connection. The person's address is the one the customer said, or else
// the account's.
func (s *Service) view(ctx context.Context, m lanyard.Mail) (v view, err error) {
	reader := lanyard.Principal{Project: m.Project, Name: "lanyard", Scopes: []lanyard.Scope{lanyard.ScopeRead}}
	c, err := s.Connections.Get(ctx, reader, m.Connection)
	if errors.Is(err, lanyard.NotFound) || errors.Is(err, vault.ErrNoKeyset) || errors.Is(err, lanyard.CodeTampered) { // deleted, erased, or each try would raise another alarm
		return v, errOver
	}
	if err != nil {
		return v, fmt.Errorf("read the connection: %w", err)
	}
	v = view{status: c.Status, reason: c.Grant.Reason, ends: c.Grant.RefreshExpires, renewed: c.Grant.RefreshedAt, provider: c.Provider,
		endUser: c.Person.Ref, email: c.Person.Email, link: s.Connections.ReconnectURL(c.Connection), app: c.App}
	if v.email == "" {
		v.email = c.Account.Email
	}
	return v, nil
}

// view is what a letter says of a connection.
type view struct {
	status        lanyard.Status
	reason        lanyard.Code
	ends, renewed time.Time
	provider      string
	endUser       string
	email         string
	link          string
	app           lanyard.AppID
}
