package store

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"lanyard"
)

// An index of the log by connection would cost the hot path a page of its own
// for each entry, since reads of many connections go everywhere in it. Instead
// entry_minutes says in which minutes a connection has entries, by the time in
// their ids, and the primary key is searched for those minutes: a row for each
// connection and minute, however often it was read.

// entryMinute is a row of entry_minutes.
type entryMinute struct {
	project, connection string
	minute              int64 // since 1970
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

func compareMinutes(a, b entryMinute) int {
	return cmp.Or(strings.Compare(a.project, b.project), strings.Compare(a.connection, b.connection), cmp.Compare(a.minute, b.minute))
}

// minutes remembers for each connection the last row that is in the database, so
// that most entries need none. It forgets when it is full, which costs a few rows
// that are there already. One goroutine uses it.
type minutes struct {
	known map[lanyard.ConnectionID]int64
}

// minutesMost is how many are remembered, of some 100 bytes each.
const minutesMost = 50_000

// missing returns the rows that entries need and that are not known to be there,
// sorted, so that no two transactions wait for each other. A nil receiver knows none.
func (k *minutes) missing(entries []*lanyard.Entry) []entryMinute {
	var out []entryMinute
	for _, e := range entries {
		if e.Connection == "" {
			continue
		}
		minute := minuteOf(idTime(string(e.ID)))
		if k != nil {
			if known, ok := k.known[e.Connection]; ok && known == minute {
				continue
			}
		}
		out = append(out, entryMinute{string(e.Project), string(e.Connection), minute})
	}
	slices.SortFunc(out, compareMinutes)
	return slices.Compact(out)
}

// committed notes rows that are in the database.
func (k *minutes) committed(rows []entryMinute) {
	for _, m := range rows {
		if k.known == nil || len(k.known) >= minutesMost {
			k.known = map[lanyard.ConnectionID]int64{}
		}
		k.known[lanyard.ConnectionID(m.connection)] = m.minute
	}
}

// entriesOf is Entries for one connection: minute by minute, from the newest.
func (q *Query) entriesOf(project lanyard.ProjectID, f lanyard.EntryFilter, page lanyard.Page) (out []lanyard.Entry, next string, err error) {
	const together = 100
	size := page.Size()
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	if !f.Since.IsZero() {
		from = minuteOf(f.Since.Add(-skew))
	}
	if !f.Until.IsZero() {
		to = minuteOf(f.Until.Add(skew))
	}
	if page.Cursor != "" {
		to = min(to, minuteOf(idTime(page.Cursor)))
	}
	for {
		list, err := all(q, func(r row, m *int64) error { return r.Scan(m) }, `SELECT minute FROM entry_minutes
			WHERE project_id = $1 AND connection_id = $2 AND minute >= $3 AND minute <= $4 ORDER BY minute DESC LIMIT $5`,
			project, f.Connection, from, to, together)
		if err != nil {
			return nil, "", err
		}
		for _, minute := range list {
			w := entriesWhere(project, f)
			w.and("id >= ", firstID("aud_", time.Unix(60*minute, 0)))
			w.and("id < ", firstID("aud_", time.Unix(60*(minute+1), 0)))
			if page.Cursor != "" {
				w.and("id < ", page.Cursor)
			}
			w.args = append(w.args, size+1-len(out))
			found, err := all(q, scanEntry, selectEntries+w.text.String()+" ORDER BY id DESC LIMIT "+placeholder(len(w.args)), w.args...)
			if err != nil {
				return nil, "", err
			}
			if out = append(out, found...); len(out) > size {
				return out[:size], entryID(out[size-1]), nil
			}
		}
		if len(list) < together {
			return out, "", nil
		}
		to = list[len(list)-1] - 1
	}
}
