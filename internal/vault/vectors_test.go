package vault_test

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/vault"
)

// vectors is what a version of this program has sealed. The files stay as they
// are when the code changes, for so do databases.
type vectors struct {
	KEK      []string             `json:"kek"` // the lines of the file
	KEKID    string               `json:"kek_id"`
	Keysets  []vault.SealedKeyset `json:"keysets"`
	Values   []vector             `json:"values"`
	Digests  []digest             `json:"digests"`
	Rotating string               `json:"rotating"` // owner of a keyset with two keys
}

type vector struct {
	Person lanyard.PersonID `json:"person,omitempty"`
	Place  vault.Place      `json:"place"`
	Sealed []byte           `json:"sealed"`
	Opens  string           `json:"opens"`
}

type digest struct {
	Project lanyard.ProjectID `json:"project"`
	Purpose string            `json:"purpose"`
	Parts   []string          `json:"parts"`
	Sum     []byte            `json:"sum"`
}

func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/vectors/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v, %v, want at least one file", files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var x vectors
		if err := json.Unmarshal(b, &x); err != nil {
			t.Fatal(err)
		}
		v, _ := x.load(t)
		for _, c := range x.Values {
			wantSecret(t, v, vault.PersonKey(c.Place.Project, c.Person), c.Place, c.Sealed, c.Opens)
		}
		for _, d := range x.Digests {
			if got := v.Digest(d.Project, d.Purpose, d.Parts...); !slices.Equal(got, d.Sum) {
				t.Errorf("%s: digest of %s %q: got %x, want %x", file, d.Purpose, d.Parts, got, d.Sum)
			}
		}
		s, err := v.Status(t.Context())
		if err != nil || s.KEK != x.KEKID || s.Levels[2].Rotating != 1 || s.Levels[0].Unopened+s.Levels[1].Unopened+s.Levels[2].Unopened+s.Levels[3].Unopened != 0 {
			t.Errorf("%s: got %+v, %v", file, s, err)
		}
	}
}

// load puts the vectors into a store and opens a vault on it.
func (x vectors) load(t testing.TB) (*vault.Vault, *memory) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kek")
	var text []byte
	for _, line := range x.KEK {
		text = append(text, line+"\n"...)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	kek, err := vault.LoadKEK("file:"+path, "")
	if err != nil {
		t.Fatal(err)
	}
	m := newMemory()
	for _, ks := range x.Keysets {
		m.rows[string(ks.Level)+" "+ks.Owner] = ks
	}
	for _, c := range x.Values {
		m.put(vault.PersonKey(c.Place.Project, c.Person), c.Place, c.Sealed)
	}
	return open(t, vault.Config{KEK: kek, Keysets: m, Fields: m}), m
}

var newVectors = flag.String("new-vectors", "", "write vectors of this version to testdata/vectors/`NAME`.json, which must not exist")

// Makes the file for a new format; the old ones are never written again.
func TestMakeVectors(t *testing.T) {
	if *newVectors == "" {
		return
	}
	m, path := newMemory(), filepath.Join(t.TempDir(), "kek")
	kek, err := vault.NewKEK("file:"+path, "")
	if err != nil {
		t.Fatal(err)
	}
	v := open(t, vault.Config{KEK: kek, Keysets: m, Fields: m, RetireAfter: time.Hour})
	give(t, v, m, vault.ProjectKey(anna), vault.ProjectKey(bert), vault.PersonKey(anna, carla), vault.PersonKey(bert, dora))
	x := vectors{KEKID: kek.ID(), Rotating: string(bert)}
	add := func(person lanyard.PersonID, at vault.Place, s string) {
		sealed, err := v.Seal(t.Context(), vault.PersonKey(at.Project, person), at, lanyard.NewSecret(s))
		if err != nil {
			t.Fatal(err)
		}
		x.Values = append(x.Values, vector{person, at, sealed, s})
	}
	add("", grantAt(anna, "grt_1"), "access token")
	add("", vault.Place{Project: anna, Row: "app_1", Field: "apps.secret"}, "client secret")
	add("", vault.Place{Project: anna, Row: "flw_1", Field: "flows.parked"}, "")
	add("", grantAt(bert, "grt_2"), "sealed with the key that was replaced")
	add(carla, vault.Place{Project: anna, Row: string(carla), Field: "persons.sealed"}, "carla@example.com, Zürich")
	add(dora, vault.Place{Project: bert, Row: "aud_1", Field: vault.FieldOrigin}, `{"ip":"192.0.2.7"}`)
	if _, err := v.RotateProject(t.Context(), bert, nil); err != nil {
		t.Fatal(err)
	}
	add("", grantAt(bert, "grt_3"), "sealed with the key that replaced it")
	for _, parts := range [][]string{nil, {""}, {"a", "bc"}, {"ab", "c"}, {"Zürich"}} {
		x.Digests = append(x.Digests, digest{anna, "person", parts, v.Digest(anna, "person", parts...)})
	}
	for _, ks := range m.rows {
		x.Keysets = append(x.Keysets, ks)
	}
	slices.SortFunc(x.Keysets, func(a, b vault.SealedKeyset) int {
		return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(b.Level, a.Level))
	})
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x.KEK = strings.Split(strings.TrimSpace(string(text)), "\n")
	b, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join("testdata", "vectors", *newVectors+".json"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(append(b, '\n')); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// Whatever stands in the database, Open gives back what was sealed or an error.
func FuzzOpen(f *testing.F) {
	b, err := os.ReadFile("testdata/vectors/1.json")
	if err != nil {
		f.Fatal(err)
	}
	var x vectors
	if err := json.Unmarshal(b, &x); err != nil {
		f.Fatal(err)
	}
	v, _ := x.load(f)
	opens := map[string]string{}
	for _, c := range x.Values {
		f.Add(c.Sealed)
		opens[string(c.Sealed)+c.Place.Row] = c.Opens
	}
	f.Fuzz(func(t *testing.T, sealed []byte) {
		for _, c := range x.Values {
			got, err := v.Open(context.Background(), vault.PersonKey(c.Place.Project, c.Person), c.Place, sealed)
			want, ok := opens[string(sealed)+c.Place.Row]
			if ok != (err == nil) || string(got.Reveal()) != want {
				t.Errorf("got %q, %v, want %q", got.Reveal(), err, want)
			}
		}
	})
}
