package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"

	"lanyard"
)

// fileKEK is a 256-bit key in a text file that can be copied by hand:
//
//	lanyard-kek 1
//	id kek_8f3t…
//	key xxxx xxxx … (13 groups)
//	checksum xxxxxxxx
//
// Letters are those of Crockford's base32, so that 0 and O, 1 and l are the
// same. The id is made from the key: two files with one id hold one key.
type fileKEK struct {
	id, uri string
	tink.AEAD
}

func (k *fileKEK) ID() string  { return k.id }
func (k *fileKEK) URI() string { return k.uri }

func (k *fileKEK) EncryptWithContext(_ context.Context, plaintext, associatedData []byte) ([]byte, error) {
	return k.Encrypt(plaintext, associatedData)
}

func (k *fileKEK) DecryptWithContext(_ context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	return k.Decrypt(ciphertext, associatedData)
}

func newFileKEK(key []byte, path string) (KEK, error) {
	params, err := aesgcm.NewParameters(aesgcm.ParametersOpts{
		KeySizeInBytes: kekBytes, IVSizeInBytes: 12, TagSizeInBytes: 16, Variant: aesgcm.VariantNoPrefix,
	})
	if err != nil {
		return nil, fmt.Errorf("key-encryption key: %w", err)
	}
	k, err := aesgcm.NewKey(secretdata.NewBytesFromData(key, insecuresecretdataaccess.Token{}), 0, params)
	if err != nil {
		return nil, fmt.Errorf("key-encryption key: %w", err)
	}
	primitive, err := aesgcm.NewAEAD(k)
	if err != nil {
		return nil, fmt.Errorf("key-encryption key: %w", err)
	}
	return &fileKEK{id: kekID(key), uri: "file:" + path, AEAD: primitive}, nil
}

// loadKEKFile reads a key that is ours alone to read.
func loadKEKFile(path string) (KEK, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, lanyard.Errorf(lanyard.CodeVaultSealed, "key-encryption key: %w", err)
	}
	defer f.Close() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, lanyard.Errorf(lanyard.CodeVaultSealed, "key-encryption key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, lanyard.Errorf(lanyard.CodeVaultSealed, "key-encryption key %s is not a file", path)
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return nil, lanyard.Errorf(lanyard.CodeVaultSealed,
			"key-encryption key %s can be read by others (mode %04o): chmod 600 %s, and change the key if they may have", path, info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(f, kekFileMax+1))
	if err != nil {
		return nil, lanyard.Errorf(lanyard.CodeVaultSealed, "key-encryption key: %w", err)
	}
	if len(text) > kekFileMax {
		return nil, lanyard.Errorf(lanyard.CodeVaultSealed, "key-encryption key %s is too long to be one", path)
	}
	key, err := parseKEK(text)
	if err != nil {
		return nil, lanyard.Errorf(lanyard.CodeVaultSealed, "key-encryption key %s: %w", path, err)
	}
	return newFileKEK(key, path)
}

// makeKEKFile makes a key and its file, which appears whole or not at all and is
// on disk when this returns: the database will depend on it. It replaces nothing.
func makeKEKFile(path string) (KEK, error) {
	key := make([]byte, kekBytes)
	_, _ = rand.Read(key) // never fails, by the package's promise
	kek, err := newFileKEK(key, path)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	changed := []string{dir}
	for d := dir; absent(d); d = filepath.Dir(d) {
		changed = append(changed, filepath.Dir(d))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make key-encryption key: %w", err)
	}
	draft := filepath.Join(dir, ".lanyard-kek-"+rand.Text())
	if err := writeSynced(draft, formatKEK(key)); err != nil {
		return nil, errors.Join(fmt.Errorf("make key-encryption key: %w", err), removed(draft))
	}
	// Unlike a rename, a link does not replace a key that another process has
	// just made; unlike an exclusive create, nobody sees half a file.
	if err := errors.Join(os.Link(draft, path), removed(draft)); err != nil {
		return nil, fmt.Errorf("make key-encryption key: %w", err)
	}
	for _, d := range changed {
		if err := syncDir(d); err != nil {
			return nil, fmt.Errorf("make key-encryption key: %w", err)
		}
	}
	return kek, nil
}

func absent(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

func removed(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// checkKEKPath refuses a path that is relative or leads into the data directory,
// through symbolic links too.
func checkKEKPath(path, dataDir string) error {
	if !filepath.IsAbs(path) {
		return lanyard.Errorf(lanyard.CodeVaultSealed, "key-encryption key %q: the path must begin with /", path)
	}
	if dataDir == "" {
		return nil
	}
	data, err := filepath.Abs(dataDir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	for _, pair := range [][2]string{{path, data}, {realPath(path), realPath(data)}} {
		rel, err := filepath.Rel(pair[1], pair[0])
		if err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			return lanyard.Errorf(lanyard.CodeVaultSealed,
				"key-encryption key %s lies in the data directory %s: who copies that would have the lock and the key. Keep it in the configuration directory", path, dataDir)
		}
	}
	return nil
}

// realPath follows the symbolic links of as much of path as exists.
func realPath(path string) string {
	path = filepath.Clean(path)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	dir := filepath.Dir(path)
	if dir == path {
		return path
	}
	return filepath.Join(realPath(dir), filepath.Base(path))
}
