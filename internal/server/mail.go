package server

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"

	"lanyard"
	"lanyard/internal/mail"
	"lanyard/internal/web"
	"lanyard/wire"
)

// mail is the mail server and the sender, by the settings.
func (s Settings) mail() (c mail.Config, err error) {
	if s.SMTPURL.Empty() {
		return c, nil
	}
	if c.Server, err = mail.ParseServer(string(s.SMTPURL.Reveal())); err != nil {
		return c, fmt.Errorf("setting smtp_url: %w", err)
	}
	if u, err := url.Parse(s.PublicURL); err == nil { // a machine's own name says more than it should
		c.Server.Hello = u.Hostname()
	}
	if s.MailFrom == "" {
		return c, errors.New("setting mail_from: needed with smtp_url, such as Lanyard <lanyard@example.com>")
	}
	from, err := netmail.ParseAddress(s.MailFrom)
	if err != nil || !lanyard.ValidEmail(from.Address) {
		return c, errors.New("setting mail_from: not an address such as Lanyard <lanyard@example.com>")
	}
	c.From = *from
	if s.MailReplyTo != "" {
		if c.ReplyTo, err = netmail.ParseAddress(s.MailReplyTo); err != nil || !lanyard.ValidEmail(c.ReplyTo.Address) {
			return c, errors.New("setting mail_reply_to: not an address such as support@example.com")
		}
	}
	return c, nil
}

func (s *Server) mountMail() {
	web.JSON(s.front, web.Operation{Method: "POST", Path: "/v1/operator/mail/test", ID: "testMail", Tag: "Operator", Scope: web.OperatorOnly,
		Summary: "Send a test e-mail", Description: "Now, from the node that answers. An error says what the mail server did not like."}, s.testMail)
}

type testMail struct{ Body wire.TestMail }

func (s *Server) testMail(ctx context.Context, p lanyard.Principal, in *testMail) (*wire.TestedMail, error) {
	host, err := s.mails.Test(ctx, p, in.Body.To, in.Body.Language)
	if err != nil {
		return nil, err
	}
	return &wire.TestedMail{Host: host}, nil
}
