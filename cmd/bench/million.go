package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"lanyard"
	"lanyard/internal/spool"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

const (
	manyApps  = 200            // that the grants are divided among
	manyDays  = 30             // in which they become due, from an hour from now
	manyPicks = 500            // of what is due
	manyLimit = 68             // grants in one pick, as the schedule takes them
	manyReads = barClients     // clients
	manyLate  = 12 * time.Hour // the latest moment that is picked for
)

// million measures a database with very many grants beside one with few.
func (w *world) million(ctx context.Context, few *world, say func(string, ...any)) (out million, err error) {
	out = million{Name: w.name(), Grants: w.many}
	say("one connection by the whole journey, twice")
	for _, one := range []*world{w, few} {
		if err := one.journey(ctx); err != nil {
			return out, err
		}
	}
	say("%d copies of one of them, %d of the other", w.many, few.connections)
	if err := few.copies(ctx); err != nil {
		return out, err
	}
	began := time.Now()
	if err := w.multiply(ctx); err != nil {
		return out, fmt.Errorf("multiply: %w", err)
	}
	out.MadeIn = time.Since(began).Seconds()
	if out.DatabaseMB, err = w.size(ctx); err != nil {
		return out, err
	}
	say("%d picks of what is due", manyPicks)
	if out.Pick, out.PickWorst, err = w.picks(ctx); err != nil {
		return out, fmt.Errorf("pick: %w", err)
	}
	say("%d marks, and starting %d times", w.many, starts)
	if err := w.marks(); err != nil {
		return out, fmt.Errorf("marks: %w", err)
	}
	if out.Start, err = w.starts(ctx); err != nil {
		return out, fmt.Errorf("start: %w", err)
	}
	say("%d clients, %d rounds of %g s on each database", manyReads, w.rounds, w.seconds)
	return out, w.readBoth(ctx, few, &out)
}

// readBoth reads tokens from both databases in turn.
func (w *world) readBoth(ctx context.Context, few *world, out *million) (err error) {
	var products []*process
	worlds := []*world{w, few}
	for _, one := range worlds {
		p, err := one.startProduct(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, p.close()) }()
		products = append(products, p)
	}
	var rounds [2][]round
	for range w.rounds {
		for i, one := range worlds {
			r, err := one.round(ctx, products[i], manyReads)
			if err != nil {
				return fmt.Errorf("read: %w", err)
			}
			rounds[i] = append(rounds[i], r)
		}
	}
	out.Many, out.Few = medians(rounds[0]), medians(rounds[1])
	out.P99Ratio = out.Many.P99 / out.Few.P99
	u, err := products[0].usage()
	out.MemoryMB = float64(u.Resident) / (1 << 20)
	return err
}

func manyGrant(i int) lanyard.GrantID { return lanyard.GrantID(fmt.Sprintf("grt_0%025d", i)) }

func manyConnection(i int) string { return fmt.Sprintf("con_0%025d", i) }

func manyApp(i int) lanyard.AppID { return lanyard.AppID(fmt.Sprintf("app_0%025d", i%manyApps)) }

// multiply fills the database from a series of numbers. The copies share sealed
// tokens, which no copy could open; those that are read get their own.
func (w *world) multiply(ctx context.Context) (err error) {
	if err := w.hold(ctx, func(held) error { return nil }); err != nil { // notes which grant is the original
		return err
	}
	db, err := w.plain()
	if err != nil {
		return err
	}
	if err := w.series(ctx, db); err != nil {
		return errors.Join(err, db.Close())
	}
	if err := db.Close(); err != nil {
		return err
	}
	chosen := map[int]bool{}
	for len(chosen) < min(w.connections, w.many) {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(w.many)))
		if err != nil {
			return err
		}
		chosen[int(n.Int64())] = true
	}
	return w.hold(ctx, func(h held) error { return w.open(ctx, h, chosen) })
}

// series makes apps, grants and connections, each by one statement for a part.
func (w *world) series(ctx context.Context, db *sql.DB) error {
	numbers, pad, random, blob := `WITH RECURSIVE n (i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i < $2 - 1)`,
		`printf('%%025d', n.i%s)`, `abs(random()) % `, `randomblob(32)`
	if w.databaseURL != "" {
		numbers, pad, random, blob = `WITH n (i) AS (SELECT generate_series($1::bigint, $2::bigint - 1))`,
			`lpad((n.i%s)::text, 25, '0')`, `(random() * 1000000000000000)::bigint % `, `decode(md5(n.i::text) || md5((-n.i)::text), 'hex')`
	} else if _, err := db.ExecContext(ctx, `PRAGMA synchronous = OFF`); err != nil {
		return err
	}
	app, row := fmt.Sprintf(pad, " % "+strconv.Itoa(manyApps)), fmt.Sprintf(pad, "")
	soon, span := time.Now().Add(time.Hour).UnixMicro(), (manyDays * 24 * time.Hour).Microseconds()
	texts := []string{
		`INSERT INTO apps SELECT 'app_0' || ` + row + `, project_id, provider, name, state, client_id, NULL, secret, next_secret, webhook_secret, scopes,
			scopes_optional, redirect_uris, endpoints, params, custom, pkce, config_version, created_at, updated_at FROM n, apps WHERE id = $3`,
		`INSERT INTO grants (id, project_id, app_id, issuer, kind, subject_hash, family, generation, tokens, previous, scopes, requested, access_expires,
			has_refresh, health, reason, lease_owner, lease_until, refresh_at, refreshed_at, rejected_at, retry_at, created_at, updated_at, used_at,
			eager_at, needed_at, rank, refresh_expires, dead_at)
			SELECT 'grt_0' || ` + row + `, project_id, 'app_0' || ` + app + `, issuer, kind, ` + blob + `, family, generation, tokens, tokens, scopes, requested,
			access_expires, 1, 'healthy', '', '', 0, $4 + ` + random + `$5, refreshed_at, 0, 0, created_at, updated_at, 0, $4, 0,
			CASE WHEN n.i % 10 = 0 THEN 2 ELSE 3 END, 0, 0 FROM n, grants WHERE id = $3`,
		`INSERT INTO connections SELECT 'con_0' || ` + row + `, project_id, 'app_0' || ` + app + `, provider, 'grt_0' || ` + row + `, person_id, label, state,
			origin, account, needed, missing, metadata, created_at, updated_at FROM n, connections WHERE id = $3`,
	}
	const part = 50_000
	for t, text := range texts {
		to, original := w.many, string(w.grant)
		args := []any{}
		switch t {
		case 0:
			to, original = manyApps, string(w.app)
		case 1:
			args = []any{soon, span}
		case 2:
			original = w.original
		}
		for i := 0; i < to; i += part {
			if _, err := db.ExecContext(ctx, numbers+" "+text, append([]any{i, min(i+part, to), original}, args...)...); err != nil {
				return fmt.Errorf("statement %d: %w", t+1, err)
			}
		}
	}
	if w.databaseURL == "" {
		_, err := db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
		return err
	}
	_, err := db.ExecContext(ctx, `VACUUM ANALYZE`) // as it would long have been
	return err
}

// open gives the chosen copies tokens that they can open, and notes them as those
// that are read.
func (w *world) open(ctx context.Context, h held, chosen map[int]bool) error {
	key := vault.ProjectKey(h.grant.Project)
	tokens, err := h.vault.Open(ctx, key, tokensPlace(h.grant), h.grant.Tokens)
	if err != nil {
		return err
	}
	sealed := map[string][]byte{}
	for i := range chosen {
		g := h.grant
		g.ID, g.App = manyGrant(i), manyApp(i)
		if sealed[string(g.ID)], err = h.vault.Seal(ctx, key, tokensPlace(g), tokens); err != nil {
			return err
		}
		w.ids = append(w.ids, manyConnection(i))
	}
	return h.db.Bookkeep(ctx, func(tx *store.Tx) error {
		for id, s := range sealed {
			g, err := tx.Grant(h.grant.Project, lanyard.GrantID(id))
			if err != nil {
				return fmt.Errorf("grant %s: %w", id, err)
			}
			g.Tokens = s
			if ok, err := tx.CommitTokens(g, g.Family, g.Generation); err != nil || !ok {
				return errors.Join(err, errors.New("the grant has moved on"))
			}
		}
		return nil
	})
}

// picks looks for what is due as the schedule does: which apps, and the most urgent
// of one of them.
func (w *world) picks(ctx context.Context) (median, worst float64, err error) {
	db, err := store.Open(ctx, store.Config{URL: w.databaseURL, DataDir: filepath.Join(w.dir, "data")})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var took []time.Duration
	var b [8]byte
	for i := range manyPicks {
		fillRandom(b[:])
		at := time.Now().Add(time.Hour + time.Duration(int(b[0])<<8|int(b[1]))*manyLate>>16)
		began := time.Now()
		err := db.View(ctx, func(q *store.Query) error {
			apps, err := q.DueApps(at)
			if err != nil || len(apps) == 0 {
				return err
			}
			due, err := q.Due(apps[int(b[2])%len(apps)].App, at, manyLimit)
			if err == nil && len(due) == 0 {
				err = errors.New("an app that is due has nothing that is due")
			}
			return err
		})
		if err != nil {
			return 0, 0, fmt.Errorf("pick %d (%s): %w", i, hex.EncodeToString(b[:3]), err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return ms(took[len(took)/2]), ms(took[len(took)-1]), nil
}

// marks gives the node a high-water mark for every grant.
func (w *world) marks() error {
	s, err := spool.Open(spool.Config{Dir: filepath.Join(w.dir, "data", "spool")})
	if err != nil {
		return err
	}
	at := time.Now().Add(-24 * time.Hour)
	for i := range w.many {
		s.Mark(manyGrant(i), at)
	}
	return s.Close()
}

// size is how large the database is.
func (w *world) size(ctx context.Context) (mb float64, err error) {
	db, err := w.plain()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	text := `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`
	if w.databaseURL != "" {
		text = `SELECT pg_database_size(current_database())`
	}
	var n int64
	err = db.QueryRowContext(ctx, text).Scan(&n)
	return float64(n) / (1 << 20), err
}
