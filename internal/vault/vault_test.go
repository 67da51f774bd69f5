package vault_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/vault"
)

// memory keeps keysets and sealed values as the database does, and can be made
// to fail at its nth call.
type memory struct {
	mu     sync.Mutex
	rows   map[string]vault.SealedKeyset
	values map[string]vault.SealedField
	calls  int
	failAt int    // 0: never
	after  bool   // fail after doing it: the reply is lost
	down   bool   // every call fails
	before func() // called before each call, without the lock
}

var errStore = errors.New("the store is gone")

func newMemory() *memory {
	return &memory{rows: map[string]vault.SealedKeyset{}, values: map[string]vault.SealedField{}}
}

func call[T any](m *memory, do func() (T, error)) (T, error) {
	if m.before != nil {
		m.before()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	var zero T
	if m.down || m.calls == m.failAt && !m.after {
		return zero, errStore
	}
	out, err := do()
	if m.calls == m.failAt {
		return zero, errStore
	}
	return out, err
}

func (m *memory) Keyset(_ context.Context, level vault.Level, owner string) (vault.SealedKeyset, error) {
	return call(m, func() (vault.SealedKeyset, error) {
		ks, ok := m.rows[string(level)+" "+owner]
		if !ok {
			return ks, lanyard.Errorf(lanyard.CodeNotFound, "")
		}
		return ks, nil
	})
}

func (m *memory) PutKeyset(_ context.Context, ks vault.SealedKeyset, replaces int64) (bool, error) {
	return call(m, func() (bool, error) {
		if m.rows[string(ks.Level)+" "+ks.Owner].Version != replaces || ks.Version != replaces+1 {
			return false, nil
		}
		m.rows[string(ks.Level)+" "+ks.Owner] = ks
		return true, nil
	})
}

func (m *memory) ListKeysets(_ context.Context, level vault.Level, after string, limit int) ([]vault.SealedKeyset, error) {
	return call(m, func() ([]vault.SealedKeyset, error) {
		var out []vault.SealedKeyset
		for _, ks := range m.rows {
			if ks.Level == level && ks.Owner > after {
				out = append(out, ks)
			}
		}
		slices.SortFunc(out, func(a, b vault.SealedKeyset) int { return cmp.Compare(a.Owner, b.Owner) })
		return out[:min(limit, len(out))], nil
	})
}

func (m *memory) SealedFields(_ context.Context, project lanyard.ProjectID, after string, limit int) ([]vault.SealedField, error) {
	return call(m, func() ([]vault.SealedField, error) {
		var out []vault.SealedField
		for _, f := range m.values {
			if f.Key.Project() == project && f.Cursor > after {
				out = append(out, f)
			}
		}
		slices.SortFunc(out, func(a, b vault.SealedField) int { return cmp.Compare(a.Cursor, b.Cursor) })
		return out[:min(limit, len(out))], nil
	})
}

func (m *memory) ReplaceSealed(_ context.Context, f vault.SealedField, sealed []byte) (bool, error) {
	return call(m, func() (bool, error) {
		have := m.values[f.Cursor]
		if have.Place != f.Place || !bytes.Equal(have.Sealed, f.Sealed) {
			return false, nil
		}
		have.Sealed = sealed
		m.values[f.Cursor] = have
		return true, nil
	})
}

// put stores a sealed value under its place.
func (m *memory) put(key vault.Key, at vault.Place, sealed []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	cursor := at.Field + " " + at.Row
	m.values[cursor] = vault.SealedField{Cursor: cursor, Place: at, Key: key, Sealed: sealed}
}

func (m *memory) get(at vault.Place) vault.SealedField {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[at.Field+" "+at.Row]
}

const (
	anna  = lanyard.ProjectID("prj_anna")
	bert  = lanyard.ProjectID("prj_bert")
	carla = lanyard.PersonID("per_carla")
	dora  = lanyard.PersonID("per_dora")
)

func newKEK(t testing.TB) vault.KEK {
	t.Helper()
	kek, err := vault.NewKEK("file:"+filepath.Join(t.TempDir(), "kek"), "")
	if err != nil {
		t.Fatal(err)
	}
	return kek
}

func open(t testing.TB, cfg vault.Config) *vault.Vault {
	t.Helper()
	v, err := vault.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// make keysets for these keys and store them, as the service of the owner does.
func give(t testing.TB, v *vault.Vault, m *memory, keys ...vault.Key) {
	t.Helper()
	for _, key := range keys {
		ks, err := v.NewKeyset(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := m.PutKeyset(t.Context(), ks, 0); err != nil || !ok {
			t.Fatalf("got %v, %v, want the keyset of %s stored", ok, err, key.Owner())
		}
	}
}

func grantAt(p lanyard.ProjectID, row string) vault.Place {
	return vault.Place{Project: p, Row: row, Field: "grants.tokens", Family: "fam", Generation: 7, App: "app_1"}
}

func wantSecret(t testing.TB, v *vault.Vault, key vault.Key, at vault.Place, sealed []byte, want string) {
	t.Helper()
	got, err := v.Open(t.Context(), key, at, sealed)
	if err != nil {
		t.Fatalf("open %s of %s: %v", at.Field, at.Row, err)
	}
	if string(got.Reveal()) != want {
		t.Fatalf("open %s of %s: got %q, want %q", at.Field, at.Row, got.Reveal(), want)
	}
}

// A writer of the database copies Anna's sealed tokens to where they would be
// handed to somebody else, or takes back an older generation.
func TestCiphertextOpensOnlyWhereItBelongs(t *testing.T) {
	var told []vault.Place
	m := newMemory()
	v := open(t, vault.Config{KEK: newKEK(t), Keysets: m, OnTamper: func(_ context.Context, at vault.Place) { told = append(told, at) }})
	give(t, v, m, vault.ProjectKey(anna), vault.ProjectKey(bert), vault.PersonKey(anna, carla), vault.PersonKey(anna, dora), vault.PersonKey(bert, carla))
	at := grantAt(anna, "grt_1")
	seal := func(key vault.Key) []byte {
		sealed, err := v.Seal(t.Context(), key, at, lanyard.NewSecret("s3cr3t"))
		if err != nil {
			t.Fatal(err)
		}
		wantSecret(t, v, key, at, sealed, "s3cr3t")
		return sealed
	}
	project, person := seal(vault.ProjectKey(anna)), seal(vault.PersonKey(anna, carla))
	moved := func(change func(*vault.Place)) vault.Place { p := at; change(&p); return p }
	cut := func(b []byte, n int) []byte { return b[:len(b)-n] }
	flip := func(b []byte, i int) []byte { b = slices.Clone(b); b[i] ^= 1; return b }
	inBert := moved(func(p *vault.Place) { p.Project = bert })
	for _, c := range []struct {
		name   string
		key    vault.Key
		at     vault.Place
		sealed []byte
	}{
		{"another row", vault.ProjectKey(anna), moved(func(p *vault.Place) { p.Row = "grt_2" }), project},
		{"another field", vault.ProjectKey(anna), moved(func(p *vault.Place) { p.Field = "grants.previous" }), project},
		{"a letter from row to field", vault.ProjectKey(anna), moved(func(p *vault.Place) { p.Row, p.Field = "grt_", "1grants.tokens" }), project},
		{"another family", vault.ProjectKey(anna), moved(func(p *vault.Place) { p.Family = "fam2" }), project},
		{"another generation", vault.ProjectKey(anna), moved(func(p *vault.Place) { p.Generation = 6 }), project},
		{"another app", vault.ProjectKey(anna), moved(func(p *vault.Place) { p.App = "app_2" }), project},
		{"another project", vault.ProjectKey(bert), inBert, project},
		{"another project's place", vault.ProjectKey(anna), inBert, project},
		{"another project's key", vault.ProjectKey(bert), at, project},
		{"another person", vault.PersonKey(anna, dora), at, person},
		{"a person of the same id elsewhere", vault.PersonKey(bert, carla), inBert, person},
		{"from project to person", vault.PersonKey(anna, carla), at, project},
		{"from person to project", vault.ProjectKey(anna), at, person},
		{"nothing", vault.ProjectKey(anna), at, nil},
		{"only a key id", vault.ProjectKey(anna), at, project[:5]},
		{"cut", vault.ProjectKey(anna), at, cut(project, 1)},
		{"key id changed", vault.ProjectKey(anna), at, flip(project, 2)},
		{"text changed", vault.ProjectKey(anna), at, flip(project, 20)},
	} {
		told = nil
		got, err := v.Open(t.Context(), c.key, c.at, c.sealed)
		if !errors.Is(err, lanyard.CodeTampered) || !got.Empty() {
			t.Errorf("%s: got %q, %v, want CodeTampered and nothing", c.name, got.Reveal(), err)
			continue
		}
		if len(told) != 1 || told[0] != c.at {
			t.Errorf("%s: told %v, want once %v", c.name, told, c.at)
		}
		if want := fmt.Sprintf("%s of %s does not belong there and was not opened", c.at.Field, c.at.Row); err.Error() != want {
			t.Errorf("%s: got %q, want %q", c.name, err, want)
		}
	}
}

// A keyset that is copied over another's would make one person's key another's.
func TestKeysetOpensOnlyForItsOwner(t *testing.T) {
	told := 0
	m := newMemory()
	cfg := vault.Config{KEK: newKEK(t), Keysets: m, OnTamper: func(context.Context, vault.Place) { told++ }}
	v := open(t, cfg)
	give(t, v, m, vault.ProjectKey(anna), vault.ProjectKey(bert), vault.PersonKey(anna, carla), vault.PersonKey(anna, dora))
	for from, to := range map[string]string{"project prj_anna": "project prj_bert", "person prj_anna/per_carla": "person prj_anna/per_dora"} {
		ks := m.rows[to]
		ks.Sealed = m.rows[from].Sealed
		m.rows[to] = ks
	}
	v = open(t, cfg) // with nothing in memory
	for _, key := range []vault.Key{vault.ProjectKey(bert), vault.PersonKey(anna, dora)} {
		told = 0
		if _, err := v.Seal(t.Context(), key, grantAt(key.Project(), "grt_1"), lanyard.NewSecret("x")); !errors.Is(err, lanyard.CodeTampered) || told != 1 {
			t.Errorf("%s: got %v, told %d times, want CodeTampered and once", key.Owner(), err, told)
		}
	}
	if s, err := v.Status(t.Context()); err != nil || s.Levels[2].Unopened != 1 || s.Levels[3].Unopened != 1 {
		t.Errorf("got %+v, %v, want one project and one person that do not open", s, err)
	}
}

func TestKeysetsThatAreMissing(t *testing.T) {
	m := newMemory()
	v := open(t, vault.Config{KEK: newKEK(t), Keysets: m})
	give(t, v, m, vault.ProjectKey(anna))
	for _, key := range []vault.Key{vault.ProjectKey(bert), vault.PersonKey(anna, carla), vault.PersonKey(bert, carla)} {
		if _, err := v.Seal(t.Context(), key, grantAt(key.Project(), "grt_1"), lanyard.NewSecret("x")); !errors.Is(err, vault.ErrNoKeyset) {
			t.Errorf("%s: got %v, want ErrNoKeyset", key.Owner(), err)
		}
	}
	if _, err := v.NewKeyset(t.Context(), vault.ProjectKey(anna)); lanyard.CodeOf(err) != lanyard.CodeInternal {
		t.Errorf("a second keyset for one project: got %v, want an error", err)
	}
	if _, err := v.Seal(t.Context(), vault.Key{}, vault.Place{Row: "x", Field: "y"}, lanyard.NewSecret("x")); err == nil {
		t.Error("the zero Key seals; it would be with the root keyset")
	}
	if _, err := v.Open(t.Context(), vault.Key{}, vault.Place{Row: "x", Field: "y"}, m.rows["lookup "].Sealed); err == nil {
		t.Error("the zero Key opens")
	}
	if _, err := v.Seal(t.Context(), vault.ProjectKey(anna), grantAt(bert, "grt_1"), lanyard.NewSecret("x")); err == nil {
		t.Error("a value for another project's row is sealed")
	}
}

// What is made in one transaction has to be sealed before it: the person's data
// go into the same transaction as the keyset.
func TestNewKeysetSealsBeforeItIsStored(t *testing.T) {
	m := newMemory()
	cfg := vault.Config{KEK: newKEK(t), Keysets: m}
	v := open(t, cfg)
	project, err := v.NewKeyset(t.Context(), vault.ProjectKey(anna))
	if err != nil {
		t.Fatal(err)
	}
	person, err := v.NewKeyset(t.Context(), vault.PersonKey(anna, carla))
	if err != nil {
		t.Fatal(err)
	}
	at := vault.Place{Project: anna, Row: string(carla), Field: "persons.sealed"}
	sealed, err := v.Seal(t.Context(), vault.PersonKey(anna, carla), at, lanyard.NewSecret("carla@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	for _, ks := range []vault.SealedKeyset{project, person} {
		if ok, err := m.PutKeyset(t.Context(), ks, 0); err != nil || !ok {
			t.Fatal(ok, err)
		}
	}
	wantSecret(t, open(t, cfg), vault.PersonKey(anna, carla), at, sealed, "carla@example.com")
}

func TestDigest(t *testing.T) {
	m := newMemory()
	cfg := vault.Config{KEK: newKEK(t), Keysets: m}
	v := open(t, cfg)
	seen := map[string]string{}
	for name, d := range map[string][]byte{
		"as it is":        v.Digest(anna, "person", "ab", "c"),
		"other project":   v.Digest(bert, "person", "ab", "c"),
		"other purpose":   v.Digest(anna, "subject", "ab", "c"),
		"shifted parts":   v.Digest(anna, "person", "a", "bc"),
		"fewer parts":     v.Digest(anna, "person", "abc"),
		"more parts":      v.Digest(anna, "person", "ab", "c", ""),
		"purpose shifted": v.Digest(anna, "persona", "b", "c"),
	} {
		if len(d) != 32 {
			t.Errorf("%s: got %d bytes, want 32", name, len(d))
		}
		if other, ok := seen[string(d)]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[string(d)] = name
	}
	if got := open(t, cfg).Digest(anna, "person", "ab", "c"); seen[string(got)] != "as it is" {
		t.Error("the digest is another after a restart")
	}
}

func TestOrigin(t *testing.T) {
	m := newMemory()
	v := open(t, vault.Config{KEK: newKEK(t), Keysets: m})
	key := vault.PersonKey(anna, carla)
	give(t, v, m, vault.ProjectKey(anna), key)
	want := lanyard.Origin{IP: "192.0.2.7", UserAgent: "Mozilla"}
	sealed, err := v.SealOrigin(t.Context(), key, "aud_1", want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := v.OpenOrigin(t.Context(), key, "aud_1", sealed); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := v.OpenOrigin(t.Context(), key, "aud_2", sealed); !errors.Is(err, lanyard.CodeTampered) {
		t.Errorf("in another entry: got %v, want CodeTampered", err)
	}
}

func TestStatus(t *testing.T) {
	m := newMemory()
	kek := newKEK(t)
	v := open(t, vault.Config{KEK: kek, Keysets: m})
	give(t, v, m, vault.ProjectKey(anna), vault.ProjectKey(bert), vault.PersonKey(anna, carla))
	s, err := v.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.KEK != kek.ID() || s.KEKURI != kek.URI() || len(s.Levels) != 4 {
		t.Fatalf("got %+v, want the KEK and four levels", s)
	}
	root := s.Levels[0].Keys[0].ID
	for i, want := range []struct {
		n  int
		by string
	}{{1, kek.ID()}, {1, root}, {2, root}, {1, m.rows["person prj_anna/per_carla"].WrappedBy}} {
		l := s.Levels[i]
		if l.Keysets != want.n || l.WrappedBy[want.by] != want.n || l.Unopened+l.Rotating != 0 || time.Since(l.Oldest) > time.Minute {
			t.Errorf("%s: got %+v, want %d keysets wrapped by %s", l.Level, l, want.n, want.by)
		}
	}
}
