package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"

	"lanyard"
)

const (
	// An opened keyset is used this long before it is compared with the stored
	// one. So long may another node go on sealing with a key that was replaced,
	// or opening what belongs to a person whose keyset was deleted.
	checkEvery = time.Minute
	// After a failure to compare it is tried again so soon.
	checkAgain = 5 * time.Second
	// While the database cannot be reached, sealing goes on this long with what
	// is in memory: a provider's answer has to be kept (I4). RetireAfter is longer.
	staleLimit = 24 * time.Hour
	// One load waits for the database no longer than this.
	loadTimeout = 10 * time.Second
)

// current returns the keyset of key, from memory if it is there.
func (v *Vault) current(ctx context.Context, key Key) (*opened, error) {
	o := v.root.Load()
	if key != (Key{}) {
		var ok bool
		if o, ok = v.cache.GetIfPresent(key); !ok {
			return v.load(ctx, key)
		}
	}
	now, at := time.Now(), o.checkAt.Load()
	if now.UnixNano() < at || !o.checkAt.CompareAndSwap(at, now.Add(checkEvery).UnixNano()) {
		return o, nil // fresh, or somebody else is asking right now
	}
	row, err := v.keysets.Keyset(ctx, key.Level(), key.Owner())
	switch {
	case errors.Is(err, lanyard.NotFound) && key != (Key{}):
		v.cache.Invalidate(key)
		return nil, noKeyset(key)
	case err == nil && row.Version == o.version:
		o.known(now)
		return o, nil
	case err == nil:
		var newer *opened
		if newer, err = v.take(ctx, key, row); err == nil || errors.Is(err, lanyard.CodeTampered) {
			return newer, err
		}
	}
	// Neither the database nor what is above has an answer, but what is in
	// memory still seals and opens.
	o.checkAt.Store(now.Add(checkAgain).UnixNano())
	if ctx.Err() == nil {
		v.log.WarnContext(ctx, "keyset not compared with the stored one, going on with what is in memory",
			"keyset", name(key), "error", err)
	}
	return o, nil
}

// fit returns CodeVaultSealed when a keyset has been out of comparison for so
// long that the key it seals with may be destroyed.
func (o *opened) fit() error {
	if old := time.Since(time.Unix(0, o.knownAt.Load())); old > staleLimit {
		return lanyard.Errorf(lanyard.CodeVaultSealed,
			"the keyset of %s could not be compared with the stored one for %s", name(o.key), old.Round(time.Minute))
	}
	return nil
}

// load reads a keyset that is not in memory; many callers, one read. It outlives
// the caller that began it, because others wait for it too.
func (v *Vault) load(ctx context.Context, key Key) (*opened, error) {
	wait := v.loads.DoChan(name(key), func() (any, error) {
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer stop()
		return v.reload(ctx, key)
	})
	select {
	case r := <-wait:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*opened), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("read keyset of %s: %w", name(key), ctx.Err())
	}
}

// reload reads the stored keyset, whatever is in memory. It joins no read that
// others have begun: that may have begun before the change we look for.
func (v *Vault) reload(ctx context.Context, key Key) (*opened, error) {
	row, err := v.keysets.Keyset(ctx, key.Level(), key.Owner())
	if errors.Is(err, lanyard.NotFound) {
		return nil, noKeyset(key)
	}
	if err != nil {
		return nil, fmt.Errorf("read keyset of %s: %w", name(key), err)
	}
	return v.take(ctx, key, row)
}

// take unwraps a stored keyset and keeps it in memory.
func (v *Vault) take(ctx context.Context, key Key, row SealedKeyset) (*opened, error) {
	o, err := v.unwrap(ctx, key, row)
	if err != nil {
		return nil, err
	}
	v.keep(o)
	return o, nil
}

// unwrap opens a stored keyset of this key, and keeps nothing.
func (v *Vault) unwrap(ctx context.Context, key Key, row SealedKeyset) (*opened, error) {
	var plain []byte
	var err error
	// The key says what was asked for. What the row says of itself is only data.
	row.Level, row.Owner = key.Level(), key.Owner()
	if key == (Key{}) {
		plain, err = v.unwrapRoot(ctx, row)
	} else {
		var above *opened
		if above, err = v.current(ctx, key.above()); err != nil {
			return nil, err
		}
		plain, err = v.unwrapUnder(ctx, above, row)
	}
	if err != nil {
		return nil, err
	}
	handle, added, err := unmarshalPayload(plain)
	if err != nil {
		return nil, fmt.Errorf("open keyset of %s: %w", name(key), err)
	}
	o, err := newOpened(key, handle, added)
	if err != nil {
		return nil, err
	}
	o.version = row.Version
	if key == (Key{}) {
		o.kek = row.WrappedBy
	}
	return o, nil
}

// keep puts a keyset in memory, unless a newer one is there.
func (v *Vault) keep(o *opened) {
	if o.key == (Key{}) {
		for {
			have := v.root.Load()
			if have != nil && have.version > o.version || v.root.CompareAndSwap(have, o) {
				return
			}
		}
	}
	v.cache.Compute(o.key, func(have *opened, found bool) (*opened, otter.ComputeOp) {
		if found && have.version > o.version {
			return have, otter.CancelOp
		}
		return o, otter.WriteOp
	})
}

func noKeyset(key Key) error {
	return lanyard.Errorf(lanyard.CodeInternal, "keyset of %s: %w", name(key), ErrNoKeyset)
}
