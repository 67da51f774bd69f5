package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/web"
	"lanyard/wire"
)

// mountBackup registers what the operator may do against the loss of the database.
func (s *Server) mountBackup(op func(method, path, id, summary string) web.Operation) {
	web.JSON(s.front, op("POST", "/backup", "backup", "Copy the database into a file on the server's machine"), s.backup)
	web.JSON(s.front, op("GET", "/restored", "restored", "When the database was put back, and which connections it does not know the tokens of since"), s.restored)
}

type backup struct{ Body wire.NewBackup }

// backup runs to its end whether or not the caller waits.
func (s *Server) backup(ctx context.Context, p lanyard.Principal, in *backup) (*wire.Backup, error) {
	ctx = context.WithoutCancel(ctx)
	if s.db.Backend() != "sqlite" {
		return nil, store.ErrPostgres
	}
	path, err := s.backupPath(p, in.Body.Path)
	if err != nil {
		return nil, err
	}
	b, err := s.db.Backup(ctx, path)
	p.Project = ""
	e := lanyard.NewEntry(p, lanyard.ActBackupTaken)
	e.Detail = map[string]string{"path": path, "bytes": strconv.FormatInt(b.Bytes, 10)}
	return backupOf(b), s.db.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		if err != nil {
			return e.Failed(err), err
		}
		return e, tx.PutMeta(store.MetaBackupAt, strconv.FormatInt(b.TakenAt.UnixMicro(), 10))
	})
}

// backupPath is where a backup goes: where the operator on this machine says, who
// could write there anyway, and for the holder of an operator key into the one
// directory there is for it.
func (s *Server) backupPath(p lanyard.Principal, path string) (string, error) {
	dir := store.BackupsDir(s.settings.DataDir)
	if path == "" {
		path = "lanyard-" + s.db.Clock().Format("20060102T150405Z") + ".db"
	}
	if filepath.IsAbs(path) {
		if p.Key != "" {
			return "", lanyard.Errorf(lanyard.CodeInvalidRequest, "path: over the network only the name of a file, which is put into %s", dir)
		}
		return filepath.Clean(path), nil
	}
	if path != filepath.Base(path) || strings.HasPrefix(path, ".") {
		return "", lanyard.Errorf(lanyard.CodeInvalidRequest, "path: an absolute one, or the name of a file, which is put into %s", dir)
	}
	return filepath.Join(dir, path), os.MkdirAll(dir, 0o700)
}

func backupOf(b store.Backup) *wire.Backup {
	return &wire.Backup{Path: b.Path, TakenAt: b.TakenAt.UTC(), Bytes: b.Bytes, Schema: b.Schema}
}

// Restore puts a backup in the place of the database, where no server is running.
// What the database does not know any more is found at the next start.
func Restore(ctx context.Context, settings Settings, file string) (store.Restored, error) {
	return store.Restore(ctx, settings.store(nil), file)
}

// NoteRestored tells a PostgreSQL database that its own tools have put it back,
// while no server uses it.
func NoteRestored(ctx context.Context, settings Settings) (r store.Restored, err error) {
	db, err := store.Open(ctx, settings.store(nil))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var alive []string
	err = db.View(ctx, func(q *store.Query) error {
		now, err := q.Now()
		if err != nil {
			return err
		}
		nodes, err := q.Nodes()
		for _, n := range nodes {
			if n.SeenAt.After(now.Add(-30 * time.Second)) {
				alive = append(alive, n.ID)
			}
		}
		return err
	})
	if err != nil {
		return r, err
	}
	if len(alive) > 0 {
		return r, lanyard.Errorf(lanyard.CodeStoreUnavailable, "servers use this database, or did half a minute ago: %s. Stop them first", strings.Join(alive, ", "))
	}
	return db.NoteRestored(ctx)
}

// reconciledFile is in the data directory: for which restore this node has told the
// database what it remembers.
const reconciledFile = "reconciled"

// reconcile compares the database with what this node remembers, once after it was
// put back: receipts were offered already.
func (s *Server) reconcile(ctx context.Context) error {
	var at, from time.Time
	err := s.db.View(ctx, func(q *store.Query) (err error) {
		at, from, err = q.Restored()
		return err
	})
	if err != nil || at.IsZero() {
		return err
	}
	path, is := filepath.Join(s.settings.DataDir, reconciledFile), strconv.FormatInt(at.UnixMicro(), 10)
	if was, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(was)) == is {
		return nil
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	behind, err := s.grants.Reconcile(ctx)
	if err != nil {
		return err
	}
	s.log.Warn("the database was put back to an older state; what this node remembers was compared with it",
		"restored_at", at, "state_of", from, "connections_behind", behind)
	e := lanyard.NewEntry(lanyard.Principal{Name: "lanyard"}, lanyard.ActRestored)
	e.Detail = map[string]string{"restored_at": at.Format(time.RFC3339), "behind": strconv.Itoa(behind), "node": s.self.Node()}
	if !from.IsZero() {
		e.Detail["state_of"] = from.Format(time.RFC3339)
	}
	if err := s.db.Update(ctx, func(*store.Tx) (lanyard.Entry, error) { return e, nil }); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(is+"\n"), 0o600)
}

// restoredMost bounds the list of connections that are behind.
const restoredMost = 1000

func (s *Server) restored(ctx context.Context, _ lanyard.Principal, _ *struct{}) (*wire.Restored, error) {
	out := &wire.Restored{Behind: []wire.Behind{}}
	err := s.db.View(ctx, func(q *store.Query) error {
		at, from, err := q.Restored()
		if err != nil {
			return err
		}
		for to, t := range map[**time.Time]time.Time{&out.RestoredAt: at, &out.StateOf: from} {
			if !t.IsZero() {
				*to = &t
			}
		}
		grants, err := q.GrantsSetBack(restoredMost + 1)
		if err != nil {
			return err
		}
		if out.More = len(grants) > restoredMost; out.More {
			grants = grants[:restoredMost]
		}
		for _, g := range grants {
			held, err := q.ConnectionsOf(g.ID)
			if err != nil {
				return fmt.Errorf("connections of %s: %w", g.ID, err)
			}
			b := wire.Behind{Project: string(g.Project), App: string(g.App), Grant: string(g.ID), RenewedAt: g.RefreshedAt.UTC(), Connections: []string{}}
			if known := s.spool.Marked(g.ID); !known.IsZero() {
				known = known.UTC()
				b.KnownAt = &known
			}
			for _, c := range held {
				if c.State != lanyard.Revoked {
					b.Connections = append(b.Connections, string(c.ID))
				}
			}
			out.Behind = append(out.Behind, b)
		}
		return nil
	})
	return out, err
}
