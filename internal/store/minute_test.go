package store_test

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// entryFrom is an entry whose id was made then.
func entryFrom(then time.Time, c lanyard.ConnectionID) lanyard.Entry {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(then.UnixMilli())<<16)
	b[6], b[8] = 0x70, 0x80
	copy(b[9:], lanyard.Random(7))
	e := lanyard.NewEntry(lanyard.Principal{Project: "prj_m", Name: "key:lyk_m"}, lanyard.ActTokenRead)
	e.ID = lanyard.EntryID("aud_" + base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding).EncodeToString(b[:]))
	e.Connection = c
	return e
}

// The log of one connection is found by the minutes in which it has entries. It
// is the same as what one would pick out of the whole log, page by page.
func TestTheLogOfOneConnection(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Now()
		begin := now.Truncate(time.Minute)
		var made []lanyard.Entry
		for _, at := range []time.Duration{0, time.Millisecond, 59999 * time.Millisecond, time.Minute, 3 * time.Minute, 200 * time.Minute} {
			for i := range 5 {
				made = append(made, entryFrom(begin.Add(-at), lanyard.ConnectionID(fmt.Sprint("con_", i%3))))
			}
		}
		for i := range 220 { // more minutes than one query looks at, and more entries than a page
			made = append(made, entryFrom(begin.Add(-time.Duration(i)*time.Minute), "con_0"))
		}
		for i := range made {
			if i%4 == 0 {
				made[i].Outcome = "denied"
			}
			if i%5 == 0 {
				made[i].What = lanyard.ActConnectionChanged
			}
			write := func() error {
				return db.Read(t.Context(), func(*store.Query) (lanyard.Entry, error) { return made[i], nil })
			}
			if i%2 == 0 {
				write = func() error {
					return db.Update(t.Context(), func(*store.Tx) (lanyard.Entry, error) { return made[i], nil })
				}
			}
			must(t, write())
		}
		slices.SortFunc(made, func(a, b lanyard.Entry) int { return strings.Compare(string(b.ID), string(a.ID)) })
		for name, f := range map[string]lanyard.EntryFilter{
			"everything":   {},
			"refused":      {Outcome: "denied"},
			"not the bulk": {What: lanyard.ActConnectionChanged},
			"the bulk":     {What: lanyard.ActTokenRead, Who: "key:lyk_m"},
			"nobody":       {Who: "key:lyk_x"},
			"until now":    {Since: now.Add(-time.Hour), Until: now.Add(time.Hour)},
			"the future":   {Since: now.Add(50 * time.Hour)},
		} {
			for _, c := range []lanyard.ConnectionID{"con_0", "con_1", "con_none"} {
				f.Connection = c
				var want []lanyard.EntryID
				for _, e := range made {
					if e.Connection == c && (f.Outcome == "" || e.Outcome == f.Outcome) && (f.What == "" || e.What == f.What) && name != "nobody" && name != "the future" {
						want = append(want, e.ID)
					}
				}
				for _, size := range []int{7, 200} {
					var got []lanyard.EntryID
					page := lanyard.Page{Limit: size}
					for more := true; more; more = page.Cursor != "" {
						must(t, db.View(t.Context(), func(q *store.Query) error {
							list, next, err := q.Entries("prj_m", f, page)
							for _, e := range list {
								got = append(got, e.ID)
							}
							if len(list) > size || next != "" && len(list) != size {
								t.Errorf("%s of %s: a page of %d, want %d", name, c, len(list), size)
							}
							page.Cursor = next
							return err
						}))
					}
					if !slices.Equal(got, want) {
						t.Errorf("%s of %s by %d: got %d entries, want %d", name, c, size, len(got), len(want))
					}
				}
			}
		}
	})
}

// What the migration works out for a log that is there already, is what is
// written with each entry since.
func TestMinutesOfAnOldLog(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		db, err := store.Open(t.Context(), cfg)
		must(t, err)
		defer db.Close()
		for i, at := range []string{"1971-02-03T04:05:59.999Z", "2026-11-27T00:00:00Z", "2026-11-27T00:00:59.999Z", "2026-11-27T00:01:00Z", "2999-12-31T23:59:59Z"} {
			then, err := time.Parse(time.RFC3339Nano, at)
			must(t, err)
			for _, c := range []lanyard.ConnectionID{"con_a", lanyard.ConnectionID(fmt.Sprint("con_", i)), ""} {
				must(t, db.Read(t.Context(), func(*store.Query) (lanyard.Entry, error) { return entryFrom(then, c), nil }))
			}
		}
		second := secondConnection(t, cfg)
		defer second.Close()
		const list = `SELECT connection_id || ' ' || minute FROM entry_minutes ORDER BY project_id, connection_id, minute`
		want := lines(t, second, list)
		if len(want) != 9 || want[0] != "con_0 573365" {
			t.Errorf("got %q, want nine rows, the first at 573365", want)
		}
		_, err = second.Exec(`DELETE FROM entry_minutes`)
		must(t, err)
		migration, err := os.ReadFile(filepath.Join("migrations", db.Backend(), "0003_entry_minutes.sql"))
		must(t, err)
		_, insert, _ := strings.Cut(string(migration), "INSERT INTO")
		insert, _, _ = strings.Cut(insert, ";")
		_, err = second.Exec("INSERT INTO" + insert)
		must(t, err)
		same(t, "entry_minutes", lines(t, second, list), want)
	})
}
