package store_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

func TestEndpointsAndDeliveriesComeBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		other, w := newWorld(), newWorld()
		other.add(t, db)
		w.add(t, db)
		p := w.project.ID
		same(t, "endpoint", view(t, db, func(q *store.Query) (lanyard.Endpoint, error) { return q.Endpoint(p, w.endpoint.ID) }), w.endpoint)
		same(t, "delivery", view(t, db, func(q *store.Query) (lanyard.Delivery, error) { return q.Delivery(p, w.delivery.ID) }), w.delivery)
		same(t, "delivery of the event", view(t, db, func(q *store.Query) (lanyard.Delivery, error) { return q.DeliveryOf(w.endpoint.ID, w.event.ID) }), w.delivery)
		same(t, "event", view(t, db, func(q *store.Query) (lanyard.Event, error) { return q.Event(p, w.event.ID) }), w.event)
		same(t, "count", view(t, db, func(q *store.Query) (int, error) { return q.CountEndpoints(p) }), 1)
		same(t, "enabled", view(t, db, func(q *store.Query) ([]lanyard.Endpoint, error) { return q.EnabledEndpoints(p) }), []lanyard.Endpoint{w.endpoint})
		same(t, "list", view(t, db, func(q *store.Query) ([]lanyard.Endpoint, error) {
			l, _, err := q.Endpoints(p, lanyard.Page{})
			return l, err
		}), []lanyard.Endpoint{w.endpoint})
		for _, f := range []store.DeliveryFilter{{}, {Endpoint: w.endpoint.ID}, {Event: w.event.ID}, {State: lanyard.DeliveryPending}} {
			same(t, "deliveries", view(t, db, func(q *store.Query) ([]lanyard.Delivery, error) {
				l, _, err := q.Deliveries(p, f, lanyard.Page{})
				return l, err
			}), []lanyard.Delivery{w.delivery})
		}

		e := w.endpoint
		e.Name, e.URL, e.Types, e.State, e.Reason = "other", "https://b.example", []lanyard.EventType{"app.recovered"}, lanyard.EndpointDisabled, ""
		e.Secret, e.OldSecret, e.PublicKey, e.OldPublicKey, e.OldUntil = []byte("n"), nil, "whpk_c", "", time.Time{}
		e.UpdatedAt = day.Add(time.Hour)
		done(t, db, func(tx *store.Tx) error { return tx.PutEndpoint(e) })
		same(t, "changed", view(t, db, func(q *store.Query) (lanyard.Endpoint, error) { return q.Endpoint(p, e.ID) }), e)
		done(t, db, func(tx *store.Tx) error { return tx.DeleteEndpoint(p, e.ID) })
		same(t, "deliveries of one that is gone", view(t, db, func(q *store.Query) (int, error) {
			l, _, err := q.Deliveries(p, store.DeliveryFilter{}, lanyard.Page{})
			return len(l), err
		}), 0)
		same(t, "theirs", view(t, db, func(q *store.Query) (lanyard.Endpoint, error) { return q.Endpoint(other.project.ID, other.endpoint.ID) }), other.endpoint)
	})
}

// Eight that claim at the same moment get each delivery once, and none again before
// its lease has ended.
func TestEachDeliveryIsClaimedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.delivery.TryAt = time.Now().Add(24 * time.Hour)
		w.endpoint.HoldUntil = time.Time{}
		w.add(t, db)
		const many = 60
		done(t, db, func(tx *store.Tx) error {
			for range many {
				if _, err := tx.AddDelivery(lanyard.Delivery{Project: w.project.ID, Endpoint: w.endpoint.ID, Event: newID[lanyard.EventID]("evt_"), Type: "x.y"}); err != nil {
					return err
				}
			}
			return nil
		})
		now := time.Now().Add(time.Minute)
		due := func(at time.Time) int {
			return len(view(t, db, func(q *store.Query) ([]lanyard.Endpoint, error) { return q.DueEndpoints(at) }))
		}
		if n := due(now); n < 1 {
			t.Fatalf("got %d endpoints due, want this one", n)
		}
		var mu sync.Mutex
		var got []string
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for {
					var some []lanyard.Delivery
					err := db.Bookkeep(t.Context(), func(tx *store.Tx) (err error) {
						some, err = tx.ClaimDeliveries(w.endpoint.ID, tx.Now().Add(time.Hour), 7)
						return err
					})
					if err != nil || len(some) == 0 {
						if err != nil {
							t.Error(err)
						}
						return
					}
					mu.Lock()
					for _, d := range some {
						if d.Tries != 1 || d.TriedAt.IsZero() {
							t.Errorf("got %+v, want one try counted", d)
						}
						got = append(got, string(d.ID))
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		slices.Sort(got)
		if n := len(slices.Compact(slices.Clone(got))); len(got) < many-8*7 || n != len(got) {
			t.Errorf("got %d claims of %d deliveries", len(got), n)
		}
		if n := due(now); len(got) == many && n != 0 {
			t.Errorf("got %d endpoints due while all is leased, want none", n)
		}
		if n := due(now.Add(2 * time.Hour)); n != 1 {
			t.Errorf("got %d endpoints due after the leases, want 1", n)
		}
	})
}

func TestALeaseIsEndedByWhoHoldsIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		p := w.project.ID
		claim := func() lanyard.Delivery {
			t.Helper()
			l := keep(t, db, func(tx *store.Tx) ([]lanyard.Delivery, error) {
				return tx.ClaimDeliveries(w.endpoint.ID, tx.Now().Add(time.Hour), 5)
			})
			if len(l) != 1 {
				t.Fatalf("got %d claimed, want 1", len(l))
			}
			return l[0]
		}
		end := func(d lanyard.Delivery, leased time.Time) bool {
			t.Helper()
			return keep(t, db, func(tx *store.Tx) (bool, error) { return tx.EndTry(d, leased) })
		}
		first := claim()
		done(t, db, func(tx *store.Tx) error { return tx.Requeue(p, first.ID) }) // the customer asks for it again meanwhile
		over := first
		over.State, over.TryAt = lanyard.DeliveryDelivered, time.Time{}
		if end(over, first.TryAt) {
			t.Error("a lease that was taken away was ended")
		}
		second := claim()
		if second.Tries != 1 {
			t.Errorf("got %d tries, want it to begin again", second.Tries)
		}
		second.State, second.Status, second.Answer, second.Took = lanyard.DeliveryDelivered, 204, nil, time.Millisecond
		leased := second.TryAt
		second.TryAt, second.Error = time.Time{}, ""
		if !end(second, leased) {
			t.Error("the lease was not ours")
		}
		same(t, "delivery", view(t, db, func(q *store.Query) (lanyard.Delivery, error) { return q.Delivery(p, second.ID) }), second)

		added := keep(t, db, func(tx *store.Tx) (bool, error) { return tx.AddDelivery(w.delivery) })
		same(t, "the same event twice", added, false)
		if !keep(t, db, func(tx *store.Tx) (bool, error) { return tx.HandEvent(w.event.ID) }) {
			t.Error("a new event was handed out before")
		}
		if keep(t, db, func(tx *store.Tx) (bool, error) { return tx.HandEvent(w.event.ID) }) {
			t.Error("an event was handed out twice")
		}
		same(t, "waiting", len(view(t, db, func(q *store.Query) ([]lanyard.Event, error) { return q.WaitingEvents(10) })), 0)
		since := func(at time.Time) int {
			return len(view(t, db, func(q *store.Query) ([]lanyard.Event, error) { return q.EventsSince(p, at, "", 10) }))
		}
		same(t, "events since then", since(day), 1)
		same(t, "events since after it", since(day.Add(time.Second)), 0)
	})
}

func TestAnEndpointFailsAndIsDisabled(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.endpoint.FailingSince, w.endpoint.HoldUntil, w.endpoint.Reason = time.Time{}, time.Time{}, ""
		w.add(t, db)
		id := w.endpoint.ID
		is := func() lanyard.Endpoint {
			t.Helper()
			return view(t, db, func(q *store.Query) (lanyard.Endpoint, error) { return q.Endpoint(w.project.ID, id) })
		}
		hold := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
		done(t, db, func(tx *store.Tx) error { return tx.EndpointFailed(id, hold) })
		since := is().FailingSince
		done(t, db, func(tx *store.Tx) error { return tx.EndpointFailed(id, time.Time{}) })
		if e := is(); since.IsZero() || !e.FailingSince.Equal(since) || !e.HoldUntil.Equal(hold) {
			t.Errorf("got failing since %v and held until %v, want %v and %v", e.FailingSince, e.HoldUntil, since, hold)
		}
		due := func(at time.Time) int {
			return len(view(t, db, func(q *store.Query) ([]lanyard.Endpoint, error) { return q.DueEndpoints(at) }))
		}
		same(t, "due while held", due(hold.Add(-time.Second)), 0)
		same(t, "due afterwards", due(hold), 1)
		done(t, db, func(tx *store.Tx) error { return tx.EndpointWorked(id) })
		if e := is(); !e.FailingSince.IsZero() || !e.HoldUntil.IsZero() {
			t.Errorf("got %+v, want nothing against it", e)
		}
		disable := func() bool {
			t.Helper()
			return keep(t, db, func(tx *store.Tx) (bool, error) { return tx.DisableEndpoint(id, lanyard.CodeWebhookGone) })
		}
		if !disable() || disable() {
			t.Error("an endpoint is disabled once")
		}
		d := view(t, db, func(q *store.Query) (lanyard.Delivery, error) { return q.Delivery(w.project.ID, w.delivery.ID) })
		if e := is(); e.State != lanyard.EndpointDisabled || e.Reason != lanyard.CodeWebhookGone || d.State != lanyard.DeliveryStopped || !d.TryAt.IsZero() {
			t.Errorf("got %s for %s, delivery %s", e.State, e.Reason, d.State)
		}
		done(t, db, func(tx *store.Tx) error { return tx.DropOldSecrets() })
		if e := is(); e.OldSecret != nil || e.OldPublicKey != "" || !e.OldUntil.IsZero() {
			t.Errorf("got %+v, want the old secret forgotten", e)
		}
		if n := keep(t, db, func(tx *store.Tx) (int, error) { return tx.PurgeDeliveries(time.Now().Add(-time.Hour), 10) }); n != 0 {
			t.Errorf("got %d young deliveries purged", n)
		}
		if n := keep(t, db, func(tx *store.Tx) (int, error) { return tx.PurgeDeliveries(time.Now().Add(time.Hour), 10) }); n != 1 {
			t.Errorf("got %d old deliveries purged, want 1", n)
		}
	})
}
