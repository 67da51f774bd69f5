package vault_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"lanyard"
	"lanyard/internal/vault"
)

func TestKEKFileIsMadeOnceAndOursAlone(t *testing.T) {
	m := newMemory()
	dir := t.TempDir()
	path := filepath.Join(dir, "etc", "lanyard", "kek")
	first, err := vault.FindKEK(t.Context(), "file:"+path, filepath.Join(dir, "data"), m)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("got %v, %v, want mode 0600", info.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("got %v, want nothing but the key left there", left)
	}
	again, err := vault.FindKEK(t.Context(), "file://"+path, "", m)
	if err != nil || again.ID() != first.ID() {
		t.Errorf("got %v, %v, want %s again", again, err, first.ID())
	}
	if _, err := vault.NewKEK("file:"+path, ""); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want a key that exists not replaced", err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o622} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := vault.FindKEK(t.Context(), "file:"+path, "", m); err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %04o: got %v, want it refused and how to mend it", mode, err)
		}
	}
}

func TestKEKIsRefusedInTheDataDirectory(t *testing.T) {
	m := newMemory()
	data := t.TempDir()
	link := filepath.Join(t.TempDir(), "etc")
	if err := os.Symlink(data, link); err != nil {
		t.Fatal(err)
	}
	for _, uri := range []string{
		"file:" + data + "/kek", "file:" + data, "file:" + data + "/../" + filepath.Base(data) + "/kek", "file:" + link + "/kek", "file:" + link + "/new/kek",
	} {
		if _, err := vault.FindKEK(t.Context(), uri, data, m); err == nil || !strings.Contains(err.Error(), "lies in the data directory") {
			t.Errorf("%s: got %v, want it refused", uri, err)
		}
	}
	for _, uri := range []string{"", "kek", "file:kek", "file:", "awskms:arn", "/etc/kek"} {
		if _, err := vault.FindKEK(t.Context(), uri, data, m); err == nil {
			t.Errorf("%q: got no error, want it refused", uri)
		}
	}
	if left, _ := os.ReadDir(data); len(left) != 0 {
		t.Errorf("got %v made in the data directory", left)
	}
	beside := data + "-config/kek"
	t.Cleanup(func() { _ = os.RemoveAll(data + "-config") })
	if _, err := vault.FindKEK(t.Context(), "file:"+beside, data, m); err != nil {
		t.Errorf("got %v, want a directory whose name only begins alike taken", err)
	}
}

// The operator has moved the server and forgot the key, or took another one.
func TestWrongOrMissingKEKIsNamed(t *testing.T) {
	m := newMemory()
	right, wrong := newKEK(t), newKEK(t)
	open(t, vault.Config{KEK: right, Keysets: m})
	before := m.rows["root "]

	_, err := vault.Open(t.Context(), vault.Config{KEK: wrong, Keysets: m})
	if !errors.Is(err, lanyard.CodeVaultSealed) {
		t.Fatalf("got %v, want CodeVaultSealed", err)
	}
	for _, want := range []string{right.ID(), wrong.ID(), wrong.URI()} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want %s named", err, want)
		}
	}
	missing := filepath.Join(t.TempDir(), "kek")
	_, err = vault.FindKEK(t.Context(), "file:"+missing, "", m)
	if !errors.Is(err, lanyard.CodeVaultSealed) || !strings.Contains(err.Error(), right.ID()) || !strings.Contains(err.Error(), missing) {
		t.Errorf("got %v, want the key needed and where it was looked for", err)
	}
	if _, err := os.Stat(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a new key was made although the database needs another")
	}
	if got := m.rows["root "]; !bytes.Equal(got.Sealed, before.Sealed) || got.Version != before.Version {
		t.Error("the root keyset was changed")
	}

	// The row says it is ours, and is not.
	lie := before
	lie.WrappedBy = wrong.ID()
	m.rows["root "] = lie
	if _, err := vault.Open(t.Context(), vault.Config{KEK: wrong, Keysets: m}); !errors.Is(err, lanyard.CodeVaultSealed) {
		t.Errorf("got %v, want CodeVaultSealed", err)
	}
}

// Somebody deletes the root keyset: a new one would lock everything for good
// the moment a new project was made with it.
func TestNoNewRootWhereKeysetsNeedTheOld(t *testing.T) {
	for _, gone := range []string{"root ", "lookup "} {
		m := newMemory()
		kek := newKEK(t)
		v := open(t, vault.Config{KEK: kek, Keysets: m})
		give(t, v, m, vault.ProjectKey(anna))
		delete(m.rows, gone)
		if _, err := vault.Open(t.Context(), vault.Config{KEK: kek, Keysets: m}); !errors.Is(err, lanyard.CodeVaultSealed) || !strings.Contains(err.Error(), "keyset is gone") {
			t.Errorf("without %s: got %v, want it to refuse", gone, err)
		}
		if _, ok := m.rows[gone]; ok {
			t.Errorf("a new %s was made", gone)
		}
		path := filepath.Join(t.TempDir(), "kek")
		if _, err := vault.FindKEK(t.Context(), "file:"+path, "", m); err == nil {
			t.Errorf("without %s: a new KEK was made", gone)
		}
	}
}

// Two nodes start on one empty database and one configuration directory.
func TestTwoNodesStartAtOnce(t *testing.T) {
	for range 20 {
		m := newMemory()
		uri := "file:" + filepath.Join(t.TempDir(), "config", "kek")
		const nodes = 4
		vaults := make([]*vault.Vault, nodes)
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i := range nodes {
			wg.Go(func() {
				<-start
				kek, err := vault.FindKEK(t.Context(), uri, "", m)
				if err != nil {
					t.Error(err)
					return
				}
				if vaults[i], err = vault.Open(t.Context(), vault.Config{KEK: kek, Keysets: m}); err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		wg.Wait()
		if t.Failed() {
			return
		}
		give(t, vaults[0], m, vault.ProjectKey(anna))
		sealed, err := vaults[0].Seal(t.Context(), vault.ProjectKey(anna), grantAt(anna, "grt_1"), lanyard.NewSecret("x"))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range vaults {
			wantSecret(t, v, vault.ProjectKey(anna), grantAt(anna, "grt_1"), sealed, "x")
			if !bytes.Equal(v.Digest(anna, "p", "x"), vaults[0].Digest(anna, "p", "x")) {
				t.Error("two nodes have two lookup keysets")
			}
			v.Close()
		}
	}
}

// Killed at any moment of the first start, the second start ends well.
func TestFirstStartKilledAnywhere(t *testing.T) {
	kek := newKEK(t)
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			m := newMemory()
			m.failAt, m.after = n, after
			v, err := vault.Open(t.Context(), vault.Config{KEK: kek, Keysets: m})
			if err == nil {
				v.Close()
				if n < 5 {
					t.Fatalf("only %d calls: the test kills nothing", n-1)
				}
				break
			}
			if !errors.Is(err, errStore) {
				t.Fatalf("call %d: got %v, want the store's error", n, err)
			}
			give(t, open(t, vault.Config{KEK: kek, Keysets: m}), m, vault.ProjectKey(anna))
		}
	}
}

// Somebody types the key in from paper.
func TestKEKFileTypedByHand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek")
	kek, err := vault.NewKEK("file:"+path, "")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var key string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "key ") {
			key = strings.TrimSpace(strings.TrimPrefix(line, "key "))
		}
	}
	load := func(s string) (vault.KEK, error) {
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
		return vault.LoadKEK("file:"+path, "")
	}
	swap := func(old, new string) string { return strings.Replace(string(text), old, new, 1) }
	for name, s := range map[string]string{
		"capitals":         swap(key, strings.ToUpper(key)),
		"no groups":        swap(key, strings.ReplaceAll(key, " ", "")),
		"O for 0, l for 1": swap(key, strings.NewReplacer("0", "O", "1", "l").Replace(key)),
		"no comment":       fromFirstLine(string(text)),
		"Windows lines":    strings.ReplaceAll(string(text), "\n", "\r\n"),
		"spaces around":    strings.ReplaceAll(string(text), "\n", "  \n\n  "),
	} {
		if got, err := load(s); err != nil || got.ID() != kek.ID() {
			t.Errorf("%s: got %v, want %s", name, err, kek.ID())
		}
	}
	other := "a"
	if key[0] == 'a' {
		other = "b"
	}
	for name, s := range map[string]string{
		"empty":               "",
		"a letter wrong":      swap(key, other+key[1:]),
		"a group missing":     swap(key, key[5:]),
		"two groups swapped":  swap(key, key[5:10]+key[:5]+key[10:]),
		"another id":          swap(kek.ID(), "kek_000000000000"),
		"cut":                 string(text[:len(text)-12]),
		"key twice":           string(text) + "key " + key + "\n",
		"something else":      string(text) + "note hello\n",
		"another version":     swap("lanyard-kek 1", "lanyard-kek 2"),
		"a letter not in use": swap(key, "u"+key[1:]),
		"too long":            string(text) + strings.Repeat("# x\n", 5000),
	} {
		_, err := load(s)
		if !errors.Is(err, lanyard.CodeVaultSealed) {
			t.Errorf("%s: got %v, want it refused", name, err)
			continue
		}
		for group := range strings.FieldsSeq(key) {
			if strings.Contains(err.Error(), " "+group) {
				t.Errorf("%s: the error shows a part of the key: %v", name, err)
			}
		}
	}
}

// fromFirstLine leaves the comment out.
func fromFirstLine(s string) string { return s[strings.Index(s, "lanyard-kek"):] }

func FuzzKEKFile(f *testing.F) {
	valid := vault.FormatKEK(bytes.Repeat([]byte{7}, 32))
	f.Add(valid)
	f.Add(bytes.ToUpper(valid))
	f.Add([]byte("lanyard-kek 1\nid\nkey\nchecksum"))
	f.Fuzz(func(t *testing.T, b []byte) {
		key, err := vault.ParseKEK(b)
		if err != nil {
			return
		}
		again, err := vault.ParseKEK(vault.FormatKEK(key))
		if err != nil || !bytes.Equal(again, key) || len(key) != 32 {
			t.Errorf("got %d bytes and %v, want the same key again", len(again), err)
		}
	})
}
