package main

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// firstGeneration is that of every grant before the first round.
const firstGeneration = 1

// ownFor makes the original's app one of the provider at this token endpoint, and
// n copies of the original's grant, each with a connection and tokens of its own.
// The number of a copy is in its subject hash.
func (w *world) ownFor(ctx context.Context, tokenURL string, n int) error {
	return w.hold(ctx, func(h held) error {
		err := h.db.Bookkeep(ctx, func(tx *store.Tx) error {
			own, err := tx.App(h.grant.Project, h.grant.App)
			if err != nil {
				return err
			}
			own.Endpoints["token"] = tokenURL
			w.app, w.project = own.ID, own.Project
			return tx.PutApp(own, nil)
		})
		if err != nil {
			return fmt.Errorf("move the app: %w", err)
		}
		const together = 200
		for i := 0; i < n; i += together {
			if err := w.renewable(ctx, h, i, min(together, n-i)); err != nil {
				return err
			}
		}
		return nil
	})
}

// renewable makes the copies from..from+n-1.
func (w *world) renewable(ctx context.Context, h held, from, n int) error {
	grants, connections := make([]lanyard.Grant, n), make([]lanyard.Connection, n)
	for i := range n {
		g, c := h.grant, h.connection
		c.ID, g.ID = lanyard.NewID[lanyard.ConnectionID]("con_"), lanyard.NewID[lanyard.GrantID]("grt_")
		c.Grant, g.Generation = g.ID, firstGeneration
		g.SubjectHash = binary.BigEndian.AppendUint64(make([]byte, 24, 32), uint64(from+i))
		g.UsedAt = time.Now()
		g.Rank = lanyard.RankInUse
		tokens := sealedTokens(token("bench_access", from+i, firstGeneration, accessLen), refreshToken(from+i, firstGeneration), g.Scopes)
		var err error
		g.Tokens, err = h.vault.Seal(ctx, vault.ProjectKey(g.Project), tokensPlace(g), tokens)
		if err != nil {
			return err
		}
		grants[i], connections[i] = g, c
	}
	return h.db.Bookkeep(ctx, func(tx *store.Tx) error {
		for i := range grants {
			if err := errors.Join(tx.AddGrant(grants[i]), tx.AddConnection(connections[i])); err != nil {
				return fmt.Errorf("copy %d: %w", from+i, err)
			}
		}
		return nil
	})
}

func tokensPlace(g lanyard.Grant) vault.Place {
	return vault.Place{Project: g.Project, Row: string(g.ID), Field: "grants.tokens", Family: g.Family, Generation: g.Generation, App: g.App}
}

// sealedTokens writes a token set as package grant keeps it: a 1, the texts with
// their length in front, the end (none), and the scopes.
func sealedTokens(access, refresh string, scopes []string) lanyard.Secret {
	b := []byte{1}
	add := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	for _, s := range []string{access, refresh, "", "bearer", ""} {
		add(s)
	}
	b = binary.AppendUvarint(binary.AppendVarint(b, 0), uint64(len(scopes))+1)
	for _, s := range scopes {
		add(s)
	}
	return lanyard.SecretBytes(b)
}

// allDue makes every copy due, in no order that its id has anything to do with.
func (w *world) allDue(ctx context.Context) (err error) {
	db, err := w.plain()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	random := `abs(random()) % 3600000000`
	if w.databaseURL != "" {
		random = `(random() * 3600000000)::bigint`
	}
	now := time.Now().UnixMicro()
	_, err = db.ExecContext(ctx, `UPDATE grants SET rank = 2, used_at = $1, refresh_at = $1 - `+random+` WHERE app_id = $2 AND id <> $3`, now, string(w.app), string(w.grant))
	return err
}

// generations adds up how often the copies were renewed.
func (w *world) generations(ctx context.Context) (n int64, err error) {
	db, err := w.plain()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.QueryRowContext(ctx, `SELECT sum(generation - $1) FROM grants WHERE app_id = $2 AND id <> $3`, int64(firstGeneration), string(w.app), string(w.grant)).Scan(&n)
	return n, err
}

// plain opens the database while no server has it.
func (w *world) plain() (*sql.DB, error) {
	return openWritable(w.databaseURL, cmp.Or(w.sqlite, filepath.Join(w.dir, "data", "lanyard.db")))
}

// twin copies the database for the other side.
func (w *world) twin(ctx context.Context, admin string) (url, path string, err error) {
	if w.databaseURL == "" {
		path = filepath.Join(w.dir, "ceiling.db")
		return "", path, copyFile(path, filepath.Join(w.dir, "data", "lanyard.db"))
	}
	return w.twinURL, "", makeDatabase(ctx, admin, "ceiling", "postgres")
}

func makeDatabase(ctx context.Context, admin, name, template string) (err error) {
	db, err := sql.Open("pgx", admin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, `CREATE DATABASE `+name+` TEMPLATE `+template)
	return err
}

func copyFile(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
