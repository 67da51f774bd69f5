package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanyard"
)

const entryColumns = `id, project_id, at, who, what, outcome, code, app_id, connection_id, grant_id, session_id, key_id,
	person_id, detail, sealed, request_id`

// entryWidth is the number of those columns.
const entryWidth = 16

func scanEntry(r row, e *lanyard.Entry) error {
	return r.Scan(&e.ID, &e.Project, asTime{&e.At}, &e.Who, &e.What, &e.Outcome, &e.Code, &e.App, &e.Connection, &e.Grant,
		&e.Session, &e.Key, &e.Person, asDict{&e.Detail}, &e.Sealed, &e.RequestID)
}

// skew bounds how far an entry's id, which has the time of the process in it,
// may be from its At, which has the database's. It narrows a search by time to
// a range of ids, so that the append needs no index by time.
const skew = 24 * time.Hour

// Entries lists the audit log of a project, newest first; project "" lists the
// operator's own. Since is the first moment, Until the first one after.
func (q *Query) Entries(project lanyard.ProjectID, f lanyard.EntryFilter, page lanyard.Page) ([]lanyard.Entry, string, error) {
	if f.Connection != "" {
		return q.entriesOf(project, f, page)
	}
	return pageOf(q, scanEntry, entryID, selectEntries, entriesWhere(project, f), "id", descending, page)
}

const selectEntries = `SELECT ` + entryColumns + ` FROM entries WHERE 1 = 1`

func entryID(e lanyard.Entry) string { return string(e.ID) }

func entriesWhere(project lanyard.ProjectID, f lanyard.EntryFilter) *where {
	w := &where{}
	w.and("project_id = ", project)
	if f.Connection != "" {
		w.and("connection_id = ", f.Connection)
	}
	if f.Session != "" {
		w.and("session_id = ", f.Session, " AND session_id <> ''")
	}
	if f.What != "" {
		w.and("what = ", f.What)
		if f.What != lanyard.ActTokenRead { // the bulk has no index; see the migration
			w.text.WriteString(" AND what <> 'token.read'")
		}
	}
	if f.Who != "" {
		w.and("who = ", f.Who)
	}
	if f.Outcome != "" {
		w.and("outcome = ", f.Outcome)
		if f.Outcome != "ok" {
			w.text.WriteString(" AND outcome <> 'ok'")
		}
	}
	if !f.Since.IsZero() {
		w.and("at >= ", micros(f.Since))
		w.and("id >= ", firstID("aud_", f.Since.Add(-skew)))
	}
	if !f.Until.IsZero() {
		w.and("at < ", micros(f.Until))
		w.and("id < ", firstID("aud_", f.Until.Add(skew)))
	}
	return w
}

const idDigits = "0123456789abcdefghjkmnpqrstvwxyz" // as in lanyard.NewID

// firstID is not greater than any id made at t or later.
func firstID(prefix string, t time.Time) string {
	n := uint64(max(t.UnixMilli(), 0)) << 2 // 48 bits are nine digits of five and three more bits
	var b [10]byte
	for i := range b {
		b[len(b)-1-i] = idDigits[n&31]
		n >>= 5
	}
	return prefix + string(b[:])
}

// idTime is the time in an id, to the millisecond; the zero time where it has none.
func idTime(id string) time.Time {
	_, digits, _ := strings.Cut(id, "_")
	if len(digits) < 10 {
		return time.Time{}
	}
	var n int64
	for _, d := range []byte(digits[:10]) {
		v := strings.IndexByte(idDigits, d)
		if v < 0 {
			return time.Time{}
		}
		n = n<<5 | int64(v)
	}
	return time.UnixMilli(n >> 2)
}

func checkEntry(e lanyard.Entry) error {
	if !lanyard.ValidID("aud_", string(e.ID)) {
		return fmt.Errorf("store: an audit entry %q without an id of NewEntry", e.What)
	}
	return nil
}

func entryValues(out []any, e *lanyard.Entry, at int64) []any {
	return append(out, string(e.ID), string(e.Project), at, e.Who, string(e.What), e.Outcome, string(e.Code), string(e.App),
		string(e.Connection), string(e.Grant), string(e.Session), string(e.Key), string(e.Person), dictText(e.Detail),
		orNull(e.Sealed), e.RequestID)
}

// entrySteps are the numbers of rows that have a prepared statement each, and
// entryInserts their texts.
var (
	entrySteps   = [...]int{128, 64, 32, 16, 8, 4, 2, 1}
	entryInserts = insertsOf(entrySteps[:])
)

// addEntriesRows appends entries by multi-row inserts of few sizes, for SQLite.
func addEntriesRows(ctx context.Context, c conn, entries []*lanyard.Entry, minutes []entryMinute, at time.Time) error {
	for _, m := range minutes {
		if _, err := c.exec(ctx, `INSERT INTO entry_minutes (project_id, connection_id, minute) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			[]any{m.project, m.connection, m.minute}); err != nil {
			return err
		}
	}
	// In the order of the primary key, of which most are then the last: a page is
	// filled up and not split.
	entries = slices.SortedFunc(slices.Values(entries), func(a, b *lanyard.Entry) int { return strings.Compare(string(a.ID), string(b.ID)) })
	values := make([]any, 0, min(len(entries), entrySteps[0])*entryWidth)
	for _, n := range entrySteps {
		for ; len(entries) >= n; entries = entries[n:] {
			values = values[:0]
			for _, e := range entries[:n] {
				values = entryValues(values, e, micros(at))
			}
			if _, err := c.exec(ctx, entryInserts[n], values); err != nil {
				return err
			}
		}
	}
	return nil
}

// insertsOf makes the text of such an insert for each number of rows. The
// placeholders have no numbers: SQLite takes $1 for a name, and the driver looks
// up each name among all names, which at 128 rows is most of the work.
func insertsOf(rows []int) map[int]string {
	row := ",(" + strings.Repeat(",?", entryWidth)[1:] + ")"
	texts := map[int]string{}
	for _, n := range rows {
		texts[n] = `INSERT INTO entries (` + entryColumns + `) VALUES ` + strings.Repeat(row, n)[1:]
	}
	return texts
}

// The database's clock and a commit that waits for the disk, whatever the
// server's default, in the one statement that appends: a round trip less, and
// nothing is left behind in a session that a pooler may share.
const durableNow = `CASE WHEN set_config('synchronous_commit', 'on', true) = 'on'
	THEN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint END`

var addOneEntry = insertInto("entries", entryColumns)

// addEntriesArrays appends any number of entries by one statement, for
// PostgreSQL. A zero time is the database's clock.
func addEntriesArrays(ctx context.Context, c conn, entries []*lanyard.Entry, minutes []entryMinute, at time.Time) error {
	if len(entries) == 1 && len(minutes) == 0 && !at.IsZero() { // as of most changes: the arrays cost more than the row
		_, err := c.exec(ctx, addOneEntry, entryValues(make([]any, 0, entryWidth), entries[0], micros(at)))
		return err
	}
	columns := make([][]string, 14) // all but at and sealed
	sealed := make([][]byte, len(entries))
	for i, e := range entries {
		for j, v := range []string{string(e.ID), string(e.Project), e.Who, string(e.What), e.Outcome, string(e.Code), string(e.App),
			string(e.Connection), string(e.Grant), string(e.Session), string(e.Key), string(e.Person), dictText(e.Detail), e.RequestID} {
			columns[j] = append(columns[j], v)
		}
		if len(e.Sealed) > 0 {
			sealed[i] = e.Sealed
		}
	}
	args := make([]any, 0, entryWidth+3)
	for _, v := range columns {
		args = append(args, v)
	}
	args = append(args, sealed)
	var projects, connections, numbers []string
	for _, m := range minutes {
		projects, connections, numbers = append(projects, m.project), append(connections, m.connection), append(numbers, strconv.FormatInt(m.minute, 10))
	}
	args = append(args, projects, connections, numbers)
	clock := durableNow
	if !at.IsZero() {
		args = append(args, micros(at))
		clock = `$19::bigint`
	}
	_, err := c.exec(ctx, `WITH minutes AS (INSERT INTO entry_minutes (project_id, connection_id, minute)
			SELECT p, c, n::bigint FROM unnest($16::text[], $17::text[], $18::text[]) AS u (p, c, n) ON CONFLICT DO NOTHING)
		INSERT INTO entries (id, project_id, who, what, outcome, code, app_id, connection_id, grant_id, session_id,
		key_id, person_id, detail, request_id, sealed, at)
		SELECT u.*, `+clock+` FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
			$9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bytea[]) AS u`, args)
	return err
}
