package store

import "strings"

// Incarnation names the run of the server that answers: another server behind the
// same URL has another, such as a standby that was promoted, and so has the same
// one after a restart. Whoever finds that it has changed offers again what the
// server before had promised to keep. It is constant on SQLite, which is part of
// this process.
func (q *Query) Incarnation() (string, error) {
	if t, ok := q.c.(*pgTx); ok && t.started != "" { // every claim asks, and when the server began came with BEGIN
		if last := q.d.lastRun.Load(); last != nil && strings.HasSuffix(*last, "."+t.started) {
			return *last, nil
		}
	}
	v, err := get(q, func(r row, s *string) error { return r.Scan(s) }, q.d.incarnation)
	if err == nil {
		q.d.lastRun.Store(&v)
	}
	return v, err
}
