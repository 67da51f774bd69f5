package main

import (
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/sandbox"
	"lanyard/internal/spool"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// found is what the nodes have on disk in the end, opened with their key: the
// fingerprints of refresh tokens.
type found struct {
	held     map[string]bool      // in the database: the current one of a grant
	receipts map[string]time.Time // in the receipts of a node, and since when
}

// refreshToken is how the sandbox's look, whatever they are wrapped in.
var refreshToken = regexp.MustCompile(`sbx_oidc_refresh_[A-Za-z0-9_-]+`)

// fingerprints of all refresh tokens in opened bytes.
func fingerprints(opened lanyard.Secret) (out []string) {
	for _, t := range refreshToken.FindAll(opened.Reveal(), -1) {
		out = append(out, sandbox.Fingerprint(string(t)))
	}
	return out
}

// onDisk reads the database and every node's receipts, while no node runs.
func (w *world) onDisk(ctx context.Context) (f found, err error) {
	f = found{held: map[string]bool{}, receipts: map[string]time.Time{}}
	cfg := store.Config{DataDir: w.all[0].dir}
	if w.cluster != nil {
		cfg.URL = w.databaseURL()
	}
	db, err := store.Open(ctx, cfg)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	kek, err := vault.LoadKEK("file:"+filepath.Join(w.dir, "kek"), cfg.DataDir)
	if err != nil {
		return f, err
	}
	v, err := vault.Open(ctx, vault.Config{KEK: kek, Keysets: db})
	if err != nil {
		return f, err
	}
	defer v.Close()
	for _, n := range w.all {
		if err := f.receiptsOf(ctx, v, filepath.Join(n.dir, "spool")); err != nil {
			return f, err
		}
	}
	return f, db.View(ctx, func(q *store.Query) error {
		projects, _, err := q.Projects(lanyard.Page{Limit: 1})
		if err != nil || len(projects) == 0 {
			return errors.Join(err, errors.New("no project"))
		}
		for _, h := range w.holds {
			if h.id == "" {
				continue
			}
			_, g, err := q.Connection(projects[0].ID, lanyard.ConnectionID(h.id))
			if err != nil {
				return err
			}
			opened, err := v.Open(ctx, vault.ProjectKey(g.Project), vault.Place{Project: g.Project, Row: string(g.ID),
				Field: "grants.tokens", Family: g.Family, Generation: g.Generation, App: g.App}, g.Tokens)
			if err != nil {
				return err
			}
			for _, fp := range fingerprints(opened) {
				f.held[fp] = true
			}
		}
		return nil
	})
}

// receiptsOf reads the receipts of a node.
func (f *found) receiptsOf(ctx context.Context, v *vault.Vault, dir string) (err error) {
	s, err := spool.Open(spool.Config{Dir: dir, Floor: 1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.Receipts(func(r spool.Receipt) error {
		opened, err := v.Open(ctx, vault.ProjectKey(r.Project), vault.Place{Project: r.Project, Row: string(r.Attempt), Field: "spool.answer",
			Family: r.Family, Generation: r.Generation, App: r.App}, r.Sealed)
		if err != nil {
			return err
		}
		answer, err := provider.DecodeAnswer(opened)
		if err != nil {
			return err
		}
		for _, fp := range fingerprints(answer.Body) {
			if _, there := f.receipts[fp]; !there {
				f.receipts[fp] = r.At
			}
		}
		return nil
	})
}
