package access

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"lanyard"
	"lanyard/internal/store"
)

const (
	rowsFresh = time.Second // how long a row is believed: the promise for revoke on other nodes
	rowsMax   = 10_000
)

// rows keeps the rows of keys for a second. Only ids that this server issued are
// asked for, so nobody can fill it with invented ones.
type rows struct {
	db    *store.DB
	loads singleflight.Group

	mu    sync.RWMutex
	by    map[lanyard.KeyID]cachedRow
	epoch int // counts forgetting, so that a load that began before is not kept
}

type cachedRow struct {
	key   key
	err   error // CodeNotFound, or nil
	until time.Time
}

func newRows(db *store.DB) *rows { return &rows{db: db, by: map[lanyard.KeyID]cachedRow{}} }

// get returns the row, from memory or by one query for all who ask at the time.
func (r *rows) get(ctx context.Context, id lanyard.KeyID) (key, error) {
	r.mu.RLock()
	c, ok := r.by[id]
	r.mu.RUnlock()
	if ok && time.Now().Before(c.until) {
		return c.key, c.err
	}
	select {
	case res := <-r.loads.DoChan(string(id), func() (any, error) { return r.load(context.WithoutCancel(ctx), id) }):
		if res.Err != nil {
			return key{}, res.Err
		}
		return res.Val.(key), nil
	case <-ctx.Done():
		return key{}, ctx.Err()
	}
}

func (r *rows) load(ctx context.Context, id lanyard.KeyID) (key, error) {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	r.mu.RLock()
	epoch := r.epoch
	r.mu.RUnlock()
	c := cachedRow{until: time.Now().Add(rowsFresh)} // counted from before the query
	c.err = r.db.View(ctx, func(q *store.Query) (err error) {
		c.key.Key, err = q.Key(id)
		return err
	})
	if c.err != nil && !errors.Is(c.err, lanyard.NotFound) {
		return key{}, c.err
	}
	for _, s := range c.key.CIDRs {
		n, err := netip.ParsePrefix(s)
		if err != nil {
			return key{}, lanyard.Errorf(lanyard.CodeInternal, "key %s has a network that is none", id)
		}
		c.key.networks = append(c.key.networks, n)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if epoch == r.epoch {
		if len(r.by) >= rowsMax {
			clear(r.by)
		}
		r.by[id] = c
	}
	return c.key, c.err
}

// forget makes the next request with this key read the row.
func (r *rows) forget(id lanyard.KeyID) {
	r.mu.Lock()
	r.epoch++
	delete(r.by, id)
	r.mu.Unlock()
	r.loads.Forget(string(id))
}
