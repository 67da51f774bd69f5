package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// held is the database with the original in it, while no product runs: the data
// directory has one owner.
type held struct {
	db         *store.DB
	vault      *vault.Vault
	connection lanyard.Connection
	grant      lanyard.Grant
}

func (w *world) hold(ctx context.Context, fn func(held) error) (err error) {
	dataDir := filepath.Join(w.dir, "data")
	var h held
	if h.db, err = store.Open(ctx, store.Config{URL: w.databaseURL, DataDir: dataDir}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.db.Close()) }()
	kek, err := vault.LoadKEK("file:"+filepath.Join(w.dir, "config", "kek"), dataDir)
	if err != nil {
		return err
	}
	if h.vault, err = vault.Open(ctx, vault.Config{KEK: kek, Keysets: h.db}); err != nil {
		return err
	}
	defer h.vault.Close()
	err = h.db.View(ctx, func(q *store.Query) error {
		projects, _, err := q.Projects(lanyard.Page{Limit: 1})
		if err != nil || len(projects) == 0 {
			return errors.Join(err, errors.New("no project"))
		}
		h.connection, h.grant, err = q.Connection(projects[0].ID, lanyard.ConnectionID(w.original))
		w.grant, w.app, w.project = h.grant.ID, h.grant.App, h.grant.Project
		return err
	})
	if err != nil {
		return err
	}
	return fn(h)
}

// expire moves the end of the original's access token into the past.
func (w *world) expire(ctx context.Context) error {
	return w.hold(ctx, func(h held) error {
		g := h.grant
		g.AccessExpires = time.Now().Add(-time.Minute)
		return h.db.Bookkeep(ctx, func(tx *store.Tx) error {
			if ok, err := tx.CommitTokens(g, g.Family, g.Generation); err != nil || !ok {
				return errors.Join(err, errors.New("the grant has moved on"))
			}
			return nil
		})
	})
}

// copies multiplies the original and its grant, each with tokens of its own seal.
func (w *world) copies(ctx context.Context) error {
	w.plainKey = make([]byte, 32)
	_, _ = rand.Read(w.plainKey) // never fails: it ends the program instead
	return w.hold(ctx, func(h held) error {
		const together = 100 // in one transaction
		for len(w.ids) < w.connections {
			if err := w.some(ctx, h, min(together, w.connections-len(w.ids))); err != nil {
				return err
			}
		}
		return nil
	})
}

// some makes n copies.
func (w *world) some(ctx context.Context, h held, n int) error {
	plain, err := newAEAD(w.plainKey)
	if err != nil {
		return err
	}
	key := vault.ProjectKey(h.grant.Project)
	tokens, err := h.vault.Open(ctx, key, tokensPlace(h.grant), h.grant.Tokens)
	if err != nil {
		return err
	}
	grants, connections := make([]lanyard.Grant, n), make([]lanyard.Connection, n)
	for i := range n {
		g, c := h.grant, h.connection
		c.ID, g.ID = lanyard.NewID[lanyard.ConnectionID]("con_"), lanyard.NewID[lanyard.GrantID]("grt_")
		c.Grant, g.SubjectHash = g.ID, make([]byte, 32)
		_, _ = rand.Read(g.SubjectHash)
		if g.Tokens, err = h.vault.Seal(ctx, key, tokensPlace(g), tokens); err != nil {
			return err
		}
		g.Previous = sealPlain(plain, string(c.ID), "sbx_zoom_access_"+lanyard.Random(48))
		grants[i], connections[i] = g, c
		w.ids = append(w.ids, string(c.ID))
	}
	return h.db.Bookkeep(ctx, func(tx *store.Tx) error {
		for i := range grants {
			if err := errors.Join(tx.AddGrant(grants[i]), tx.AddConnection(connections[i])); err != nil {
				return fmt.Errorf("copy %d: %w", i, err)
			}
		}
		return nil
	})
}
