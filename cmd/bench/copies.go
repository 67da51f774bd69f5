package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// copies multiplies the first connection and its grant, each with tokens of its
// own seal, and remembers which token each has to answer. The product is not
// running meanwhile: its data directory has one owner.
func (w *world) copies(ctx context.Context) (err error) {
	dataDir := filepath.Join(w.dir, "data")
	db, err := store.Open(ctx, store.Config{URL: w.databaseURL, DataDir: dataDir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	kek, err := vault.LoadKEK("file:"+filepath.Join(w.dir, "config", "kek"), dataDir)
	if err != nil {
		return err
	}
	v, err := vault.Open(ctx, vault.Config{KEK: kek, Keysets: db})
	if err != nil {
		return err
	}
	defer v.Close()
	w.plainKey = make([]byte, 32)
	_, _ = rand.Read(w.plainKey) // never fails: it ends the program instead
	plain, err := newAEAD(w.plainKey)
	if err != nil {
		return err
	}

	var c lanyard.Connection
	var g lanyard.Grant
	err = db.View(ctx, func(q *store.Query) error {
		projects, _, err := q.Projects(lanyard.Page{Limit: 1})
		if err != nil || len(projects) == 0 {
			return errors.Join(err, errors.New("no project"))
		}
		c, g, err = q.Connection(projects[0].ID, lanyard.ConnectionID(w.first))
		return err
	})
	if err != nil {
		return err
	}
	place := func(g lanyard.Grant) vault.Place {
		return vault.Place{Project: g.Project, Row: string(g.ID), Field: "grants.tokens", Family: g.Family, Generation: g.Generation, App: g.App}
	}
	key := vault.ProjectKey(g.Project)
	tokens, err := v.Open(ctx, key, place(g), g.Tokens)
	if err != nil {
		return err
	}
	const together = 100 // in one transaction
	for len(w.ids) < w.connections {
		var grants []lanyard.Grant
		var connections []lanyard.Connection
		for range min(together, w.connections-len(w.ids)) {
			c.ID, g.ID = lanyard.NewID[lanyard.ConnectionID]("con_"), lanyard.NewID[lanyard.GrantID]("grt_")
			c.Grant, g.SubjectHash = g.ID, make([]byte, 32)
			_, _ = rand.Read(g.SubjectHash)
			if g.Tokens, err = v.Seal(ctx, key, place(g), tokens); err != nil {
				return err
			}
			g.Previous = sealPlain(plain, string(c.ID), "access-token-of-"+string(c.ID)+string(c.Grant))
			grants, connections = append(grants, g), append(connections, c)
			w.ids = append(w.ids, string(c.ID))
		}
		err := db.Bookkeep(ctx, func(tx *store.Tx) error {
			for i := range grants {
				if err := errors.Join(tx.AddGrant(grants[i]), tx.AddConnection(connections[i])); err != nil {
					return fmt.Errorf("copy %d: %w", i, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
