package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

func TestPagesMeetEveryRowOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		const n = 23
		want := []string{string(w.entry.ID)}
		for range n - 1 {
			e := w.entry
			e.ID = newID[lanyard.EntryID]("aud_")
			want = append(want, string(e.ID))
			must(t, db.Read(t.Context(), func(*store.Query) (lanyard.Entry, error) { return e, nil }))
		}
		slices.Sort(want)
		slices.Reverse(want)
		for _, limit := range []int{1, 7, 22, 23, 24, 1000} {
			var got []string
			page := lanyard.Page{Limit: limit}
			for pages := 1; ; pages++ {
				var next string
				var entries []lanyard.Entry
				must(t, db.View(t.Context(), func(q *store.Query) (err error) {
					entries, next, err = q.Entries(w.project.ID, lanyard.EntryFilter{}, page)
					return err
				}))
				for _, e := range entries {
					got = append(got, string(e.ID))
				}
				if next == "" || pages > n {
					break
				}
				page.Cursor = next
			}
			same(t, fmt.Sprintf("by %d", limit), got, want)

			// And back again, from the last of them: the same rows but for that one.
			got = nil
			page = lanyard.Page{Limit: limit, Cursor: want[n-1], Back: true}
			for pages := 1; ; pages++ {
				var next string
				var entries []lanyard.Entry
				must(t, db.View(t.Context(), func(q *store.Query) (err error) {
					entries, next, err = q.Entries(w.project.ID, lanyard.EntryFilter{}, page)
					return err
				}))
				var ids []string
				for _, e := range entries {
					ids = append(ids, string(e.ID))
				}
				got = append(ids, got...)
				if next == "" || pages > n {
					break
				}
				page.Cursor = next
			}
			same(t, fmt.Sprintf("back by %d", limit), got, want[:n-1])
		}
	})
}

// The filter by status is SQL; StatusOf is the rule. They agree on all inputs.
func TestStatusInSQLIsStatusOf(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		want := map[lanyard.Status][]string{}
		rule := func(state lanyard.ConnectionState, health lanyard.Health, needed, granted []string, id lanyard.ConnectionID) {
			s := lanyard.StatusOf(state, health, lanyard.MissingScopes(needed, granted))
			want[s] = append(want[s], string(id))
		}
		rule(w.connection.State, w.grant.Health, w.connection.Needed, w.grant.Scopes, w.connection.ID)
		done(t, db, func(tx *store.Tx) error {
			for _, state := range []lanyard.ConnectionState{lanyard.Live, lanyard.Paused, lanyard.Revoked} {
				for _, health := range []lanyard.Health{lanyard.Healthy, lanyard.Degraded, lanyard.Dead} {
					for i, granted := range [][]string{{"a", "b"}, {"b"}, nil} {
						for _, needed := range [][]string{{"a", "b"}, nil} {
							g, c := w.grant, w.connection
							g.ID, c.ID = newID[lanyard.GrantID]("grt_"), newID[lanyard.ConnectionID]("con_")
							g.SubjectHash = hash(string(g.ID))
							c.Grant, c.State, c.Needed, g.Health, g.Scopes = g.ID, state, needed, health, granted
							if i == 0 { // granted at first, and lost by a renewal
								g.Scopes = []string{"x"}
							}
							if err := tx.AddGrant(g); err != nil {
								return err
							}
							if err := tx.AddConnection(c); err != nil {
								return err
							}
							if g.Scopes = granted; i == 0 {
								if ok, err := tx.CommitTokens(g, g.Family, g.Generation); err != nil || !ok {
									return fmt.Errorf("commit: %v, %w", ok, err)
								}
							}
							rule(state, health, needed, granted, c.ID)
						}
					}
				}
			}
			return nil
		})
		total := 0
		for _, s := range []lanyard.Status{lanyard.StatusActive, lanyard.StatusPartial, lanyard.StatusDegraded,
			lanyard.StatusNeedsReauth, lanyard.StatusPaused, lanyard.StatusRevoked, "nonsense"} {
			held := view(t, db, func(q *store.Query) ([]store.Held, error) {
				h, _, err := q.Connections(w.project.ID, lanyard.ConnectionFilter{Status: s}, lanyard.Page{Limit: 200})
				return h, err
			})
			var got []string
			for _, h := range held {
				got = append(got, string(h.Connection.ID))
				if is := lanyard.StatusOf(h.Connection.State, h.Grant.Health, lanyard.MissingScopes(h.Connection.Needed, h.Grant.Scopes)); is != s {
					t.Errorf("filter %s: got one that is %s", s, is)
				}
			}
			slices.Sort(want[s])
			slices.Reverse(want[s])
			same(t, string(s), got, want[s])
			total += len(got)
		}
		if total != 55 {
			t.Errorf("got %d connections in all, want 55", total)
		}
	})
}

func TestConnectionFilters(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		other := w.connection
		other.ID, other.Person, other.Provider, other.App, other.Label = newID[lanyard.ConnectionID]("con_"), "per_2", "google", "app_2", "home"
		other.DroppedAt = time.Time{}
		done(t, db, func(tx *store.Tx) error { return tx.AddConnection(other) })
		for _, f := range []lanyard.ConnectionFilter{{Person: w.person.ID}, {Provider: "zoom"}, {App: w.app.ID}, {Label: "work"},
			{Person: w.person.ID, Provider: "zoom", App: w.app.ID, Label: "work", Status: lanyard.StatusDegraded}} {
			held := view(t, db, func(q *store.Query) ([]store.Held, error) {
				h, _, err := q.Connections(w.project.ID, f, lanyard.Page{})
				return h, err
			})
			if len(held) != 1 || held[0].Connection.ID != w.connection.ID {
				t.Errorf("%+v: got %d connections, want the one", f, len(held))
			}
		}
		kept := view(t, db, func(q *store.Query) ([]store.Held, error) {
			h, _, err := q.Connections(w.project.ID, lanyard.ConnectionFilter{Kept: true}, lanyard.Page{})
			return h, err
		})
		if len(kept) != 1 || kept[0].Connection.ID != other.ID {
			t.Errorf("got %d connections, want the one that nobody has let go of", len(kept))
		}
	})
}

func TestEntryFilters(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		read := lanyard.NewEntry(lanyard.Principal{Project: w.project.ID, Name: "key:other", Key: "lyk_o"}, lanyard.ActTokenRead)
		must(t, db.Read(t.Context(), func(*store.Query) (lanyard.Entry, error) { return read, nil }))
		operator := lanyard.NewEntry(lanyard.Principal{Operator: true, Name: "operator"}, lanyard.ActProjectChanged)
		must(t, db.Read(t.Context(), func(*store.Query) (lanyard.Entry, error) { return operator, nil }))
		now := time.Now()
		for _, c := range []struct {
			name string
			f    lanyard.EntryFilter
			want []lanyard.EntryID
		}{
			{"all", lanyard.EntryFilter{}, []lanyard.EntryID{read.ID, w.entry.ID}},
			{"connection", lanyard.EntryFilter{Connection: w.connection.ID}, []lanyard.EntryID{w.entry.ID}},
			{"session", lanyard.EntryFilter{Session: w.session.ID}, []lanyard.EntryID{w.entry.ID}},
			{"what, rare", lanyard.EntryFilter{What: lanyard.ActConnectionCreated}, []lanyard.EntryID{w.entry.ID}},
			{"what, common", lanyard.EntryFilter{What: lanyard.ActTokenRead}, []lanyard.EntryID{read.ID}},
			{"who", lanyard.EntryFilter{Who: "key:other"}, []lanyard.EntryID{read.ID}},
			{"outcome, rare", lanyard.EntryFilter{Outcome: "failed"}, []lanyard.EntryID{w.entry.ID}},
			{"outcome, common", lanyard.EntryFilter{Outcome: "ok"}, []lanyard.EntryID{read.ID}},
			{"since", lanyard.EntryFilter{Since: now.Add(-time.Minute)}, []lanyard.EntryID{read.ID, w.entry.ID}},
			{"since tomorrow", lanyard.EntryFilter{Since: now.Add(time.Hour)}, nil},
			{"until", lanyard.EntryFilter{Until: now.Add(time.Minute)}, []lanyard.EntryID{read.ID, w.entry.ID}},
			{"until the first", lanyard.EntryFilter{Until: w.entry.At}, nil},
			{"since the first, until the second", lanyard.EntryFilter{Since: w.entry.At, Until: w.entry.At.Add(time.Microsecond)}, []lanyard.EntryID{w.entry.ID}},
			{"everything", lanyard.EntryFilter{Connection: w.connection.ID, Session: w.session.ID, What: w.entry.What, Who: w.entry.Who,
				Outcome: "failed", Since: now.Add(-time.Minute), Until: now.Add(time.Minute)}, []lanyard.EntryID{w.entry.ID}},
		} {
			entries := view(t, db, func(q *store.Query) ([]lanyard.Entry, error) {
				e, _, err := q.Entries(w.project.ID, c.f, lanyard.Page{})
				return e, err
			})
			var got []lanyard.EntryID
			for _, e := range entries {
				got = append(got, e.ID)
				if e.At.Before(now.Add(-time.Minute)) || e.At.After(now.Add(time.Minute)) {
					t.Errorf("%s: got at %v, want now", c.name, e.At)
				}
			}
			same(t, c.name, got, c.want)
		}
		own := view(t, db, func(q *store.Query) ([]lanyard.Entry, error) {
			e, _, err := q.Entries("", lanyard.EntryFilter{}, lanyard.Page{})
			return e, err
		})
		if len(own) != 1 || own[0].ID != operator.ID {
			t.Errorf("got %d entries of the operator, want the one", len(own))
		}
	})
}

func TestEventsByType(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		done(t, db, func(tx *store.Tx) error {
			return tx.AddEvent(lanyard.Event{Project: w.project.ID, Type: lanyard.EventNeedsReauth, Connection: w.connection.ID})
		})
		for _, c := range []struct {
			types []lanyard.EventType
			want  int
		}{{nil, 2}, {[]lanyard.EventType{lanyard.EventNeedsReauth}, 1}, {[]lanyard.EventType{lanyard.EventNeedsReauth, lanyard.EventConnectionCreated}, 2},
			{[]lanyard.EventType{lanyard.EventTampered}, 0}} {
			got := view(t, db, func(q *store.Query) ([]lanyard.Event, error) {
				e, _, err := q.Events(w.project.ID, lanyard.Page{}, c.types...)
				return e, err
			})
			if len(got) != c.want {
				t.Errorf("%v: got %d events, want %d", c.types, len(got), c.want)
			}
			for _, e := range got {
				if !lanyard.ValidID("evt_", string(e.ID)) || e.At.IsZero() {
					t.Errorf("got event %q at %v, want both set", e.ID, e.At)
				}
			}
		}
	})
}
