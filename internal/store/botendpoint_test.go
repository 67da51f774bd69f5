package store_test

import (
	"errors"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// An endpoint of one bot is none of the project's, rests once the bot is over and nothing is
// on its way there, and goes with the bot, its deliveries too.
func TestBotEndpoints(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, other := newWorld(), newWorld()
		w.add(t, db)
		other.add(t, db)
		p, bot := w.project.ID, w.bot.ID
		own, sent := w.endpoint, w.delivery
		own.ID, own.Bot, own.Format = newID[lanyard.EndpointID]("we_"), bot, lanyard.FormatAttendee
		sent.ID, sent.Endpoint = newID[lanyard.DeliveryID]("dlv_"), own.ID
		done(t, db, func(tx *store.Tx) error {
			_, err := tx.AddDelivery(sent)
			return errors.Join(tx.AddEndpoint(own), err)
		})
		of := func(project lanyard.ProjectID, bot lanyard.BotID) []lanyard.Endpoint {
			t.Helper()
			return view(t, db, func(q *store.Query) ([]lanyard.Endpoint, error) { return q.BotEndpoints(project, bot) })
		}
		same(t, "the bot's", of(p, bot), []lanyard.Endpoint{own})
		same(t, "to another project", len(of(other.project.ID, bot)), 0)
		same(t, "of no bot", len(of(p, "")), 0)
		must(t, db.View(t.Context(), func(q *store.Query) error {
			list, _, err := q.Endpoints(p, lanyard.Page{})
			told, err1 := q.EnabledEndpoints(p)
			n, err2 := q.CountEndpoints(p)
			same(t, "listed", list, []lanyard.Endpoint{w.endpoint})
			same(t, "told", told, []lanyard.Endpoint{w.endpoint})
			same(t, "counted", n, 1)
			if _, err := q.NewestEndpoint(p, lanyard.FormatAttendee); !errors.Is(err, lanyard.CodeNotFound) {
				t.Errorf("the newest of a format that only a bot has: got %v, want not_found", err)
			}
			newest, err3 := q.NewestEndpoint(p, lanyard.FormatStandard)
			same(t, "the newest", newest, w.endpoint)
			return errors.Join(err, err1, err2, err3)
		}))

		rests := func(what string, want lanyard.EndpointState) {
			t.Helper()
			done(t, db, func(tx *store.Tx) error { return tx.RestEndpoints(day.Add(time.Hour)) })
			same(t, what, of(p, bot)[0].State, want)
			same(t, what+": the project's", view(t, db, func(q *store.Query) (lanyard.Endpoint, error) { return q.Endpoint(p, w.endpoint.ID) }).State, lanyard.EndpointEnabled)
		}
		rests("its bot is not over", lanyard.EndpointEnabled)
		over := w.bot
		over.State, over.EndedAt = lanyard.BotLeft, day.Add(2*time.Hour)
		put := func() {
			done(t, db, func(tx *store.Tx) error {
				_, err := tx.LockBot(p, bot)
				return errors.Join(err, tx.PutBot(over))
			})
		}
		put()
		rests("it is over since then", lanyard.EndpointEnabled)
		over.EndedAt = day
		put()
		rests("something is on its way", lanyard.EndpointEnabled)
		done(t, db, func(tx *store.Tx) error { return tx.StopDeliveries(own.ID) })
		rests("nothing is", lanyard.EndpointDisabled)

		gone := func(what string) {
			t.Helper()
			same(t, what, len(of(p, bot)), 0)
			err := db.View(t.Context(), func(q *store.Query) error { _, err := q.Delivery(p, sent.ID); return err })
			if !errors.Is(err, lanyard.CodeNotFound) {
				t.Errorf("%s: its delivery: got %v, want not_found", what, err)
			}
			same(t, what+": the project's", view(t, db, func(q *store.Query) (lanyard.Endpoint, error) { return q.Endpoint(p, w.endpoint.ID) }), w.endpoint)
			same(t, what+": its delivery", view(t, db, func(q *store.Query) (lanyard.Delivery, error) { return q.Delivery(p, w.delivery.ID) }), w.delivery)
		}
		done(t, db, func(tx *store.Tx) error { return tx.DeleteBot(p, bot) })
		gone("the bot was deleted")

		done(t, db, func(tx *store.Tx) error {
			_, err := tx.AddDelivery(sent)
			return errors.Join(tx.AddBot(w.bot), tx.AddEndpoint(own), err)
		})
		put()
		done(t, db, func(tx *store.Tx) error { _, err := tx.PurgeBots(day.Add(time.Hour), 10); return err })
		gone("the bot was purged")
	})
}
