package lanyardtest

import (
	"encoding/json"
	"regexp"
)

// disturbs is SQL after which what was told need not be what holds.
var disturbs = regexp.MustCompile(`(?i)health|scopes|state|needed|DELETE|events`)

// Disturb notes what a test is about to do to the database.
func (w *World) Disturb(query string) {
	if disturbs.MatchString(query) {
		w.disturbed.Store(true)
	}
}

// nothingWasSilent looks at all that customers were told of each connection, whatever
// the test was about: an event begins with what the one before has ended with, so no
// change was left out and none was told twice.
func (w *World) nothingWasSilent() {
	if w.disturbed.Load() || w.T.Failed() {
		return
	}
	db := w.open()
	defer func() { _ = db.Close() }()
	rows, err := db.Query(`SELECT connection_id, type, data FROM events WHERE connection_id <> '' ORDER BY id`)
	if err != nil {
		w.T.Logf("the events cannot be read: %v", err) // a test has moved the database away
		return
	}
	defer func() { _ = rows.Close() }()
	last := map[string]string{}
	for rows.Next() {
		var id, kind, raw string
		data := map[string]string{}
		if err := rows.Scan(&id, &kind, &raw); err != nil {
			w.T.Error(err)
			return
		}
		if err := json.Unmarshal([]byte(raw), &data); err != nil {
			w.T.Error(err)
			return
		}
		is, ok := data["status"]
		if !ok || kind == "connection.expiring" { // an alert, or what is to come
			continue
		}
		if was := data["was"]; was != last[id] {
			w.T.Errorf("%s of %s says that it was %q, and what was told before is %q: %s", kind, id, was, last[id], raw)
		}
		last[id] = is
	}
	if err := rows.Err(); err != nil {
		w.T.Error(err)
	}
}
