package store

import (
	"fmt"
	"slices"
	"strings"

	"lanyard"
)

// Receipted is what a receipt is about: the attempt that was answered, and the grant
// whose refresh token it sent.
type Receipted struct {
	Attempt lanyard.AttemptID
	Grant   lanyard.GrantID
}

// Standing is how far the database has got with what receipts are about.
type Standing struct {
	Grants map[lanyard.GrantID]lanyard.Grant // with family and generation only; without those that are not there
	Open   map[lanyard.AttemptID]bool        // attempts that have not ended
}

// standingAtOnce is how many receipts one statement asks about.
const standingAtOnce = 200

// Standing looks up many at once: after a start there may be as many as calls in a day.
func (q *Query) Standing(about []Receipted) (s Standing, err error) {
	s = Standing{Grants: map[lanyard.GrantID]lanyard.Grant{}, Open: map[lanyard.AttemptID]bool{}}
	for some := range slices.Chunk(about, standingAtOnce) {
		grants, attempts := make([]any, standingAtOnce), make([]any, standingAtOnce)
		for i := range grants { // what is left over asks for the last one again: one text, prepared once
			r := some[min(i, len(some)-1)]
			grants[i], attempts[i] = r.Grant, r.Attempt
		}
		found, err := all(q, func(r row, g *lanyard.Grant) error { return r.Scan(&g.ID, &g.Family, &g.Generation) },
			`SELECT id, family, generation FROM grants WHERE id IN (`+standingList+`)`, grants...)
		if err != nil {
			return s, err
		}
		for _, g := range found {
			s.Grants[g.ID] = g
		}
		open, err := all(q, func(r row, id *lanyard.AttemptID) error { return r.Scan(id) },
			`SELECT id FROM attempts WHERE ended_at = 0 AND id IN (`+standingList+`)`, attempts...)
		if err != nil {
			return s, err
		}
		for _, id := range open {
			s.Open[id] = true
		}
	}
	return s, nil
}

var standingList = func() string {
	marks := make([]string, standingAtOnce)
	for i := range marks {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	return strings.Join(marks, ",")
}()
