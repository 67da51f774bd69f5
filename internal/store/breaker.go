package store

import (
	"errors"
	"time"

	"lanyard"
)

const breakerColumns = `app_id, project_id, state, reason, error, config_version, opened_at, probe_at, probe_node, probes, updated_at`

func scanBreaker(r row, b *lanyard.Breaker) error {
	return r.Scan(&b.App, &b.Project, &b.State, &b.Reason, &b.Error, &b.ConfigVersion, asTime{&b.OpenedAt}, asTime{&b.ProbeAt},
		&b.ProbeNode, &b.Probes, asTime{&b.UpdatedAt})
}

// Breaker returns the breaker of an app; a closed one where there is none.
func (q *Query) Breaker(app lanyard.AppID) (lanyard.Breaker, error) {
	b, err := get(q, scanBreaker, `SELECT `+breakerColumns+` FROM breakers WHERE app_id = $1`, app)
	if errors.Is(err, lanyard.NotFound) {
		return lanyard.Breaker{App: app}, nil
	}
	return b, err
}

// Breakers returns every breaker that is not closed, of one project or, with "", of all.
func (q *Query) Breakers(project lanyard.ProjectID) ([]lanyard.Breaker, error) {
	return all(q, scanBreaker, `SELECT `+breakerColumns+` FROM breakers WHERE ($1 = '' OR project_id = $1) ORDER BY app_id`, project)
}

// MoveBreaker writes a breaker if its state is still from: false means that
// another node was faster. Closed, there is no row.
func (tx *Tx) MoveBreaker(b lanyard.Breaker, from lanyard.BreakerState) (bool, error) {
	values := []any{b.App, b.Project, b.State, b.Reason, b.Error, b.ConfigVersion, micros(b.OpenedAt), micros(b.ProbeAt),
		b.ProbeNode, b.Probes, micros(tx.now)}
	switch {
	case b.State == lanyard.BreakerClosed:
		return tx.swap(`DELETE FROM breakers WHERE app_id = $1 AND state = $2`, b.App, from)
	case from == lanyard.BreakerClosed:
		return tx.swap(insertInto("breakers", breakerColumns)+` ON CONFLICT (app_id) DO NOTHING`, values...)
	}
	return tx.swap(`UPDATE breakers SET project_id = $2, state = $3, reason = $4, error = $5, config_version = $6, opened_at = $7,
		probe_at = $8, probe_node = $9, probes = $10, updated_at = $11 WHERE app_id = $1 AND state = $12`, append(values, from)...)
}

// ClaimProbe lets one node make one call of an app whose breaker is not closed: true
// if none was let through since ProbeAt, by the clock of the database. The next may
// come at next.
func (tx *Tx) ClaimProbe(app lanyard.AppID, node string, next time.Time) (bool, error) {
	return tx.swap(`UPDATE breakers SET probe_at = $3, probe_node = $2, probes = probes + 1, updated_at = $4
		WHERE app_id = $1 AND probe_at <= $4`, app, node, micros(next), micros(tx.now))
}
