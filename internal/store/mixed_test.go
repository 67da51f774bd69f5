package store_test

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// olderNode speaks to the database as the program did that knew schemas up to 3: in
// a rolling upgrade such nodes go on for a while after the first newer one has
// started. The statements are its own, word for word.
type olderNode struct {
	t  *testing.T
	db *sql.DB
}

const olderGrant = `id, project_id, app_id, issuer, kind, subject_hash, family, generation, tokens, previous, scopes,
	requested, access_expires, has_refresh, health, reason, lease_owner, lease_until, refresh_at, refreshed_at,
	rejected_at, retry_at, created_at, updated_at`

func (o olderNode) exec(query string, args ...any) {
	o.t.Helper()
	res, err := o.db.ExecContext(o.t.Context(), query, args...)
	must(o.t, err)
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		o.t.Errorf("%.60s: got %d rows, %v, want one", query, n, err)
	}
}

func (o olderNode) addGrant(id, project, app string, refreshAt int64) {
	o.t.Helper()
	o.exec(`INSERT INTO grants (`+olderGrant+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
		$19, $20, $21, $22, $23, $24)`, id, project, app, "https://zoom.us", "user", []byte(id), "fam", int64(3), []byte("t3"), nil, `["a"]`,
		`["a"]`, day.UnixMicro(), int64(1), "healthy", "", "", int64(0), refreshAt, day.UnixMicro(), int64(0), int64(0), day.UnixMicro(), day.UnixMicro())
}

// claim, attempt, commit: a renewal.
func (o olderNode) renew(id, project, app string, generation, refreshAt int64) {
	o.t.Helper()
	now := time.Now().UnixMicro()
	o.exec(`UPDATE grants SET lease_owner = $2, lease_until = $3 WHERE id = $1 AND (lease_owner = '' OR lease_until <= $4)`, id, "nod_old", now+60e6, now)
	att := newID[string]("att_")
	o.exec(`INSERT INTO attempts (id, project_id, app_id, grant_id, flow_id, kind, family, generation, node, started_at, deadline,
		ended_at, outcome, class, error, status, request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		att, project, app, id, "", "refresh", "fam", generation, "nod_old", now, now+30e6, int64(0), "", "strict", "", int64(0), "")
	o.exec(`UPDATE grants SET family = $5, generation = $6, tokens = $7, previous = $8, scopes = $9, requested = $10,
		access_expires = $11, has_refresh = $12, health = $13, reason = $14, refresh_at = $15, refreshed_at = $16,
		rejected_at = $17, retry_at = $18, updated_at = $19
		WHERE id = $1 AND project_id = $2 AND family = $3 AND generation = $4`, id, project, "fam", generation, "fam", generation+1,
		[]byte("t4"), []byte("t3"), `["a"]`, `["a"]`, now+3600e6, int64(1), "healthy", "", refreshAt, now, int64(0), int64(0), now)
	o.exec(`UPDATE attempts SET grant_id = $3, ended_at = $4, outcome = $5, class = $6, error = $7, status = $8, request_id = $9
		WHERE id = $1 AND project_id = $2 AND ended_at = 0`, att, project, id, now, "ok", "strict", "", int64(200), "")
	o.exec(`UPDATE grants SET lease_owner = '', lease_until = 0 WHERE id = $1 AND lease_owner = $2`, id, "nod_old")
}

// Nodes of the schema before work on beside those of this one: what they write has
// what is new at a value that harms nobody, is planned by a newer node, and what
// newer nodes write is not undone.
func TestNodesOfTheSchemaBeforeGoOnBesideUs(t *testing.T) {
	for name, cfg := range map[string]store.Config{"sqlite": storetest.EmptySQLite(t), "postgres": storetest.EmptyPostgreSQL(t)} {
		t.Run(name, func(t *testing.T) {
			must(t, store.MigrateTo(t.Context(), cfg, 3))
			second := secondConnection(t, cfg)
			defer second.Close()
			o := olderNode{t, second}
			w := newWorld()
			project, app := string(w.project.ID), string(w.app.ID)
			o.addGrant("grt_before", project, app, 0)

			db, err := store.Open(t.Context(), cfg) // the first newer node
			must(t, err)
			defer db.Close()
			w.add(t, db)
			o.addGrant("grt_beside", project, app, 0)
			for _, id := range []lanyard.GrantID{"grt_before", "grt_beside"} {
				g := view(t, db, func(q *store.Query) (lanyard.Grant, error) { return q.Grant(w.project.ID, id) })
				if g.Rank != lanyard.RankIdle || !g.UsedAt.IsZero() || !g.EagerAt.IsZero() || !g.NeededAt.IsZero() || !g.RefreshExpires.IsZero() || !g.ExpiringAt.IsZero() || !g.DeadAt.IsZero() {
					t.Errorf("%s: got %+v, want what is new to be empty", id, g)
				}
			}
			unplanned := view(t, db, func(q *store.Query) ([]lanyard.Grant, error) { return q.Unplanned(10) })
			if len(unplanned) != 2 {
				t.Errorf("got %d without a plan, want both of the older node's", len(unplanned))
			}

			// A newer node plans one of them; the older one renews it, and writes the time
			// back that it has read.
			due := time.Now().Add(-time.Minute).Truncate(time.Microsecond)
			g := unplanned[0]
			g.RefreshAt, g.EagerAt, g.Rank = due, due, lanyard.RankInUse
			swapped(t, db, "plan", true, func(tx *store.Tx) (bool, error) { return tx.PlanGrant(g) })
			o.renew(string(g.ID), project, app, 3, due.UnixMicro())
			is := view(t, db, func(q *store.Query) (lanyard.Grant, error) { return q.Grant(w.project.ID, g.ID) })
			if is.Generation != 4 || is.Rank != lanyard.RankInUse || !is.EagerAt.Equal(due) || string(is.Tokens) != "t4" {
				t.Errorf("got %+v, want its tokens and our plan", is)
			}
			found := view(t, db, func(q *store.Query) ([]lanyard.Grant, error) { return q.Due(w.app.ID, time.Now(), 10) })
			if !slices.ContainsFunc(found, func(f lanyard.Grant) bool { return f.ID == g.ID && f.Generation == 4 }) {
				t.Errorf("got %+v, want it due: the next commit plans it anew", found)
			}

			// Both keep out of each other's renewals.
			until := time.Now().Add(time.Minute)
			swapped(t, db, "claim", true, func(tx *store.Tx) (bool, error) { return tx.ClaimGrant(g.ID, "nod_new", until) })
			res, err := second.ExecContext(context.Background(), `UPDATE grants SET lease_owner = $2, lease_until = $3
				WHERE id = $1 AND (lease_owner = '' OR lease_until <= $4)`, string(g.ID), "nod_old", until.UnixMicro(), time.Now().UnixMicro())
			must(t, err)
			if n, _ := res.RowsAffected(); n != 0 {
				t.Error("an older node took a grant that a newer one holds")
			}
			var generation int64
			must(t, second.QueryRow(`SELECT generation FROM (SELECT `+olderGrant+` FROM grants WHERE id = $1 AND project_id = $2) AS g`,
				string(g.ID), project).Scan(&generation))
			if generation != 4 {
				t.Errorf("the older one reads generation %d", generation)
			}
			o.exec(`UPDATE grants SET health = $5, reason = $6, refresh_at = $7, rejected_at = $8, retry_at = $9, updated_at = $10
				WHERE id = $1 AND project_id = $2 AND family = $3 AND generation = $4`, string(g.ID), project, "fam", int64(4), "degraded",
				"provider_unavailable", due.UnixMicro(), int64(0), due.UnixMicro(), due.UnixMicro())
			o.exec(`DELETE FROM grants WHERE id = $1`, "grt_beside")
		})
	}
}

// What a migration adds to a table must have a value where an older node leaves it out.
func TestEveryColumnThatWasAddedHasADefault(t *testing.T) {
	for name, at := range map[string]store.Config{"sqlite": storetest.EmptySQLite(t), "postgres": storetest.EmptyPostgreSQL(t)} {
		t.Run(name, func(t *testing.T) {
			const first = 3 // the schema of the first version that others run
			must(t, store.MigrateTo(t.Context(), at, first))
			second := secondConnection(t, at)
			defer second.Close()
			columns := `SELECT m.name || '.' || c.name || CASE WHEN c."notnull" = 1 AND c.dflt_value IS NULL AND c.pk = 0 THEN ' needed' ELSE '' END
				FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'goose%' ORDER BY 1`
			tables := `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1`
			if name == "postgres" {
				columns = `SELECT table_name || '.' || column_name || CASE WHEN is_nullable = 'NO' AND column_default IS NULL THEN ' needed' ELSE '' END
					FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'goose%' ORDER BY 1`
				tables = `SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`
			}
			had, were := lines(t, second, columns), lines(t, second, tables)
			db, err := store.Open(t.Context(), at)
			must(t, err)
			defer db.Close()
			now := lines(t, second, columns)
			for _, c := range now {
				table, _, _ := strings.Cut(c, ".")
				if slices.Contains(were, table) && !slices.Contains(had, c) && strings.HasSuffix(c, " needed") {
					t.Errorf("%s: an older node that leaves it out cannot write", c)
				}
			}
			for _, c := range had {
				if !slices.Contains(now, c) {
					t.Errorf("%s is gone or has changed: an older node still uses it", c)
				}
			}
		})
	}
}
