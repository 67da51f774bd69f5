package vault_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lanyard"
	"lanyard/internal/vault"
)

// Two nodes seal and open all the time, some of it kept in a spool for hours
// before it is stored, while one of them rotates every level three times over.
// Nothing ever fails to open, and in the end only one key is left everywhere.
func TestRotationUnderLoad(t *testing.T) {
	w := newWorld(t, 4)
	synctest.Test(t, func(t *testing.T) {
		cfg := vault.Config{KEK: w.kek, Keysets: w, Fields: w}
		nodes := []*vault.Vault{open(t, cfg), open(t, cfg)}
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for at, s := range w.secrets { // one goroutine owns one row, as a lease does
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(len(at.Row)), uint64(at.Row[len(at.Row)-1])))
				for ctx.Err() == nil {
					v := nodes[rng.IntN(2)]
					f := w.get(at)
					got, err := v.Open(t.Context(), f.Key, at, f.Sealed)
					if err != nil || string(got.Reveal()) != s {
						t.Errorf("%s: got %q, %v, want %q", at.Row, got.Reveal(), err, s)
						return
					}
					sealed, err := v.Seal(t.Context(), f.Key, at, got)
					if err != nil {
						t.Errorf("%s: %v", at.Row, err)
						return
					}
					if rng.IntN(10) == 0 {
						time.Sleep(time.Duration(rng.IntN(20)) * time.Hour) // in the spool
					}
					w.put(f.Key, at, sealed)
					time.Sleep(time.Duration(rng.IntN(600)) * time.Second)
				}
			})
		}
		for range 3 {
			for level, rotate := range levels {
				if r, err := rotate(t.Context(), nodes[0]); err != nil || len(r.Waiting) != 1 || len(r.Retired) != 0 {
					t.Errorf("%s: got %+v, %v, want the old key waiting", level, r, err)
				}
				time.Sleep(time.Duration(rand.IntN(100)) * time.Second)
			}
			time.Sleep(47 * time.Hour)
			if done, err := nodes[1].Resume(t.Context(), nil); err != nil || len(done) != 3 || len(done[0].Retired) != 0 {
				t.Errorf("after 47 hours: got %+v, %v, want three still waiting", done, err)
			}
			time.Sleep(time.Hour + 10*time.Minute)
			if done, err := nodes[1].Resume(t.Context(), nil); err != nil || len(done) != 3 || len(done[0].Retired)+len(done[1].Retired)+len(done[2].Retired) != 3 {
				t.Errorf("after 48 hours: got %+v, %v, want three keys destroyed", done, err)
			}
		}
		stop()
		wg.Wait()
		for _, v := range nodes {
			v.Close()
		}
	})
	w.wantWhole(t)
}

// The same at full speed, for the race detector: readers and writers in parallel
// with one rotation after the other.
func TestRotationRaces(t *testing.T) {
	w := newWorld(t, 4)
	cfg := vault.Config{KEK: w.kek, Keysets: w, Fields: w, RetireAfter: time.Hour}
	nodes := []*vault.Vault{open(t, cfg), open(t, cfg)}
	ctx, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer stop()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				for at, s := range w.secrets {
					v, f := nodes[i%2], w.get(at)
					got, err := v.Open(t.Context(), f.Key, at, f.Sealed)
					if err != nil || string(got.Reveal()) != s {
						t.Errorf("%s: got %q, %v, want %q", at.Row, got.Reveal(), err, s)
						return
					}
					sealed, err := v.Seal(t.Context(), f.Key, at, got)
					if err != nil {
						t.Error(err)
						return
					}
					w.put(f.Key, at, sealed)
				}
			}
		})
	}
	for i := 0; ctx.Err() == nil; i++ {
		for level, rotate := range levels {
			// Two nodes may be told to rotate the same at once.
			var both sync.WaitGroup
			for _, v := range nodes {
				both.Go(func() {
					// While others overwrite faster than it moves, it may give up; nothing is lost by it.
					if _, err := rotate(t.Context(), v); err != nil && !errors.Is(err, lanyard.CodeStoreUnavailable) {
						t.Errorf("%s: %v", level, err)
					}
				})
			}
			both.Wait()
		}
	}
	wg.Wait()
	v := open(t, cfg)
	for at, s := range w.secrets {
		wantSecret(t, v, w.get(at).Key, at, w.get(at).Sealed, s)
	}
}

// A key is held in memory for a while after its last use, and no longer (T17).
func TestKeysetsLeaveMemory(t *testing.T) {
	w := newWorld(t, 1)
	synctest.Test(t, func(t *testing.T) {
		v := open(t, vault.Config{KEK: w.kek, Keysets: w, CacheTTL: 30 * time.Second})
		defer v.Close()
		at := grantAt(anna, "prj_anna0000")
		reads := func(after time.Duration) int {
			time.Sleep(after)
			before := w.calls
			wantSecret(t, v, vault.ProjectKey(anna), at, w.get(at).Sealed, "secret 0")
			return w.calls - before
		}
		if n := reads(0); n != 1 {
			t.Errorf("the first time: %d reads, want 1", n)
		}
		if n := reads(20 * time.Second); n != 0 {
			t.Errorf("after 20 s: %d reads, want none", n)
		}
		if n := reads(20 * time.Second); n != 0 {
			t.Errorf("20 s after the last use: %d reads, want none", n)
		}
		if n := reads(31 * time.Second); n == 0 {
			t.Error("31 s after the last use: still in memory")
		}
	})
}

// A person is erased: their keyset is deleted. Within a minute no node opens
// what is theirs, although it had the key in memory.
func TestDeletedKeysetStopsOpening(t *testing.T) {
	w := newWorld(t, 1)
	synctest.Test(t, func(t *testing.T) {
		v := open(t, vault.Config{KEK: w.kek, Keysets: w})
		defer v.Close()
		at := grantAt(anna, "prj_anna_per_carla0000")
		wantSecret(t, v, vault.PersonKey(anna, carla), at, w.get(at).Sealed, "secret 0")
		delete(w.rows, "person "+vault.PersonKey(anna, carla).Owner())
		time.Sleep(61 * time.Second)
		if _, err := v.Open(t.Context(), vault.PersonKey(anna, carla), at, w.get(at).Sealed); !errors.Is(err, vault.ErrNoKeyset) {
			t.Errorf("got %v, want ErrNoKeyset", err)
		}
	})
}

// The database is gone for a day. What is in memory seals the provider's answers
// for the spool, until it may be too old to be opened again by anybody.
func TestSealingWhileTheDatabaseIsDown(t *testing.T) {
	w := newWorld(t, 1)
	synctest.Test(t, func(t *testing.T) {
		v := open(t, vault.Config{KEK: w.kek, Keysets: w})
		defer v.Close()
		key, at := vault.ProjectKey(anna), grantAt(anna, "prj_anna0000")
		held, err := v.Sealer(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		w.down = true
		for begin := time.Now(); time.Since(begin) < 23*time.Hour; time.Sleep(5 * time.Minute) {
			if _, err := v.Seal(t.Context(), key, at, lanyard.NewSecret("x")); err != nil {
				t.Fatalf("after %s: %v", time.Since(begin), err)
			}
		}
		for range 15 {
			_, err = v.Sealer(t.Context(), key)
			time.Sleep(5 * time.Minute)
		}
		if !errors.Is(err, lanyard.CodeVaultSealed) {
			t.Errorf("after a day: got %v, want CodeVaultSealed", err)
		}
		w.down = false
		time.Sleep(5 * time.Second)
		if _, err = v.Sealer(t.Context(), key); err != nil {
			t.Errorf("when it is back: %v", err)
		}
		sealed, err := held.Seal(at, lanyard.NewSecret("kept"))
		if err != nil {
			t.Fatal(err)
		}
		wantSecret(t, v, key, at, sealed, "kept")
	})
}

// Many callers meet a keyset that is not in memory: one read, and a caller that
// gives up does not take the others with it.
func TestManyCallersOneRead(t *testing.T) {
	w := newWorld(t, 1)
	synctest.Test(t, func(t *testing.T) {
		v := open(t, vault.Config{KEK: w.kek, Keysets: w})
		defer v.Close()
		at := grantAt(anna, "prj_anna0000")
		w.before = func() { time.Sleep(time.Second) }
		before := w.calls
		impatient, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer stop()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := v.Open(impatient, vault.ProjectKey(anna), at, w.get(at).Sealed); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want DeadlineExceeded", err)
			}
		})
		time.Sleep(time.Millisecond)
		for range 100 {
			wg.Go(func() { wantSecret(t, v, vault.ProjectKey(anna), at, w.get(at).Sealed, "secret 0") })
		}
		wg.Wait()
		if n := w.calls - before; n != 1 {
			t.Errorf("%d reads, want 1", n)
		}
	})
}

// The provider of what is above is asked when a node meets a key it does not know.
func TestNodeReadsAnewWhatOthersRotated(t *testing.T) {
	w := newWorld(t, 2)
	old, fast := w.open(t), w.open(t)
	for at, s := range w.secrets {
		wantSecret(t, old, w.get(at).Key, at, w.get(at).Sealed, s)
	}
	for range 2 {
		for _, level := range []string{"root", "project", "person"} {
			if _, err := levels[level](t.Context(), fast); err != nil {
				t.Fatal(err)
			}
		}
	}
	for at, s := range w.secrets {
		wantSecret(t, old, w.get(at).Key, at, w.get(at).Sealed, s)
	}
	// A key nobody has ever had is looked for once, and then it is an alarm.
	f := w.get(grantAt(anna, "prj_anna0000"))
	strange := append([]byte{1, 0xde, 0xad, 0xbe, 0xef}, f.Sealed[5:]...)
	before := w.calls
	if _, err := old.Open(t.Context(), f.Key, f.Place, strange); !errors.Is(err, lanyard.CodeTampered) {
		t.Errorf("got %v, want CodeTampered", err)
	}
	if n := w.calls - before; n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
	w.down = true
	if _, err := old.Open(t.Context(), f.Key, f.Place, strange); !errors.Is(err, errStore) || errors.Is(err, lanyard.CodeTampered) {
		t.Errorf("got %v, want the store's error and no alarm", err)
	}
}
