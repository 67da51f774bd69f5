package store_test

import (
	"cmp"
	"slices"
	"sync"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

func mailOf(p lanyard.ProjectID, cause, on string) lanyard.Mail {
	return lanyard.Mail{ID: lanyard.NewID[lanyard.MailID]("ml_"), Project: p, Audience: lanyard.ToProject, Cause: cause, Day: on, Event: "evt_1",
		Type: lanyard.EventNeedsReauth, Connection: "con_1", CreatedAt: day}
}

func copyOf(m lanyard.Mail, recipient string) lanyard.MailCopy {
	return lanyard.MailCopy{ID: lanyard.NewID[lanyard.MailCopyID]("mc_"), Project: m.Project, Mail: m.ID, Recipient: []byte(recipient), TryAt: day, CreatedAt: day}
}

// A cause is told once a day to an audience, by whoever comes first, and what another
// project has told does not count.
func TestMailsAreOncePerCauseAndDay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mine, other := lanyard.NewID[lanyard.ProjectID]("prj_"), lanyard.NewID[lanyard.ProjectID]("prj_")
		first := mailOf(mine, "a:1", "2026-01-02")
		toPerson := mailOf(mine, "a:1", "2026-01-02")
		toPerson.Audience, toPerson.Person = lanyard.ToPerson, "per_1"
		done(t, db, func(tx *store.Tx) error {
			for i, c := range []struct {
				m    lanyard.Mail
				want bool
			}{
				{first, true}, {mailOf(mine, "a:1", "2026-01-02"), false}, {mailOf(mine, "a:1", "2026-01-03"), true},
				{mailOf(mine, "a:2", "2026-01-02"), true}, {mailOf(other, "a:1", "2026-01-02"), true}, {toPerson, true},
			} {
				got, err := tx.AddMail(c.m)
				if err != nil || got != c.want {
					t.Errorf("%d: got %v %v, want %v", i, got, err, c.want)
				}
			}
			return nil
		})
		same(t, "mail", view(t, db, func(q *store.Query) (lanyard.Mail, error) { return q.Mail(mine, first.ID) }), first)
		same(t, "by cause", view(t, db, func(q *store.Query) (lanyard.Mail, error) {
			return q.MailOf(mine, lanyard.ToProject, "a:1", "2026-01-02")
		}), first)
		same(t, "theirs", view(t, db, func(q *store.Query) (bool, error) {
			_, err := q.Mail(other, first.ID)
			return lanyard.CodeOf(err) == lanyard.CodeNotFound, nil
		}), true)
		same(t, "of a project", view(t, db, func(q *store.Query) (int, error) { return q.CountMails(mine, day) }), 3)
		same(t, "later than that", view(t, db, func(q *store.Query) (int, error) { return q.CountMails(mine, day.Add(time.Second)) }), 0)
		same(t, "of a person", view(t, db, func(q *store.Query) (int, error) { return q.CountPersonMails(mine, "per_1", day) }), 1)
		same(t, "of a person elsewhere", view(t, db, func(q *store.Query) (int, error) { return q.CountPersonMails(other, "per_1", day) }), 0)

		digest := mailOf(mine, lanyard.DigestCause, "h")
		var told []lanyard.Mail
		done(t, db, func(tx *store.Tx) error {
			if _, err := tx.AddMail(digest); err != nil {
				return err
			}
			for _, about := range []string{"b:1", "b:2", "b:3"} {
				m := mailOf(mine, about, "2026-01-02")
				m.Digest = digest.ID
				told = append(told, m)
				if _, err := tx.AddMail(m); err != nil {
					return err
				}
			}
			return nil
		})
		slices.SortFunc(told, func(a, b lanyard.Mail) int { return cmp.Compare(a.ID, b.ID) }) // made in one moment, in no order
		must(t, db.View(t.Context(), func(q *store.Query) error {
			got, n, err := q.Digested(mine, digest.ID, 2)
			if err != nil || n != 3 {
				t.Errorf("got %d, %v, want 3", n, err)
			}
			same(t, "digested", got, told[:2])
			if none, n, err := q.Digested(other, digest.ID, 2); err != nil || n != 0 || len(none) != 0 {
				t.Errorf("another project: got %d, %v", n, err)
			}
			return nil
		}))
		same(t, "by themselves", view(t, db, func(q *store.Query) (int, error) { return q.CountMails(mine, day) }), 3)
	})
}

// Eight that claim at the same moment get each copy once; a lease that another has
// taken over cannot be ended; what is old is forgotten with its copies.
func TestEachMailCopyIsClaimedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := lanyard.NewID[lanyard.ProjectID]("prj_")
		m := mailOf(p, "a:1", "2026-01-02")
		const many = 40
		done(t, db, func(tx *store.Tx) error {
			if _, err := tx.AddMail(m); err != nil {
				return err
			}
			for n := range many {
				if err := tx.AddCopy(copyOf(m, string(rune('A'+n)))); err != nil {
					return err
				}
			}
			return tx.AddCopy(copyOf(m, "A")) // the same address once more
		})
		var mu sync.Mutex
		seen := map[lanyard.MailCopyID]lanyard.MailCopy{}
		twice := 0
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range many / 8 * 2 {
					var got []lanyard.MailCopy
					if err := db.Bookkeep(t.Context(), func(tx *store.Tx) (err error) {
						got, err = tx.ClaimCopies(p, tx.Now().Add(time.Hour), 4)
						return err
					}); err != nil {
						t.Error(err)
					}
					mu.Lock()
					for _, c := range got {
						if _, there := seen[c.ID]; there {
							twice++
						}
						seen[c.ID] = c
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(seen) != many || twice != 0 {
			t.Fatalf("got %d copies, %d of them twice; want %d", len(seen), twice, many)
		}
		same(t, "waiting", view(t, db, func(q *store.Query) (int, error) { return q.CountWaitingMails() }), many)
		for _, c := range seen {
			if c.Tries != 1 || c.State != lanyard.MailPending {
				t.Errorf("got %+v", c)
			}
			leased := c.TryAt
			c.State, c.TryAt, c.Answer = lanyard.MailSent, time.Time{}, 250
			for _, try := range []struct {
				project lanyard.ProjectID
				leased  time.Time
				want    bool
			}{{"prj_other", leased, false}, {p, leased.Add(time.Second), false}, {p, leased, true}, {p, leased, false}} {
				done(t, db, func(tx *store.Tx) error {
					c := c
					c.Project = try.project
					got, err := tx.EndCopy(c, try.leased)
					if got != try.want {
						t.Errorf("got %v, want %v", got, try.want)
					}
					return err
				})
			}
		}
		now := view(t, db, func(q *store.Query) (time.Time, error) { return q.Now() })
		same(t, "due", view(t, db, func(q *store.Query) ([]lanyard.ProjectID, error) { return q.DueMailProjects(now.Add(2*time.Hour), 9) }), nil)
		done(t, db, func(tx *store.Tx) error {
			n, err := tx.PurgeMails(now.Add(-time.Hour), 100)
			if n != 0 || err != nil {
				t.Errorf("got %d forgotten of an hour ago, %v; want none", n, err)
			}
			if n, err = tx.PurgeMails(now.Add(time.Hour), 100); n != 1 {
				t.Errorf("got %d forgotten, want 1", n)
			}
			return err
		})
	})
}

// The projects that have waited longest come first, one line each.
func TestDueMailProjects(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		late, early := mailOf("prj_late", "a:1", "d"), mailOf("prj_early", "a:1", "d")
		done(t, db, func(tx *store.Tx) error {
			for _, c := range []struct {
				m  lanyard.Mail
				at time.Duration
			}{{late, 2}, {late, 3}, {early, 1}, {early, 4}} {
				one := copyOf(c.m, c.at.String())
				one.TryAt = day.Add(c.at * time.Minute)
				if err := tx.AddCopy(one); err != nil {
					return err
				}
			}
			return nil
		})
		due := func(after time.Duration, limit int) []lanyard.ProjectID {
			return view(t, db, func(q *store.Query) ([]lanyard.ProjectID, error) { return q.DueMailProjects(day.Add(after), limit) })
		}
		same(t, "none", due(0, 9), nil)
		same(t, "one", due(time.Minute, 9), []lanyard.ProjectID{"prj_early"})
		same(t, "both", due(time.Hour, 9), []lanyard.ProjectID{"prj_early", "prj_late"})
		same(t, "not more than asked for", due(time.Hour, 1), []lanyard.ProjectID{"prj_early"})
	})
}
