package store_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

func TestBots(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, other := newWorld(), newWorld()
		w.add(t, db)
		other.add(t, db)
		p := w.project.ID
		read := func(id lanyard.BotID) lanyard.Bot {
			t.Helper()
			return view(t, db, func(q *store.Query) (lanyard.Bot, error) { return q.Bot(p, id) })
		}
		same(t, "a bot", read(w.bot.ID), w.bot)
		same(t, "by what its runner calls it", view(t, db, func(q *store.Query) (lanyard.Bot, error) { return q.BotByRef(p, w.bot.Ref) }), w.bot)
		same(t, "by its dedup key", view(t, db, func(q *store.Query) (lanyard.Bot, error) { return q.BotByDedupKey(p, w.bot.DedupKey) }), w.bot)
		absent := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, lanyard.NotFound) {
				t.Errorf("%s: got %v, want not_found", what, err)
			}
		}
		must(t, db.View(t.Context(), func(q *store.Query) error {
			_, err := q.Bot(p, other.bot.ID)
			absent("another project's", err)
			_, err = q.BotByRef(p, "")
			absent("what no runner calls anything", err)
			_, err = q.BotByDedupKey(p, "")
			absent("no dedup key", err)
			return nil
		}))

		// One bot at a time has a dedup key; a project does not see another's.
		second := w.bot
		second.ID, second.Ref = newID[lanyard.BotID]("bot_"), ""
		err := db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.AddBot(second) })
		if _, exists := errors.AsType[*store.ExistsError](err); !exists {
			t.Errorf("two with one dedup key: got %v, want an ExistsError", err)
		}
		over := w.bot
		over.State, over.Ref, over.Meeting, over.Provider, over.Metadata, over.EndedAt, over.NextAt, over.Tries, over.LeaseUntil =
			lanyard.BotLeft, "their-2", nil, "", nil, day.Add(time.Hour), time.Time{}, nil, time.Time{}
		done(t, db, func(tx *store.Tx) error {
			was, err := tx.LockBot(p, w.bot.ID)
			same(t, "locked", was, w.bot)
			return errors.Join(err, tx.PutBot(over))
		})
		got := read(w.bot.ID)
		if got.UpdatedAt.Equal(day) {
			t.Error("updated_at stays when a bot is changed")
		}
		got.UpdatedAt = over.UpdatedAt
		same(t, "changed", got, over)
		done(t, db, func(tx *store.Tx) error { return tx.AddBot(second) }) // the first is over: its key is free

		// What it was called before finds a bot, where none is called so now.
		before := func(p lanyard.ProjectID) lanyard.BotID {
			var id lanyard.BotID
			err := db.View(t.Context(), func(q *store.Query) error {
				b, err := q.BotByRef(p, "their-0")
				id = b.ID
				return err
			})
			if err != nil {
				absent("by what it was called", err)
			}
			return id
		}
		same(t, "by what nothing was called", before(p), "")
		called := second
		called.Ref = "their-0"
		done(t, db, func(tx *store.Tx) error { return errors.Join(tx.KeepBotRef(called), tx.KeepBotRef(called)) })
		same(t, "by what it was called", before(p), second.ID)
		same(t, "by what another project's was called", before(other.project.ID), "")
		now := over
		now.Ref = "their-0"
		done(t, db, func(tx *store.Tx) error { return tx.PutBot(now) })
		same(t, "by what one was called and one is", before(p), over.ID)
		done(t, db, func(tx *store.Tx) error { return tx.PutBot(over) })

		step := lanyard.BotStep{ID: newID[lanyard.EntryID]("aud_"), Project: p, Bot: second.ID, At: day, State: lanyard.BotJoining,
			Connection: w.connection.ID, Code: lanyard.CodePersonAbsent, SDK: "4017", By: "caller"}
		done(t, db, func(tx *store.Tx) error { return tx.AddBotStep(step) })
		steps := func(p lanyard.ProjectID) []lanyard.BotStep {
			return view(t, db, func(q *store.Query) ([]lanyard.BotStep, error) { return q.BotSteps(p, second.ID) })
		}
		same(t, "the time line", steps(p), []lanyard.BotStep{step})
		same(t, "the time line, for another project", steps(other.project.ID), nil)

		key := w.key
		key.ID, key.Bot, key.RevokedAt = newID[lanyard.KeyID]("lyk_"), second.ID, time.Time{}
		done(t, db, func(tx *store.Tx) error { return tx.AddKey(key) })
		absent("deleting another project's", db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.DeleteBot(other.project.ID, second.ID) }))
		done(t, db, func(tx *store.Tx) error { return tx.DeleteBot(p, second.ID) })
		same(t, "the time line of what was deleted", steps(p), nil)
		done(t, db, func(tx *store.Tx) error { return tx.AddBot(second) })
		same(t, "by what one was called that was deleted", before(p), "")
		done(t, db, func(tx *store.Tx) error { return tx.DeleteBot(p, second.ID) })
		if view(t, db, func(q *store.Query) (store.Key, error) { return q.Key(key.ID) }).RevokedAt.IsZero() {
			t.Error("a bot was deleted, and its key lives")
		}
		if !view(t, db, func(q *store.Query) (store.Key, error) { return q.Key(w.key.ID) }).RevokedAt.IsZero() {
			t.Error("a bot was deleted, and a key of nobody's ended")
		}

		purge := func(before time.Time) int {
			return keep(t, db, func(tx *store.Tx) (int, error) { return tx.PurgeBots(before, 10) })
		}
		same(t, "purged, too early", purge(over.EndedAt), 0)
		same(t, "purged", purge(over.EndedAt.Add(time.Second)), 1)
		done(t, db, func(tx *store.Tx) error { _, err := tx.PurgeBots(time.Now().Add(time.Minute), 10); return err })
		absent("a key that outlived its bot", db.View(t.Context(), func(q *store.Query) error { _, err := q.Key(key.ID); return err }))
		_ = view(t, db, func(q *store.Query) (store.Key, error) { return q.Key(w.key.ID) }) // nobody's own
		same(t, "the other project's", view(t, db, func(q *store.Query) (lanyard.Bot, error) { return q.Bot(other.project.ID, other.bot.ID) }), other.bot)
	})
}

func TestBotsAreFiltered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, other := newWorld(), newWorld()
		w.add(t, db)
		other.add(t, db)
		add := func(change func(*lanyard.Bot)) lanyard.BotID {
			b := w.bot
			b.ID, b.DedupKey, b.Ref = newID[lanyard.BotID]("bot_"), "", ""
			change(&b)
			done(t, db, func(tx *store.Tx) error { return tx.AddBot(b) })
			return b.ID
		}
		joined := add(func(b *lanyard.Bot) {
			b.State, b.Metadata = lanyard.BotJoined, map[string]string{"k": "v", "who": `"x" 'y' %`}
		})
		meet := add(func(b *lanyard.Bot) { b.Provider, b.Metadata, b.Dialect = "", nil, lanyard.DialectNone })
		late := add(func(b *lanyard.Bot) { b.JoinAt, b.Metadata = day.Add(time.Hour), map[string]string{"k": "w", "": "v"} })
		for name, tc := range map[string]struct {
			f    lanyard.BotFilter
			want []lanyard.BotID
		}{
			"all":                       {lanyard.BotFilter{}, []lanyard.BotID{late, meet, joined, w.bot.ID}},
			"two states":                {lanyard.BotFilter{States: []lanyard.BotState{lanyard.BotJoined, lanyard.BotLeft}}, []lanyard.BotID{joined}},
			"metadata":                  {lanyard.BotFilter{Metadata: map[string]string{"k": "v"}}, []lanyard.BotID{joined, w.bot.ID}},
			"two members":               {lanyard.BotFilter{Metadata: map[string]string{"k": "v", "who": `"x" 'y' %`}}, []lanyard.BotID{joined}},
			"a value of another member": {lanyard.BotFilter{Metadata: map[string]string{"who": "v"}}, nil},
			"a name that is a wildcard": {lanyard.BotFilter{Metadata: map[string]string{"%": "v"}}, nil},
			"a dedup key":               {lanyard.BotFilter{DedupKey: "one"}, []lanyard.BotID{w.bot.ID}},
			"a dialect":                 {lanyard.BotFilter{Dialect: lanyard.DialectAttendee}, []lanyard.BotID{late, joined, w.bot.ID}},
			"a provider":                {lanyard.BotFilter{Provider: "zoom", States: []lanyard.BotState{lanyard.BotReady}}, []lanyard.BotID{late, w.bot.ID}},
			"from":                      {lanyard.BotFilter{From: day.Add(time.Second)}, []lanyard.BotID{late}},
			"to":                        {lanyard.BotFilter{To: day.Add(time.Hour)}, []lanyard.BotID{meet, joined, w.bot.ID}},
		} {
			got, next, err := func() (ids []lanyard.BotID, next string, err error) {
				err = db.View(t.Context(), func(q *store.Query) error {
					list, n, err := q.Bots(w.project.ID, tc.f, lanyard.Page{})
					for _, b := range list {
						ids = append(ids, b.ID)
					}
					next = n
					return err
				})
				return ids, next, err
			}()
			must(t, err)
			if !slices.Equal(got, tc.want) || next != "" {
				t.Errorf("%s: got %v and %q, want %v", name, got, next, tc.want)
			}
		}
	})
}

// Two nodes look for what is due at the same moment: each bot is somebody's, once. Who is
// woken waits for a person in that meeting of that project.
func TestBotsAreClaimedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, other := newWorld(), newWorld()
		w.add(t, db)
		other.add(t, db)
		for i := range 20 {
			b := w.bot
			b.ID, b.DedupKey, b.Ref, b.LeaseUntil = newID[lanyard.BotID]("bot_"), strconv.Itoa(i), "", time.Time{}
			done(t, db, func(tx *store.Tx) error { return tx.AddBot(b) })
		}
		until := time.Now().Add(time.Minute).Truncate(time.Microsecond).UTC()
		claimed := make(chan []lanyard.Bot)
		for range 4 {
			go func() {
				var mine []lanyard.Bot
				for range 4 {
					_ = db.Bookkeep(context.Background(), func(tx *store.Tx) error {
						bots, err := tx.ClaimBots(until, 3)
						mine = append(mine, bots...)
						return err
					})
				}
				claimed <- mine
			}()
		}
		seen := map[lanyard.BotID]int{}
		for range 4 {
			for _, b := range <-claimed {
				if seen[b.ID]++; !b.LeaseUntil.Equal(until) {
					t.Errorf("got a lease until %v, want %v", b.LeaseUntil, until)
				}
			}
		}
		same(t, "claimed", len(seen), 22) // with each world's own
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s: claimed %d times, want once", id, n)
			}
		}
		due := func() bool {
			return view(t, db, func(q *store.Query) (bool, error) { return q.BotDue(time.Now()) })
		}
		if due() {
			t.Error("what is claimed is still due")
		}

		far := time.Now().Add(time.Hour).Truncate(time.Microsecond).UTC()
		wait := func(b lanyard.Bot, state lanyard.BotState) {
			b.State, b.NextAt, b.LeaseUntil = state, far, time.Time{}
			done(t, db, func(tx *store.Tx) error { return tx.PutBot(b) })
		}
		wait(w.bot, lanyard.BotWaitingForPerson)
		wait(other.bot, lanyard.BotWaitingForPerson)
		done(t, db, func(tx *store.Tx) error { return tx.WakeBots(w.project.ID, []byte("another meeting")) })
		if due() {
			t.Error("woken by another meeting")
		}
		done(t, db, func(tx *store.Tx) error { return tx.WakeBots(w.project.ID, w.bot.Meeting) })
		woken := keep(t, db, func(tx *store.Tx) ([]lanyard.Bot, error) { return tx.ClaimBots(until, 10) })
		if len(woken) != 1 || woken[0].ID != w.bot.ID {
			t.Errorf("got %v, want the one that waits in this project", woken)
		}
		wait(w.bot, lanyard.BotJoined)
		done(t, db, func(tx *store.Tx) error { return tx.WakeBots(w.project.ID, w.bot.Meeting) })
		if due() {
			t.Error("one that is in was woken")
		}
	})
}
