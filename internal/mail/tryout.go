package mail

import (
	"context"
	"strconv"

	"lanyard"
	"lanyard/internal/store"
)

// Test sends a test mail to an address now and returns the mail server's name. For the
// operator only. Errors: mail_not_set, mail_failed, which says what went wrong.
func (s *Service) Test(ctx context.Context, p lanyard.Principal, to, lang string) (string, error) {
	switch {
	case !p.Operator:
		return "", lanyard.Errorf(lanyard.CodeOperatorOnly, "")
	case s.Server == nil:
		return "", lanyard.Errorf(lanyard.CodeMailNotSet, "")
	case !lanyard.ValidEmail(to):
		return "", lanyard.Errorf(lanyard.CodeInvalidRequest, "to: not an e-mail address")
	case lang != "" && s.words[lang].Lang == "":
		return "", lanyard.Errorf(lanyard.CodeInvalidRequest, "language: en or de")
	}
	failed := s.test(ctx, to, lang)
	e := lanyard.NewEntry(p, lanyard.ActMailTested)
	e.Detail = map[string]string{"host": s.Server.host}
	if failed != nil {
		e = e.Failed(failed)
	}
	err := s.Store.Read(context.WithoutCancel(ctx), func(*store.Query) (lanyard.Entry, error) { return e, nil })
	if failed != nil {
		return "", failed
	}
	return s.Server.host, err
}

func (s *Service) test(ctx context.Context, to, lang string) error {
	if err := s.Hold(); err != nil {
		return err
	}
	w := s.wordsOf(lang)
	text := w.Letters["test"]
	l := letter{To: to, Lang: w.Lang, Subject: text.Subject, Text: text.Text, Signature: filled(w.Signature, map[string]string{"project": s.Server.host})}
	m, err := s.message(l, lanyard.NewID[string]("mc_"))
	if err != nil {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "to: not an e-mail address")
	}
	c, err := s.Server.dial(ctx)
	if err == nil {
		defer hang(c)
		if err = c.Send(m); err == nil || m.IsDelivered() {
			return nil
		}
	}
	what, code := fault(err)
	if code != 0 {
		what += " with " + strconv.Itoa(code)
	}
	return lanyard.Errorf(lanyard.CodeMailFailed, "%s: %s", s.Server.host, what)
}
