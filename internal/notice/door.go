package notice

import (
	"errors"
	"io"
	"net/http"
	"time"

	"lanyard"
)

const maxBody = 64 << 10

// serve answers a provider: 200 to a question or a challenge, 204 (202 to an event
// token) to a notice that is on disk, or from which nothing follows. Errors:
// unsupported_media_type, body_too_large, notice_refused, invalid_json, invalid_request,
// spool_unavailable, vault_sealed, provider_unavailable.
func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	t, ok := s.teller(r.PathValue("provider"))
	if a, asks := t.code.(Asker); ok && asks && lanyard.ValidID("app_", r.PathValue("app")) {
		if text, ok := a.AskedNotice(r.URL.Query()); ok {
			s.write(w, "text/plain; charset=utf-8", []byte(text))
			return
		}
	}
	answer, err := s.take(r, t, ok)
	switch {
	case err != nil:
		s.Front.WriteProblem(w, r, err)
	case answer == nil:
		w.WriteHeader(t.accepted())
	default:
		s.write(w, "application/json", answer)
	}
}

func (s *Service) write(w http.ResponseWriter, kind string, b []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(b) // the provider has gone
}

// take reads, believes, and keeps. Nothing of a body is believed before it is verified,
// that of a challenge too.
func (s *Service) take(r *http.Request, t teller, tells bool) ([]byte, error) {
	if len(r.Header.Values("Content-Encoding")) > 0 { // what is signed is what came
		return nil, lanyard.Errorf(lanyard.CodeUnsupportedMediaType, "a notice has no Content-Encoding")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case len(body) > maxBody:
		return nil, lanyard.Errorf(lanyard.CodeBodyTooLarge, "")
	case err != nil:
		return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "the body did not arrive in full, or not in time")
	case !tells || !lanyard.ValidID("app_", r.PathValue("app")):
		return nil, lanyard.Errorf(lanyard.CodeNoticeRefused, "")
	}
	k, secret, err := s.believe(r, t, body)
	if err != nil {
		return nil, err
	}
	told, err := t.read(body)
	if err != nil {
		return nil, err
	}
	follows := false
	for _, n := range told {
		if n.Challenge != "" && t.secret != nil {
			return t.secret.AnswerNotice(n, secret), nil
		}
		follows = follows || n.Effect != ""
		s.Logger.Debug("a notice has come", "app", k.ID, "event", n.Event)
	}
	switch {
	case !follows:
		return nil, nil
	case time.Since(k.at) > keyLife:
		return nil, &lanyard.Error{Code: lanyard.CodeVaultSealed, RetryAfter: time.Minute}
	}
	name := newName(k.ID)
	rec := record{App: k.ID, Project: k.Project, Provider: k.Provider, ReceivedAt: s.Store.Clock()}
	if rec.Sealed, err = k.sealer.Seal(at(rec, name), lanyard.SecretBytes(body)); err != nil {
		return nil, err
	}
	return nil, s.queue.put(name, rec)
}

// believe finds the app whose provider has sent the body, and the secret that shows it.
// Where what is in memory does not fit, the database is asked once: the app may be new
// to this node, or its secret may have been changed. Where a secret shows it, an app that
// is not there costs the same work.
func (s *Service) believe(r *http.Request, t teller, body []byte) (known, lanyard.Secret, error) {
	id, providerID := lanyard.AppID(r.PathValue("app")), r.PathValue("provider")
	k := s.book.get(id)
	secret, err := s.fits(r, t, k, providerID, body)
	if err == nil || !errors.Is(err, lanyard.CodeNoticeRefused) {
		return k, secret, err
	}
	k = s.book.ask(r.Context(), id)
	if secret, err = s.fits(r, t, k, providerID, body); err == nil {
		return k, secret, nil
	}
	if _, say := s.told.Take(string(k.ID)); say && k.ID != "" {
		s.Logger.Warn("a notice was refused: its signature, its time or its provider does not fit the app; is webhook_secret the provider's?", "app", k.ID)
	}
	return known{}, lanyard.Secret{}, err
}

// fits says by which secret of an app a body is its provider's; an event token needs
// none. Error: CodeNoticeRefused, and those of EventTeller.
func (s *Service) fits(r *http.Request, t teller, k known, providerID string, body []byte) (by lanyard.Secret, err error) {
	there := k.ID != "" && k.Provider == providerID
	if t.event != nil {
		if !there || k.target == nil { // nobody's keys are fetched for an app that is made up
			return by, lanyard.Errorf(lanyard.CodeNoticeRefused, "")
		}
		return by, t.event.VerifyEvent(r.Context(), k.target, body, s.Store.Clock())
	}
	secrets := []lanyard.Secret{s.decoy, s.decoy} // as many for everybody
	if there {
		copy(secrets, k.secrets)
	}
	found := false
	for i, secret := range secrets {
		if t.secret.VerifyNotice(r.Header, body, secret, s.Store.Clock()) && there && i < len(k.secrets) && !found {
			by, found = secret, true
		}
	}
	if !found {
		return by, lanyard.Errorf(lanyard.CodeNoticeRefused, "")
	}
	return by, nil
}
