package notice

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// Teller is code for a provider that shows by a secret of the app's that a notice is
// its own.
type Teller interface {
	// VerifyNotice says whether the provider has sent these very bytes, by the secret, just now.
	VerifyNotice(h http.Header, body []byte, secret lanyard.Secret, now time.Time) bool
	// AnswerNotice is the answer to a notice that has a challenge, as JSON.
	AnswerNotice(n provider.Notice, secret lanyard.Secret) []byte
}

// EventTeller is code for a provider whose notices are security event tokens (RFC 8417),
// pushed (RFC 8935) and signed with keys that it publishes.
type EventTeller interface {
	// VerifyEvent says whether the provider has signed it for this app. Errors:
	// CodeNoticeRefused; CodeProviderUnavailable, and it is to be sent again.
	VerifyEvent(ctx context.Context, t *provider.Target, body []byte, now time.Time) error
}

// Asker is code for a provider that asks, before it sends anything and without showing
// who it is, whether an address wants notices.
type Asker interface {
	// AskedNotice is the plain text to answer; false: nothing is asked.
	AskedNotice(q url.Values) (string, bool)
}

// reader and listReader read what was verified: one notice, or each of several in a body.
type (
	reader interface {
		ReadNotice(body []byte) (provider.Notice, error)
	}
	listReader interface {
		ReadNotices(body []byte) ([]provider.Notice, error)
	}
)

// teller is the code of a provider that sends notices.
type teller struct {
	secret Teller      // either this
	event  EventTeller // or this
	code   any
}

func (s *Service) teller(id string) (t teller, ok bool) {
	p, ok := s.Providers.Get(id)
	if !ok {
		return t, false
	}
	t.code = p.Ability()
	t.secret, _ = t.code.(Teller)
	t.event, _ = t.code.(EventTeller)
	return t, t.secret != nil || t.event != nil
}

func (t teller) read(body []byte) ([]provider.Notice, error) {
	if r, ok := t.code.(listReader); ok {
		return r.ReadNotices(body)
	}
	n, err := t.code.(reader).ReadNotice(body)
	return []provider.Notice{n}, err
}

// accepted is the status that says a notice is on disk, or needs no more.
func (t teller) accepted() int {
	if t.event != nil {
		return http.StatusAccepted // RFC 8935 §2.2
	}
	return http.StatusNoContent
}
