package store

// Incarnation names the run of the server that answers: another server behind the
// same URL has another, such as a standby that was promoted, and so has the same
// one after a restart. Whoever finds that it has changed offers again what the
// server before had promised to keep. It is constant on SQLite, which is part of
// this process.
func (q *Query) Incarnation() (string, error) {
	return get(q, func(r row, s *string) error { return r.Scan(s) }, q.d.incarnation)
}
