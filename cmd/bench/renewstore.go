package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
)

// plainStore writes what is durable of a renewal: first the intent, then all that
// it brought, in one transaction.
type plainStore interface {
	intent(ctx context.Context, attempt []any) error
	commit(ctx context.Context, c plainCommit) (bool, error) // false: the grant has moved on
	close() error
}

// plainCommit is the arguments of the three statements below.
type plainCommit struct{ grant, attempt, entry []any }

const (
	addAttempt = `INSERT INTO attempts (id, project_id, app_id, grant_id, flow_id, kind, family, generation, node, started_at, deadline,
		ended_at, outcome, class, error, status, request_id) VALUES `
	swapFormat = `UPDATE grants SET family = $5, generation = $6, tokens = $7, previous = $8, scopes = $9, requested = $10,
		access_expires = $11, has_refresh = $12, health = $13, reason = $14, refresh_at = $15, refreshed_at = $16,
		rejected_at = $17, retry_at = $18, updated_at = $19, eager_at = $20, rank = $21, refresh_expires = $22, dead_at = $23%s
		WHERE id = $1 AND project_id = $2 AND family = $3 AND generation = $4`
	endAttempt = `UPDATE attempts SET grant_id = $3, ended_at = $4, outcome = $5, class = $6, error = $7, status = $8, request_id = $9
		WHERE id = $1 AND project_id = $2 AND ended_at = 0`
	addEntry = `INSERT INTO entries (id, project_id, at, who, what, outcome, code, app_id, connection_id, grant_id, session_id, key_id,
		person_id, detail, sealed, request_id) VALUES `
)

// fields is the place of one row's values.
func fields(n int) string { return "(?" + strings.Repeat(",?", n-1) + ")" }

// numbered is that as PostgreSQL wants it, from the argument after the first.
func numbered(from, n int) string {
	marks := make([]string, n)
	for i := range marks {
		marks[i] = fmt.Sprintf("$%d", from+i)
	}
	return strings.Join(marks, ",")
}

func fillRandom(b []byte) { _, _ = rand.Read(b) } // never fails: it ends the program instead

func openPlainStore(ctx context.Context, o orders) (plainStore, error) {
	db, err := openWritable(o.DatabaseURL, o.SQLite)
	if err != nil {
		return nil, err
	}
	if o.DatabaseURL != "" {
		db.SetMaxOpenConns(16)
		db.SetMaxIdleConns(16)
		return &plainPostgres{db}, nil
	}
	return openPlainLite(ctx, db, o.SQLite)
}

// swapTokens is for a database that one process has for itself, and needs no lease.
var swapTokens = fmt.Sprintf(swapFormat, "")

// plainPostgres needs one round trip for each.
type plainPostgres struct{ db *sql.DB }

// intentLeased takes the lease that keeps other nodes away, and writes the attempt.
var intentLeased = `WITH leased AS (UPDATE grants SET lease_owner = $9::text, lease_until = $11::bigint
		WHERE id = $4::text AND (lease_owner = '' OR lease_until <= $10::bigint) RETURNING id)
	` + strings.TrimSuffix(addAttempt, "VALUES ") + `SELECT $1, $2, $3, $4::text, $5, $6, $7, $8::bigint, $9::text, $10::bigint, $11::bigint,
		$12::bigint, $13, $14, $15, $16::bigint, $17 FROM leased`

func (p *plainPostgres) intent(ctx context.Context, attempt []any) error {
	res, err := p.db.ExecContext(ctx, intentLeased, attempt...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, errors.New("somebody else renews it"))
	}
	return nil
}

// commitAll is the three statements as one, which is a transaction.
var commitAll = `WITH swapped AS (` + fmt.Sprintf(swapFormat, ", lease_owner = '', lease_until = 0") + ` RETURNING id),
	ended AS (UPDATE attempts SET grant_id = $26, ended_at = $27, outcome = $28, class = $29, error = $30, status = $31, request_id = $32
		WHERE id = $24 AND project_id = $25 AND ended_at = 0)
	INSERT INTO entries (id, project_id, at, who, what, outcome, code, app_id, connection_id, grant_id, session_id, key_id,
		person_id, detail, sealed, request_id) SELECT ` + numbered(33, 2) + `, $35::bigint, ` + numbered(36, 11) + `, $47::bytea, $48 FROM swapped`

func (p *plainPostgres) commit(ctx context.Context, c plainCommit) (bool, error) {
	args := append(append(append(make([]any, 0, 48), c.grant...), c.attempt...), c.entry...)
	res, err := p.db.ExecContext(ctx, commitAll, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

func (p *plainPostgres) close() error { return p.db.Close() }

// plainLite is SQLite's one writer, which commits together what is waiting.
type plainLite struct {
	db, checkpoints           *sql.DB
	conn                      *sql.Conn
	begin, end                *sql.Stmt
	add, swap, close_, append *sql.Stmt
	jobs                      chan *plainJob
	ended, swept              chan struct{}
	stop                      chan struct{}
}

type plainJob struct {
	attempt []any // of an intent
	commit  plainCommit
	kept    bool
	done    chan error
}

func openPlainLite(ctx context.Context, db *sql.DB, path string) (*plainLite, error) {
	l := &plainLite{db: db, jobs: make(chan *plainJob, 512), ended: make(chan struct{}), swept: make(chan struct{}), stop: make(chan struct{})}
	var err error
	if l.conn, err = db.Conn(ctx); err != nil {
		return nil, err
	}
	for text, to := range map[string]**sql.Stmt{"BEGIN IMMEDIATE": &l.begin, "COMMIT": &l.end, addAttempt + fields(17): &l.add,
		swapTokens: &l.swap, endAttempt: &l.close_, addEntry + fields(16): &l.append} {
		if *to, err = l.conn.PrepareContext(context.WithoutCancel(ctx), text); err != nil { //nolint:sqlclosecheck // closed with the connection
			return nil, err
		}
	}
	if l.checkpoints, err = openWritable("", path); err != nil {
		return nil, err
	}
	go l.serve()
	go l.sweep()
	return l, nil
}

func (l *plainLite) intent(_ context.Context, attempt []any) error {
	return l.do(&plainJob{attempt: attempt})
}

func (l *plainLite) commit(_ context.Context, c plainCommit) (bool, error) {
	j := &plainJob{commit: c}
	err := l.do(j)
	return j.kept, err
}

func (l *plainLite) do(j *plainJob) error {
	j.done = make(chan error, 1)
	l.jobs <- j
	return <-j.done
}

func (l *plainLite) serve() {
	defer close(l.ended)
	for j := range l.jobs {
		batch := []*plainJob{j}
		runtime.Gosched() // who is about to come comes along
		for more := true; more && len(batch) < 128; {
			select {
			case j, ok := <-l.jobs:
				if more = ok; ok {
					batch = append(batch, j)
				}
			default:
				more = false
			}
		}
		err := l.write(batch)
		for _, j := range batch {
			j.done <- err
		}
	}
}

func (l *plainLite) write(batch []*plainJob) error {
	ctx := context.Background()
	if _, err := l.begin.ExecContext(ctx); err != nil {
		return err
	}
	for _, j := range batch {
		if err := l.one(ctx, j); err != nil {
			return err // the bench ends with it
		}
	}
	_, err := l.end.ExecContext(ctx)
	return err
}

func (l *plainLite) one(ctx context.Context, j *plainJob) error {
	if j.attempt != nil {
		_, err := l.add.ExecContext(ctx, j.attempt...)
		return err
	}
	res, err := l.swap.ExecContext(ctx, j.commit.grant...)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if j.kept = n == 1; err != nil || !j.kept {
		return err
	}
	if _, err := l.close_.ExecContext(ctx, j.commit.attempt...); err != nil {
		return err
	}
	_, err = l.append.ExecContext(ctx, j.commit.entry...)
	return err
}

// sweep moves SQLite's log into its file beside the writer, as package store does.
func (l *plainLite) sweep() {
	defer close(l.swept)
	t := time.NewTicker(500 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-t.C:
			_, _ = l.checkpoints.ExecContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)") // the next one does it
		}
	}
}

func (l *plainLite) close() error {
	close(l.jobs)
	<-l.ended
	close(l.stop)
	<-l.swept
	return errors.Join(l.conn.Close(), l.db.Close(), l.checkpoints.Close())
}
