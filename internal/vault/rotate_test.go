package vault_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lanyard"
	"lanyard/internal/vault"
)

// world is a store with two projects, some persons and values in it.
type world struct {
	*memory
	kek     vault.KEK
	secrets map[vault.Place]string
	digest  []byte
}

func newWorld(t testing.TB, values int) *world {
	t.Helper()
	w := &world{newMemory(), newKEK(t), map[vault.Place]string{}, nil}
	v := w.open(t)
	keys := []vault.Key{vault.ProjectKey(anna), vault.ProjectKey(bert)}
	for _, p := range []lanyard.ProjectID{anna, bert} {
		for _, q := range []lanyard.PersonID{carla, dora} {
			keys = append(keys, vault.PersonKey(p, q))
		}
	}
	give(t, v, w.memory, keys...)
	for i := range values {
		for _, key := range keys {
			at := grantAt(key.Project(), fmt.Sprintf("%s%04d", strings.ReplaceAll(key.Owner(), "/", "_"), i))
			w.write(t, v, key, at, fmt.Sprintf("secret %d", i))
		}
	}
	w.digest = v.Digest(anna, "person", "carla")
	return w
}

func (w *world) open(t testing.TB) *vault.Vault {
	t.Helper()
	return open(t, vault.Config{KEK: w.kek, Keysets: w, Fields: w, RetireAfter: time.Nanosecond})
}

func (w *world) write(t testing.TB, v *vault.Vault, key vault.Key, at vault.Place, s string) {
	t.Helper()
	sealed, err := v.Seal(t.Context(), key, at, lanyard.NewSecret(s))
	if err != nil {
		t.Fatal(err)
	}
	w.put(key, at, sealed)
	w.secrets[at] = s
}

// copied returns the same world as another store, so that one can be broken.
func (w *world) copied() *world {
	m := newMemory()
	m.rows, m.values = maps.Clone(w.rows), maps.Clone(w.values)
	return &world{m, w.kek, w.secrets, w.digest}
}

// ids returns which key ids seal the values and keysets for which the filter holds.
func (w *world) ids(of func(vault.Key) bool) []string {
	var out []string
	for _, f := range w.values {
		if of(f.Key) {
			out = append(out, hex.EncodeToString(f.Sealed[1:5]))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// wantWhole checks that everything opens in a fresh process and nothing rotates.
func (w *world) wantWhole(t testing.TB) {
	t.Helper()
	v := w.open(t)
	for at, s := range w.secrets {
		f := w.get(at)
		wantSecret(t, v, f.Key, at, f.Sealed, s)
	}
	if !bytes.Equal(v.Digest(anna, "person", "carla"), w.digest) {
		t.Fatal("the digest has changed: nobody is found any more")
	}
	s, err := v.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range s.Levels {
		if l.Rotating+l.Unopened != 0 || l.Level != vault.LevelPerson && l.Level != vault.LevelProject && len(l.WrappedBy) != 1 {
			t.Fatalf("got %+v, want nothing under way", l)
		}
	}
}

// The levels, and how each is rotated.
var levels = map[string]func(context.Context, *vault.Vault) (vault.Rotation, error){
	"root": func(ctx context.Context, v *vault.Vault) (vault.Rotation, error) { return v.RotateRoot(ctx, nil) },
	"project": func(ctx context.Context, v *vault.Vault) (vault.Rotation, error) {
		return v.RotateProject(ctx, anna, nil)
	},
	"person": func(ctx context.Context, v *vault.Vault) (vault.Rotation, error) {
		return v.RotatePerson(ctx, anna, carla, nil)
	},
}

func TestRotationReplacesTheKeyEverywhere(t *testing.T) {
	w := newWorld(t, 250) // more than two pages
	v := w.open(t)
	annas := func(k vault.Key) bool { return k == vault.ProjectKey(anna) }
	carlas := func(k vault.Key) bool { return k == vault.PersonKey(anna, carla) }
	others := func(k vault.Key) bool { return !annas(k) && !carlas(k) }
	rest := w.ids(others)

	before := w.ids(annas)
	steps := map[string]int{}
	r, err := v.RotateProject(t.Context(), anna, func(s vault.Step) { steps[s.What] = s.Done })
	if err != nil {
		t.Fatal(err)
	}
	want := vault.Rotation{Level: vault.LevelProject, Owner: "prj_anna", Primary: r.Primary, Resealed: 250, Rewrapped: 2, Retired: before}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{vault.StepAdded: 1, vault.StepResealed: 250, vault.StepRewrapped: 2, vault.StepRetired: 1}, steps); diff != "" {
		t.Error(diff)
	}
	if got := w.ids(annas); !slices.Equal(got, []string{r.Primary}) || slices.Equal(got, before) {
		t.Errorf("got values under %v, want all under %s", got, r.Primary)
	}
	w.wantWhole(t)

	before = w.ids(carlas)
	if r, err = v.RotatePerson(t.Context(), anna, carla, nil); err != nil || r.Resealed != 250 || !slices.Equal(r.Retired, before) {
		t.Errorf("got %+v, %v, want 250 values moved and %v gone", r, err, before)
	}
	w.wantWhole(t)

	if r, err = v.RotateRoot(t.Context(), nil); err != nil || r.Rewrapped != 3 || len(r.Retired) != 1 {
		t.Errorf("got %+v, %v, want the keysets of two projects and of look-ups moved", r, err)
	}
	w.wantWhole(t)
	if got := w.ids(others); !slices.Equal(got, rest) {
		t.Error("values of others were moved too")
	}
}

// The process is killed at every single call to the store, before or after the
// call did its work, and started again.
func TestRotationKilledAnywhereGoesOn(t *testing.T) {
	start := newWorld(t, 3)
	for level, rotate := range levels {
		for _, after := range []bool{false, true} {
			kills := 0
			for n := 1; ; n++ {
				w := start.copied()
				v := w.open(t)
				w.calls, w.failAt, w.after = 0, n, after
				_, err := rotate(t.Context(), v)
				if err == nil {
					break
				}
				if !errors.Is(err, errStore) {
					t.Fatalf("%s, call %d: got %v, want the store's error", level, n, err)
				}
				kills++
				w.failAt = 0
				v = w.open(t)
				for at, s := range w.secrets {
					wantSecret(t, v, w.get(at).Key, at, w.get(at).Sealed, s)
				}
				if r, err := rotate(t.Context(), v); err != nil || len(r.Retired) != 1 {
					t.Fatalf("%s, killed at call %d: got %+v, %v, want it finished", level, n, r, err)
				}
				w.wantWhole(t)
			}
			if kills < 9 {
				t.Errorf("%s: killed %d times only", level, kills)
			}
		}
	}
}

// Resume does the same without beginning anything.
func TestResumeFinishesAndBeginsNothing(t *testing.T) {
	start := newWorld(t, 3)
	for level, rotate := range levels {
		w := start.copied()
		v := w.open(t)
		w.calls, w.failAt = 0, 9
		if _, err := rotate(t.Context(), v); err == nil {
			t.Fatalf("%s: was not killed", level)
		}
		w.failAt = 0
		v = w.open(t)
		if done, err := v.Resume(t.Context(), nil); err != nil || len(done) != 1 || len(done[0].Retired) != 1 {
			t.Errorf("%s: got %+v, %v, want one rotation finished", level, done, err)
		}
		w.wantWhole(t)
		rows := maps.Clone(w.rows)
		if done, err := v.Resume(t.Context(), nil); err != nil || len(done) != 0 || !cmp.Equal(rows, w.rows) {
			t.Errorf("%s: got %+v, %v, want nothing begun", level, done, err)
		}
	}
}

func TestKEKRotationKilledAnywhere(t *testing.T) {
	start := newWorld(t, 1)
	next := newKEK(t)
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			w := start.copied()
			v := w.open(t)
			w.calls, w.failAt, w.after = 0, n, after
			_, err := v.RotateKEK(t.Context(), next)
			done := err == nil
			w.failAt = 0
			if _, err := v.RotateKEK(t.Context(), next); err != nil {
				t.Fatalf("call %d: %v", n, err)
			}
			if _, err := vault.Open(t.Context(), vault.Config{KEK: w.kek, Keysets: w}); !errors.Is(err, lanyard.CodeVaultSealed) || !strings.Contains(err.Error(), next.ID()) {
				t.Fatalf("with the old key: got %v, want the new one named", err)
			}
			// The process that did it goes on, and rotating root does not undo it.
			if _, err := v.RotateRoot(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			w.kek = next
			w.wantWhole(t)
			if done {
				if n < 3 {
					t.Fatalf("killed %d times only", n-1)
				}
				break
			}
		}
	}
}

// A node that was not told of the new KEK goes on with what it has in memory,
// and one that was told can rotate root without putting the old KEK back.
func TestOtherNodesDuringKEKRotation(t *testing.T) {
	w := newWorld(t, 2)
	next := newKEK(t)
	untold := w.open(t)
	told := open(t, vault.Config{KEK: w.kek, Former: []vault.KEK{next}, Keysets: w, Fields: w, RetireAfter: time.Nanosecond})
	if _, err := w.open(t).RotateKEK(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	for _, v := range []*vault.Vault{untold, told} {
		for at, s := range w.secrets {
			wantSecret(t, v, w.get(at).Key, at, w.get(at).Sealed, s)
		}
	}
	if _, err := untold.RotateRoot(t.Context(), nil); !errors.Is(err, lanyard.CodeVaultSealed) {
		t.Errorf("got %v, want CodeVaultSealed", err)
	}
	if _, err := told.RotateRoot(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if got := w.rows["root "].WrappedBy; got != next.ID() {
		t.Errorf("root is wrapped by %s, want still %s", got, next.ID())
	}
	w.kek = next
	w.wantWhole(t)
}

// A key service that seals but does not open would lock everything for good.
type sealsOnly struct{ vault.KEK }

func (sealsOnly) ID() string { return "kek_broken" }
func (sealsOnly) DecryptWithContext(context.Context, []byte, []byte) ([]byte, error) {
	return nil, errors.New("permission denied")
}

func TestKEKThatDoesNotOpenIsNotUsed(t *testing.T) {
	w := newWorld(t, 1)
	before := w.rows["root "]
	if _, err := w.open(t).RotateKEK(t.Context(), sealsOnly{newKEK(t)}); !errors.Is(err, lanyard.CodeVaultSealed) {
		t.Errorf("got %v, want CodeVaultSealed", err)
	}
	if !cmp.Equal(before, w.rows["root "]) {
		t.Error("the root keyset was changed")
	}
}

// One value was damaged. The others are moved, the alarm is raised once, and the
// key that might still open it is not destroyed.
func TestRotationKeepsAKeyThatIsCarried(t *testing.T) {
	w := newWorld(t, 5)
	told := 0
	v := open(t, vault.Config{KEK: w.kek, Keysets: w, Fields: w, RetireAfter: time.Nanosecond, OnTamper: func(context.Context, vault.Place) { told++ }})
	at := grantAt(anna, "prj_anna0002")
	bad := slices.Clone(w.get(at).Sealed)
	whole := w.get(at).Sealed
	bad[len(bad)-1] ^= 1
	w.put(vault.ProjectKey(anna), at, bad)
	r, err := v.RotateProject(t.Context(), anna, nil)
	if !errors.Is(err, lanyard.CodeTampered) || told != 1 {
		t.Errorf("got %v, told %d times, want CodeTampered and once", err, told)
	}
	old := hex.EncodeToString(bad[1:5])
	if r.Resealed != 4 || r.Unopened != 1 || len(r.Retired) != 0 || r.Carried[old] != 1 {
		t.Errorf("got %+v, want four moved and key %s kept for the fifth", r, old)
	}
	w.put(vault.ProjectKey(anna), at, whole) // the operator found out
	if r, err := v.RotateProject(t.Context(), anna, nil); err != nil || r.Resealed != 1 || !slices.Equal(r.Retired, []string{old}) {
		t.Errorf("got %+v, %v, want the last one moved and %s gone", r, err, old)
	}
	w.wantWhole(t)
}
