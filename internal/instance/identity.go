package instance

import (
	"context"
	"errors"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

// Serve makes a database that nobody has served yet this server's, and one with
// nothing in it that could be taken from another: no account is connected. It is
// for the server; commands that run without one leave the database as it is.
func (i *Instance) Serve(ctx context.Context) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.serving = true
	if i.madeFor == i.PublicURL {
		return nil
	}
	madeFor := ""
	err := i.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		was, err := tx.Meta(store.MetaPublicURL)
		if err != nil && !errors.Is(err, lanyard.NotFound) {
			return err
		}
		if madeFor = was; was != "" {
			if used, err := tx.AnyGrant(); err != nil || used {
				return err
			}
		}
		madeFor = i.PublicURL
		return tx.PutMeta(store.MetaPublicURL, i.PublicURL)
	})
	if err != nil {
		return err
	}
	i.madeFor = madeFor
	i.judge()
	return nil
}

// Adopt makes the database this server's, and returns the public URL it was made
// for before. It is on the log. Other nodes notice within 10 s.
func (i *Instance) Adopt(ctx context.Context, p lanyard.Principal) (was string, err error) {
	if !p.Operator {
		return "", lanyard.Errorf(lanyard.CodeOperatorOnly, "")
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	err = i.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		was, err = tx.Meta(store.MetaPublicURL)
		if err != nil && !errors.Is(err, lanyard.NotFound) {
			return lanyard.Entry{}, err
		}
		if was == i.PublicURL {
			return lanyard.Entry{}, nil
		}
		p.Project = ""
		e := lanyard.NewEntry(p, lanyard.ActInstanceAdopted)
		e.Detail = map[string]string{"was": was, "public_url": i.PublicURL, "node": i.self.ID}
		return e, tx.PutMeta(store.MetaPublicURL, i.PublicURL)
	})
	if err != nil {
		return "", err
	}
	i.madeFor = i.PublicURL
	i.judge()
	return was, nil
}

// Status is what is known of the instance.
type Status struct {
	ID      string // the random id of the database; a copy has the same
	MadeFor string // the public URL; empty: none yet
	Nodes   []lanyard.Node
	Alive   map[string]bool // by the clock of the database
	Self    string

	BackupAt time.Time // the last backup; zero: none was taken by us
}

// Status reads it.
func (i *Instance) Status(ctx context.Context) (Status, error) {
	s := Status{Self: i.self.ID, Alive: map[string]bool{}}
	var err error
	if s.ID, err = i.Store.InstanceID(ctx); err != nil {
		return s, err
	}
	err = i.Store.View(ctx, func(q *store.Query) error {
		now, err := q.Now()
		if err != nil {
			return err
		}
		if s.Nodes, err = q.Nodes(); err != nil {
			return err
		}
		for _, n := range s.Nodes {
			s.Alive[n.ID] = n.SeenAt.After(now.Add(-alive))
		}
		if s.MadeFor, err = q.Meta(store.MetaPublicURL); err != nil && !errors.Is(err, lanyard.NotFound) {
			return err
		}
		s.BackupAt, err = q.MetaTime(store.MetaBackupAt)
		return err
	})
	return s, err
}
