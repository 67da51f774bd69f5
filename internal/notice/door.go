package notice

import (
	"io"
	"net/http"
	"time"

	"lanyard"
)

const maxBody = 64 << 10

// serve answers a provider: 200 to a challenge, 204 to a notice that is on disk, or
// from which nothing follows. Errors: unsupported_media_type, body_too_large,
// notice_refused, invalid_json, invalid_request, spool_unavailable, vault_sealed.
func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	answer, err := s.take(r)
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case err != nil:
		s.Front.WriteProblem(w, r, err)
	case answer == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer) // the provider has gone
	}
}

// take reads, believes, and keeps. Nothing of a body is looked at before its signature
// is verified, that of a challenge too.
func (s *Service) take(r *http.Request) ([]byte, error) {
	if len(r.Header.Values("Content-Encoding")) > 0 { // what is signed is what came
		return nil, lanyard.Errorf(lanyard.CodeUnsupportedMediaType, "a notice has no Content-Encoding")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case len(body) > maxBody:
		return nil, lanyard.Errorf(lanyard.CodeBodyTooLarge, "")
	case err != nil:
		return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "the body did not arrive in full, or not in time")
	}
	k, t, ok := s.believe(r, body)
	if !ok {
		return nil, lanyard.Errorf(lanyard.CodeNoticeRefused, "")
	}
	n, err := t.ReadNotice(body)
	switch {
	case err != nil:
		return nil, err
	case n.Challenge != "":
		return t.AnswerNotice(n, k.secret), nil
	case n.Effect == "":
		return nil, nil
	case time.Since(k.at) > keyLife:
		return nil, &lanyard.Error{Code: lanyard.CodeVaultSealed, RetryAfter: time.Minute}
	}
	name := newName(k.App)
	rec := record{App: k.App, Project: k.Project, Provider: k.Provider, ReceivedAt: s.Store.Clock()}
	if rec.Sealed, err = k.sealer.Seal(at(rec, name), lanyard.SecretBytes(body)); err != nil {
		return nil, err
	}
	return nil, s.queue.put(name, rec)
}

// believe finds the app whose provider has signed the body. Where what is in memory
// does not fit, the database is asked once: the app may be new to this node, or its
// secret may have been changed. An app that is not there costs the same work.
func (s *Service) believe(r *http.Request, body []byte) (known, Teller, bool) {
	id, providerID := lanyard.AppID(r.PathValue("app")), r.PathValue("provider")
	t, ok := s.teller(providerID)
	if !ok || !lanyard.ValidID("app_", string(id)) {
		return known{}, nil, false
	}
	fits := func(k known) bool {
		secret := k.secret
		if k.App == "" || k.Provider != providerID || secret.Empty() {
			secret = s.decoy
		}
		return t.VerifyNotice(r.Header, body, secret, s.Store.Clock()) && k.App != ""
	}
	k := s.book.get(id)
	if fits(k) {
		return k, t, true
	}
	if k = s.book.ask(r.Context(), id); fits(k) {
		return k, t, true
	}
	if _, say := s.told.Take(string(k.App)); say && k.App != "" {
		s.Logger.Warn("a notice was refused: its signature, its time or its provider does not fit the app; is webhook_secret the provider's?", "app", k.App)
	}
	return known{}, nil, false
}
