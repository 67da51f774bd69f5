package store

import "lanyard"

// Others says whether an app has another grant than this one that can be renewed:
// whether it is refused too, or not, tells what a refusal is about.
func (q *Query) Others(app lanyard.AppID, than lanyard.GrantID) (bool, error) {
	n, err := q.count(`SELECT count(*) FROM (SELECT 1 AS x FROM grants WHERE app_id = $1 AND id <> $2 AND has_refresh = 1 AND health <> 'dead'
		LIMIT 1) AS counted`, app, than)
	return n > 0, err
}

// WakeWitness makes one other grant of the app due now: of those that were not refused
// and that nothing holds back, the one that is next anyway. Where that is due already,
// nothing happens.
func (tx *Tx) WakeWitness(app lanyard.AppID, than lanyard.GrantID) error {
	var next lanyard.Grant
	for rank := lanyard.RankGrace; rank <= lanyard.RankIdle; rank++ {
		some, err := all(&tx.Query, func(r row, g *lanyard.Grant) error { return r.Scan(&g.ID, asTime{&g.RefreshAt}) },
			`SELECT id, refresh_at FROM grants WHERE app_id = $1 AND rank = $2 AND refresh_at > 0 AND id <> $3 AND health <> 'dead' AND has_refresh = 1
				AND rejected_at = 0 AND retry_at <= $4 ORDER BY refresh_at LIMIT 1`, app, int64(rank), than, micros(tx.now))
		if err != nil {
			return err
		}
		if len(some) > 0 && (next.ID == "" || some[0].RefreshAt.Before(next.RefreshAt)) {
			next = some[0]
		}
	}
	if next.ID == "" || !next.RefreshAt.After(tx.now) {
		return nil
	}
	_, err := tx.exec(`UPDATE grants SET refresh_at = $2 WHERE id = $1 AND refresh_at > $2`, next.ID, micros(tx.now))
	return err
}
