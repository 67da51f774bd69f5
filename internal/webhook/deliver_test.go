package webhook_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
	"lanyard/internal/vault"
)

// An event goes to each endpoint that wants it, signed, and to nobody of another
// project.
func TestEventsAreDelivered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		before := w.happens(lanyard.Event{})[0] // before there was an endpoint
		all, some, none := w.receiver(nil), w.receiver(nil), w.receiver(nil)
		w.create(all.url)
		w.create(some.url, "connection.*")
		w.create(none.url, lanyard.EventAppMisconfigured)
		ids := w.happens(lanyard.Event{Data: map[string]string{"app_id": "app_1"}},
			lanyard.Event{Type: lanyard.EventConnectionCreated, Connection: "con_gone", Data: map[string]string{"status": "active"}},
			lanyard.Event{Project: w.newProject()})
		w.node()
		w.until("all", func() bool { return len(all.all()) >= 2 && len(some.all()) >= 1 })
		w.until("marked", func() bool { return len(w.deliveries(store.DeliveryFilter{State: lanyard.DeliveryDelivered})) == 3 })
		if got, want := all.ids(), ids[:2]; len(got) != 2 || !slices.Contains(got, want[0]) || !slices.Contains(got, want[1]) || slices.Contains(got, before) {
			t.Errorf("all: got %v, want %v", got, want)
		}
		if got := some.ids(); !slices.Equal(got, ids[1:2]) || len(none.all()) > 0 {
			t.Errorf("some: got %v, want %v; none: got %d", got, ids[1:2], len(none.all()))
		}
		g := some.all()[0]
		var body struct {
			Type      string
			Timestamp time.Time
			Data      map[string]string
		}
		w.must(json.Unmarshal(g.body, &body))
		if body.Type != "connection.created" || body.Timestamp.IsZero() || body.Data["connection_id"] != "con_gone" || body.Data["status"] != "active" || len(body.Data) != 2 {
			t.Errorf("got %s", g.body)
		}
		if g.header.Get("Content-Type") != "application/json" || g.header.Get("User-Agent") != "lanyard" {
			t.Errorf("got headers %v", g.header)
		}
	})
}

// A try that fails is made again, under the same id and with the same body, until one
// works.
func TestAFailureIsTriedAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.pace = 1000
		r := w.receiver(func(rw http.ResponseWriter, _ *http.Request, n int) {
			if n < 4 {
				rw.WriteHeader([]int{0, 500, 302, 404}[n])
				fmt.Fprintf(rw, "try %d", n)
				return
			}
			rw.WriteHeader(201)
		})
		e, _ := w.create(r.url)
		id := w.happens(lanyard.Event{})[0]
		w.node()
		w.until("four tries", func() bool { return len(w.deliveries(store.DeliveryFilter{State: lanyard.DeliveryDelivered})) == 1 })
		for _, g := range r.all() {
			if g.id != id || string(g.body) != string(r.all()[0].body) {
				t.Errorf("got %s %s, want the same each time", g.id, g.body)
			}
		}
		d := w.deliveries(store.DeliveryFilter{})[0]
		if d.Tries != 4 || d.Status != 201 || d.Excerpt != "" || !d.TryAt.IsZero() || len(r.all()) != 4 {
			t.Errorf("got %+v after %d tries", d, len(r.all()))
		}
		w.until("forgiven", func() bool { return w.endpoint(e.ID).FailingSince.IsZero() })
	})
}

// 410 means: never again. The project's other endpoints are told.
func TestGoneDisables(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		gone := w.receiver(func(rw http.ResponseWriter, _ *http.Request, _ int) { rw.WriteHeader(http.StatusGone) })
		other := w.receiver(nil)
		e, _ := w.create(gone.url, lanyard.EventAppRecovered)
		w.create(other.url, lanyard.EventEndpointDisabled)
		w.happens(lanyard.Event{})
		w.node()
		w.until("told", func() bool { return len(other.all()) == 1 })
		if is := w.endpoint(e.ID); is.State != lanyard.EndpointDisabled || is.Reason != lanyard.CodeWebhookGone {
			t.Errorf("got %s for %q", is.State, is.Reason)
		}
		if body := string(other.all()[0].body); !strings.Contains(body, `"webhook_gone"`) || !strings.Contains(body, string(e.ID)) || strings.Contains(body, gone.url) {
			t.Errorf("got %s", body)
		}
		if _, err := w.s.Test(t.Context(), w.p, e.ID); !errors.Is(err, lanyard.CodeWebhookDisabled) {
			t.Errorf("a test of a disabled endpoint: got %v", err)
		}

		// It comes back, and is sent what it missed; what it has is not sent again.
		missed := w.happens(lanyard.Event{}, lanyard.Event{Type: lanyard.EventConnectionCreated})
		time.Sleep(time.Second)
		gone.mu.Lock()
		gone.answer, gone.seen = nil, nil
		gone.mu.Unlock()
		yes := true
		if _, err := w.s.Update(t.Context(), w.p, e.ID, webhookSpec(nil, &yes)); err != nil {
			t.Fatal(err)
		}
		queued, at, err := w.s.RedeliverSince(t.Context(), w.p, e.ID, time.Now().Add(-time.Hour), "")
		if err != nil || queued != 2 || at != "" {
			t.Errorf("got %d queued, %q, %v, want the one that met 410 and the one since", queued, at, err)
		}
		w.until("two more", func() bool { return len(gone.all()) == 2 })
		if ids := gone.ids(); !slices.Contains(ids, missed[0]) {
			t.Errorf("got %v, want %v among them", ids, missed[0])
		}
		w.until("delivered", func() bool {
			return len(w.deliveries(store.DeliveryFilter{Endpoint: e.ID, State: lanyard.DeliveryDelivered})) == 2
		})
		if queued, _, err := w.s.RedeliverSince(t.Context(), w.p, e.ID, time.Now().Add(-time.Hour), ""); err != nil || queued != 0 {
			t.Errorf("got %d queued, %v, want nothing: it has all", queued, err)
		}
	})
}

// After all tries a delivery is given up, and an endpoint at which nothing has worked
// for days is disabled.
func TestAnEndpointThatFailsForDaysIsDisabled(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.pace = 500_000 // three days in half a second
		r := w.receiver(func(rw http.ResponseWriter, _ *http.Request, _ int) { rw.WriteHeader(500) })
		e, _ := w.create(r.url)
		w.happens(lanyard.Event{})
		w.node()
		w.until("disabled", func() bool { return w.endpoint(e.ID).State == lanyard.EndpointDisabled })
		if is := w.endpoint(e.ID); is.Reason != lanyard.CodeWebhookFailing {
			t.Errorf("got %q", is.Reason)
		}
		d := w.deliveries(store.DeliveryFilter{Endpoint: e.ID})
		if d = d[len(d)-1:]; d[0].State != lanyard.DeliveryFailed || d[0].Tries != 10 || len(r.all()) != 10 {
			t.Errorf("got %+v after %d tries, want ten", d[0], len(r.all()))
		}
	})
}

// Retry-After is for the whole endpoint.
func TestRetryAfterIsHonoured(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		r := w.receiver(func(rw http.ResponseWriter, _ *http.Request, n int) {
			if n == 1 {
				rw.Header().Set("Retry-After", "6")
				rw.WriteHeader(http.StatusTooManyRequests)
			}
		})
		w.create(r.url)
		w.happens(lanyard.Event{})
		w.node()
		w.until("the first", func() bool { return len(r.all()) == 1 })
		w.until("marked", func() bool { return w.lastStatus() == 429 })
		w.happens(lanyard.Event{})
		w.until("both", func() bool { return len(r.all()) == 3 })
		for _, g := range r.all()[1:] {
			if after := g.at.Sub(r.all()[0].at); after < 5900*time.Millisecond {
				t.Errorf("got a try after %v, want 6 seconds at least", after)
			}
		}
	})
}

// Endpoints that never answer have a queue of their own: the others are told at once.
func TestASlowEndpointDelaysNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		free := make(chan struct{})
		slow := w.receiver(func(_ http.ResponseWriter, r *http.Request, _ int) {
			select {
			case <-free:
			case <-r.Context().Done():
			}
		})
		quick := w.receiver(nil)
		for range 5 {
			w.create(slow.url)
		}
		w.create(quick.url)
		var events []lanyard.Event
		for range 40 {
			events = append(events, lanyard.Event{})
		}
		w.happens(events...)
		stop := w.node()
		w.until("the slow ones", func() bool { return len(slow.all()) == 40 }) // eight at a time, each
		began := time.Now()
		w.happens(lanyard.Event{})
		w.until("the quick one", func() bool { return len(quick.all()) == 41 })
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("got %v, want less than two seconds", took)
		}
		if n := len(slow.all()); n != 40 {
			t.Errorf("got %d tries under way, want eight for each", n)
		}
		stop() // does not wait for them
		close(free)
		for _, d := range w.deliveries(store.DeliveryFilter{State: lanyard.DeliveryPending}) {
			if d.Tries != 0 || d.TryAt.After(time.Now().Add(time.Second)) {
				t.Errorf("got %+v, want it given back", d.Delivery)
			}
		}
	})
}

// Two nodes share the work, and none of it is done twice while both live.
func TestTwoNodesShareTheWork(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		r := w.receiver(nil)
		w.create(r.url)
		w.node()
		w.node()
		var ids []lanyard.EventID
		for range 20 {
			ids = append(ids, w.happens(make([]lanyard.Event, 10)...)...)
		}
		w.until("all", func() bool { return len(w.deliveries(store.DeliveryFilter{State: lanyard.DeliveryDelivered})) == 200 })
		got := r.ids()
		slices.Sort(got)
		slices.Sort(ids)
		if !slices.Equal(got, ids) {
			t.Errorf("got %d messages of %d events, want each once", len(got), len(ids))
		}
	})
}

// A process that died between sending and marking leaves its lease. When that ends,
// the event goes out again, and has its id.
func TestALostTryIsMadeAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		r := w.receiver(nil)
		e, _ := w.create(r.url)
		id := w.happens(lanyard.Event{})[0]
		w.must(db.Bookkeep(t.Context(), func(tx *store.Tx) error { // by the one that died
			if _, err := tx.HandEvent(id); err != nil {
				return err
			}
			if _, err := tx.AddDelivery(lanyard.Delivery{Project: w.project, Endpoint: e.ID, Event: id, Type: lanyard.EventAppRecovered}); err != nil {
				return err
			}
			_, err := tx.ClaimDeliveries(e.ID, tx.Now().Add(1500*time.Millisecond), 1)
			return err
		}))
		began := time.Now()
		w.node()
		w.until("again", func() bool { return len(r.all()) == 1 })
		if took := time.Since(began); took < time.Second || r.ids()[0] != id {
			t.Errorf("got %s after %v, want %s after its lease", r.ids()[0], took, id)
		}
	})
}

// An answer that repeats what is secret is not kept like that, and what is kept is sealed.
func TestAnswersAreKeptWithoutSecrets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		secret := ""
		r := w.receiver(func(rw http.ResponseWriter, r *http.Request, _ int) {
			rw.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(rw, "bad signature: %s by %s %s", r.Header.Get("Webhook-Signature"), secret, strings.Repeat("long ", 300))
		})
		e, s := w.create(r.url)
		secret = s
		w.happens(lanyard.Event{})
		w.node()
		w.until("answered", func() bool { return w.lastStatus() == 400 })
		d := w.deliveries(store.DeliveryFilter{})[0]
		if !strings.HasPrefix(d.Excerpt, "bad signature: v1,[redacted] v1a,[redacted] by [redacted] long long") || len([]rune(d.Excerpt)) > 500 {
			t.Errorf("got %q", d.Excerpt)
		}
		if strings.Contains(string(d.Answer), "signature") || strings.Contains(string(w.endpoint(e.ID).Secret), secret) {
			t.Error("it is not sealed")
		}
	})
}

// Nothing leaves a copy of another instance, and inside addresses are not reached by
// anybody; the answer does not say what is there.
func TestNothingReachesInside(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		inside := w.receiver(nil)
		outside := w.receiver(func(rw http.ResponseWriter, _ *http.Request, _ int) {
			rw.Header().Set("Location", inside.url)
			rw.WriteHeader(http.StatusTemporaryRedirect)
		})
		w.create(outside.url)
		for _, u := range []string{"http://10.0.0.1/", "https://10.0.0.1/", "https://169.254.169.254/latest", "https://[fd00::1]/", "ftp://a.example/",
			"https://user:pw@a.example/", "https://a.example/#f", "//a.example", "https://[::ffff:10.0.0.1]/", "https://100.64.0.1/", "https://a.example:25/" + strings.Repeat("x", 2000)} {
			if _, _, err := w.s.Create(t.Context(), w.p, webhookSpec(&u, nil)); !errors.Is(err, lanyard.CodeInvalidRequest) {
				t.Errorf("%s: got %v, want it refused", u, err)
			}
		}
		w.hold = func() error { return errors.New("a copy") }
		copied := w.node()
		w.happens(lanyard.Event{})
		time.Sleep(time.Second)
		if n := len(outside.all()); n != 0 {
			t.Errorf("got %d messages from a copy", n)
		}
		copied()
		w.hold = nil
		w.node()
		w.until("tried", func() bool { return w.lastStatus() == 307 })
		if n := len(inside.all()); n != 0 {
			t.Error("a redirect was followed")
		}
	})
}

// A secret that was tampered with signs nothing, and raises the alarm once, not at
// every try.
func TestATamperedSecretStopsItsEndpoint(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		r := w.receiver(nil)
		e, _ := w.create(r.url)
		sealed, err := w.vault.Seal(t.Context(), vault.ProjectKey(w.project), vault.Place{Project: w.project, Row: "we_other", Field: "endpoints.secret"}, lanyard.NewSecret("s"))
		w.must(err)
		e.Secret = sealed
		w.must(db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.PutEndpoint(e) }))
		w.happens(lanyard.Event{}, lanyard.Event{})
		w.node()
		w.until("disabled", func() bool { return w.endpoint(e.ID).Reason == lanyard.CodeTampered })
		if n := len(r.all()); n != 0 {
			t.Errorf("got %d messages", n)
		}
	})
}
