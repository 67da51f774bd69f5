package store

import (
	"fmt"
	"strings"

	"lanyard"
)

const eventColumns = `id, project_id, at, type, connection_id, data`

func scanEvent(r row, e *lanyard.Event) error {
	return r.Scan(&e.ID, &e.Project, asTime{&e.At}, &e.Type, &e.Connection, asDict{&e.Data})
}

// AddEvent writes a row of the outbox in the transaction of the change. ID and
// At are set where they are empty.
func (tx *Tx) AddEvent(e lanyard.Event) error {
	if e.ID == "" {
		e.ID = lanyard.NewID[lanyard.EventID]("evt_")
	}
	return tx.add("events", eventColumns, []any{e.ID, e.Project, micros(tx.stamp(e.At)), e.Type, e.Connection, dictText(e.Data)})
}

// Events lists the events of a project, newest first; of these types only, if any are named.
func (q *Query) Events(project lanyard.ProjectID, page lanyard.Page, types ...lanyard.EventType) ([]lanyard.Event, string, error) {
	w := &where{}
	w.and("project_id = ", project)
	query := `SELECT ` + eventColumns + ` FROM events WHERE 1 = 1`
	if len(types) > 0 {
		marks := make([]string, len(types))
		for i, t := range types {
			w.args = append(w.args, t)
			marks[i] = placeholder(len(w.args))
		}
		fmt.Fprintf(&w.text, " AND type IN (%s)", strings.Join(marks, ", "))
	}
	return pageOf(q, scanEvent, func(e lanyard.Event) string { return string(e.ID) }, query, w, "id", descending, page)
}
