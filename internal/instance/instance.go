package instance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/worker"
)

// Config is what an Instance needs; every field but Logger is required.
type Config struct {
	Store     *store.DB
	DataDir   string // this node's own, locked by the store
	PublicURL string // where people reach this server
	Version   string // of the program
	Logger    *slog.Logger
}

// Times of the rows of nodes, by the clock of the database.
const (
	beat  = 10 * time.Second // between two signs of life
	alive = 30 * time.Second // whoever was seen since then is alive
	keep  = 30 * 24 * time.Hour
)

// Instance is this process. It is safe for concurrent use.
type Instance struct {
	Config
	self lanyard.Node

	hold atomic.Pointer[lanyard.Error]
	live atomic.Int64
	rank atomic.Int64 // of this node among those, by id

	mu      sync.Mutex // held while the row is read and judged, so that an older look does not undo a newer one
	serving bool
	said    string // in the log, of Hold
	taken   bool
	madeFor string // as last read; empty: none yet
}

// Open finds the name of this node and notes it in the database. It waits for up to
// 30 s where another process may be using the name, and returns node_name_taken
// where one is.
func Open(ctx context.Context, c Config) (*Instance, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	i := &Instance{Config: c}
	i.live.Store(1)
	name, same, err := nodeName(c.DataDir)
	if err != nil {
		return nil, err
	}
	i.self = lanyard.Node{ID: name, Version: c.Version}
	if !same && c.Store.Backend() != "sqlite" { // whose only node is the one that has the lock
		if err := i.alone(ctx); err != nil {
			return nil, err
		}
	}
	if err := i.look(ctx, true); err != nil {
		return nil, fmt.Errorf("note this node: %w", err)
	}
	return i, writePlace(c.DataDir)
}

// Node is this node's lasting name.
func (i *Instance) Node() string { return i.self.ID }

// Live is how many nodes use the database at the moment, this one included: what
// is allowed to all of them is shared among as many.
func (i *Instance) Live() int { return int(i.live.Load()) }

// Place says which of how many live nodes this one is, by id: what they have to do is
// divided by it.
func (i *Instance) Place() (n, of int) {
	of = i.Live()
	return min(int(i.rank.Load()), of-1), of
}

// Hold is why this process must not call any provider: instance_not_adopted or
// node_name_taken. It costs nothing.
func (i *Instance) Hold() error {
	if e := i.hold.Load(); e != nil {
		return e
	}
	return nil
}

// Task notes that this node is alive, and looks at what others have written.
func (i *Instance) Task() worker.Task {
	return worker.Task{Name: "instance.beat", Every: beat, Run: func(ctx context.Context) error { return i.look(ctx, false) }}
}

// look notes this node, and reads what the database says of nodes and identity.
func (i *Instance) look(ctx context.Context, start bool) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.taken {
		return nil // for good: two that share a name would take it from each other for ever
	}
	self, ok, live, before, madeFor := i.self, true, 0, 0, ""
	err := i.Store.Bookkeep(ctx, func(tx *store.Tx) (err error) {
		now := tx.Now()
		if start {
			if self.StartedAt, err = startOf(tx, self.ID); err != nil {
				return err
			}
		}
		if ok, err = tx.SeeNode(self); err != nil || !ok {
			return err
		}
		if err = tx.ForgetNodes(now.Add(-keep)); err != nil {
			return err
		}
		nodes, err := tx.Nodes()
		if err != nil {
			return err
		}
		for _, n := range nodes {
			if n.SeenAt.After(now.Add(-alive)) {
				if live++; n.ID < self.ID {
					before++
				}
			}
		}
		madeFor, err = tx.Meta(store.MetaPublicURL)
		if errors.Is(err, lanyard.NotFound) {
			err = nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if !ok {
		i.taken = true
		i.judge()
		return nil
	}
	if start {
		i.self = self
	}
	i.madeFor = madeFor
	i.rank.Store(int64(before))
	i.live.Store(int64(max(live, 1)))
	i.judge()
	return nil
}

// startOf is now, or, where the clock has gone back since the last process of this
// name began, just after that: the younger row is the one with the later start.
func startOf(tx *store.Tx, id string) (time.Time, error) {
	was, err := tx.Node(id)
	if err != nil {
		if errors.Is(err, lanyard.NotFound) {
			return tx.Now(), nil
		}
		return time.Time{}, err
	}
	if !tx.Now().After(was.StartedAt) {
		return was.StartedAt.Add(time.Microsecond), nil
	}
	return tx.Now(), nil
}

// judge makes Hold of what is known, and the log says when that changes.
func (i *Instance) judge() {
	var is *lanyard.Error
	switch {
	case i.taken:
		is = nameTaken(i.self.ID, i.DataDir)
	case i.madeFor != "" && i.madeFor != i.PublicURL:
		is = &lanyard.Error{Code: lanyard.CodeInstanceNotAdopted, RetryAfter: time.Minute, Message: fmt.Sprintf(
			"this database was made for %s, and this server runs as %s: it serves pages and reads, but calls no provider, because the server there may be using the same tokens. If this one is to take over, stop that one and run: lanyard adopt",
			i.madeFor, i.PublicURL)}
	}
	i.hold.Store(is)
	if !i.serving { // a command that runs without a server calls whom it calls, and is told then
		return
	}
	switch {
	case is != nil && i.said != is.Message:
		i.said = is.Message
		i.Logger.Error("no provider is called: "+is.Message, "code", string(is.Code))
	case is == nil && i.said != "":
		i.said = ""
		i.Logger.Info("providers are called again")
	}
}

// Close takes this node out of the list. left says that it leaves something behind,
// such as receipts that the database does not have yet; its row stays then.
func (i *Instance) Close(ctx context.Context, left bool) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if left || i.taken {
		return nil
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()
	return i.Store.Bookkeep(ctx, func(tx *store.Tx) error { return tx.LeaveNode(i.self) })
}
