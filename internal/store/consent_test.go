package store_test

import (
	"errors"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

func TestConsentsComeBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		other, w := newWorld(), newWorld()
		other.add(t, db)
		w.add(t, db)
		ended := w.consent // every column has a value
		ended.ID, ended.State, ended.EndedAt, ended.EndedBy, ended.Reason, ended.SupersededBy = newID[lanyard.ConsentID]("cns_"), lanyard.ConsentWithdrawn,
			day, "provider", lanyard.CodeUserRevoked, "cns_x"
		ended.Answer = lanyard.ConsentAnswer{Outcome: "failed", Status: 503, Detail: "down", Again: true, At: day, LivesUntil: day.Add(time.Hour)}
		done(t, db, func(tx *store.Tx) error {
			return errors.Join(tx.AddConsentText(w.project.ID, w.text), tx.AddConsent(ended))
		})
		p := w.project.ID
		for _, want := range []lanyard.Consent{w.consent, ended} {
			same(t, "consent", view(t, db, func(q *store.Query) (lanyard.Consent, error) { return q.Consent(p, want.ID) }), want)
		}
		same(t, "in force", view(t, db, func(q *store.Query) (lanyard.Consent, error) { return q.ConsentInForce(p, w.connection.ID) }), w.consent)
		same(t, "text", view(t, db, func(q *store.Query) (lanyard.ConsentText, error) { return q.ConsentText(p, w.text.Hash()) }), w.text)
		for _, f := range []lanyard.ConsentFilter{{}, {Person: w.person.ID}, {Connection: w.connection.ID}, {App: w.app.ID}, {Provider: "zoom"}} {
			same(t, "list", view(t, db, func(q *store.Query) ([]lanyard.Consent, error) {
				l, _, err := q.Consents(p, f, lanyard.Page{})
				return l, err
			}),
				[]lanyard.Consent{ended, w.consent})
		}
		for _, f := range []lanyard.ConsentFilter{{Person: other.person.ID}, {Connection: "con_x"}, {App: other.app.ID}, {Provider: "google"}, {State: lanyard.ConsentSuperseded}} {
			if l := view(t, db, func(q *store.Query) ([]lanyard.Consent, error) {
				l, _, err := q.Consents(p, f, lanyard.Page{})
				return l, err
			}); len(l) != 0 {
				t.Errorf("%+v: got %v, want none", f, l)
			}
		}
		for name, read := range map[string]func(q *store.Query) error{
			"consent":  func(q *store.Query) error { _, err := q.Consent(other.project.ID, w.consent.ID); return err },
			"in force": func(q *store.Query) error { _, err := q.ConsentInForce(other.project.ID, w.connection.ID); return err },
			"text":     func(q *store.Query) error { _, err := q.ConsentText("prj_other", w.text.Hash()); return err },
		} {
			if err := db.View(t.Context(), read); !errors.Is(err, lanyard.CodeNotFound) {
				t.Errorf("%s of another project: got %v, want not found", name, err)
			}
		}
	})
}

// Each step ends or answers what it is about, and nothing else.
func TestConsentsEndOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		p := w.project.ID
		next := w.consent
		next.ID = newID[lanyard.ConsentID]("cns_")
		end := func(project lanyard.ProjectID, id lanyard.ConnectionID, except lanyard.ConsentID, how lanyard.Consent) int64 {
			return keep(t, db, func(tx *store.Tx) (int64, error) { return tx.EndConsents(project, id, except, how) })
		}
		is := func(id lanyard.ConsentID) lanyard.Consent {
			return view(t, db, func(q *store.Query) (lanyard.Consent, error) { return q.Consent(p, id) })
		}
		done(t, db, func(tx *store.Tx) error { return tx.AddConsent(next) })
		replaced := lanyard.Consent{State: lanyard.ConsentSuperseded, SupersededBy: next.ID}
		if n := end("prj_other", w.connection.ID, next.ID, replaced) + end(p, "con_other", next.ID, replaced); n != 0 {
			t.Errorf("got %d of others ended", n)
		}
		if n := end(p, w.connection.ID, next.ID, replaced); n != 1 {
			t.Errorf("got %d superseded, want 1", n)
		}
		if got := is(w.consent.ID); got.State != lanyard.ConsentSuperseded || got.SupersededBy != next.ID || got.EndedAt.IsZero() || is(next.ID).State != lanyard.ConsentGiven {
			t.Errorf("got %+v, want it superseded and the next one in force", got)
		}
		answer := func(project lanyard.ProjectID, id lanyard.GrantID, a lanyard.ConsentAnswer) {
			done(t, db, func(tx *store.Tx) error { return tx.AnswerConsents(project, id, a) })
		}
		answer(p, w.grant.ID, lanyard.ConsentAnswer{Outcome: "revoked"})
		if got := is(next.ID).Answer; got != (lanyard.ConsentAnswer{}) {
			t.Errorf("a consent in force: got %+v", got)
		}
		end(p, w.connection.ID, "", lanyard.Consent{State: lanyard.ConsentWithdrawn, EndedBy: "customer", Answer: lanyard.ConsentAnswer{Outcome: lanyard.AnswerPending}})
		answer("prj_other", w.grant.ID, lanyard.ConsentAnswer{Outcome: "revoked"})
		answer(p, "grt_other", lanyard.ConsentAnswer{Outcome: "revoked"})
		if got := is(next.ID).Answer.Outcome; got != lanyard.AnswerPending {
			t.Errorf("another's answer: got %q, want pending", got)
		}
		down := lanyard.ConsentAnswer{Outcome: "failed", Status: 503, Detail: "down", Again: true, At: day, LivesUntil: day}
		answer(p, w.grant.ID, down)
		same(t, "failed", is(next.ID).Answer, down)
		told := lanyard.ConsentAnswer{Outcome: "revoked", Status: 200, At: day.Add(time.Hour)}
		answer(p, w.grant.ID, told)
		same(t, "told at last", is(next.ID).Answer, told)
		answer(p, w.grant.ID, down)
		same(t, "the last word stays", is(next.ID).Answer, told)
		if got := is(w.consent.ID); got.Answer.Outcome != "" || got.State != lanyard.ConsentSuperseded {
			t.Errorf("got %+v, want the superseded one as it was", got)
		}
		if n := end(p, w.connection.ID, "", replaced); n != 0 {
			t.Errorf("got %d ended a second time", n)
		}

		purge := func(before time.Time) int {
			return keep(t, db, func(tx *store.Tx) (int, error) { return tx.PurgeConsents(before, 10) })
		}
		third := w.consent
		third.ID = newID[lanyard.ConsentID]("cns_")
		done(t, db, func(tx *store.Tx) error { return tx.AddConsent(third) })
		if n := purge(time.Now().Add(-time.Hour)); n != 0 {
			t.Errorf("got %d purged that ended just now", n)
		}
		if n := purge(time.Now().Add(time.Hour)); n != 2 || is(third.ID).State != lanyard.ConsentGiven {
			t.Errorf("got %d purged, want the two that ended and not the one in force", n)
		}
	})
}
