package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/tink-crypto/tink-go/v2/tink"

	"lanyard"
)

// KEK is a key-encryption key, the one at the top, outside the database. The key
// service of a cloud fits: it is Tink's AEADWithContext with two names.
type KEK interface {
	ID() string  // names the key; not secret, and the same wherever the key is copied to
	URI() string // where it was found, for messages; holds no secret
	tink.AEADWithContext
}

// FindKEK returns the key-encryption key at uri, for "file:/path" the one in
// that file. Where the file is missing and keysets holds nothing yet, it makes
// one; where keysets holds something it names the key that is needed. dataDir is
// where the database lies ("" if nowhere here): a key inside it is refused, for
// who steals the one would have the other.
func FindKEK(ctx context.Context, uri, dataDir string, keysets Keysets) (KEK, error) {
	kek, err := LoadKEK(uri, dataDir)
	if !errors.Is(err, fs.ErrNotExist) {
		return kek, err
	}
	root, rootErr := keysets.Keyset(ctx, LevelRoot, "")
	if rootErr == nil {
		// Another node may have made both since we looked for the file.
		if kek, err := LoadKEK(uri, dataDir); !errors.Is(err, fs.ErrNotExist) {
			return kek, err
		}
		return nil, lanyard.Errorf(lanyard.CodeVaultSealed,
			"this database needs the key-encryption key %s; at %s there is none. Put the copy you kept there, or say where it is", root.WrappedBy, uri)
	}
	if !errors.Is(rootErr, lanyard.NotFound) {
		return nil, fmt.Errorf("find key-encryption key: %w", rootErr)
	}
	if err := nothingSealed(ctx, keysets, LevelRoot); err != nil {
		return nil, err
	}
	kek, err = NewKEK(uri, dataDir)
	if errors.Is(err, fs.ErrExist) { // another node with the same configuration directory was faster
		return LoadKEK(uri, dataDir)
	}
	return kek, err
}

// LoadKEK returns the key-encryption key at uri, which must exist: the error for
// a missing file Is fs.ErrNotExist.
func LoadKEK(uri, dataDir string) (KEK, error) {
	path, err := kekPath(uri, dataDir)
	if err != nil {
		return nil, err
	}
	return loadKEKFile(path)
}

// NewKEK makes a key-encryption key at uri, where there must be none: the error
// for a file that exists Is fs.ErrExist. To change the KEK, give what it returns
// to RotateKEK.
func NewKEK(uri, dataDir string) (KEK, error) {
	path, err := kekPath(uri, dataDir)
	if err != nil {
		return nil, err
	}
	return makeKEKFile(path)
}

func kekPath(uri, dataDir string) (string, error) {
	scheme, path, ok := strings.Cut(uri, ":")
	if !ok || scheme != "file" {
		return "", lanyard.Errorf(lanyard.CodeVaultSealed, "key-encryption key %q: this build knows file:/path only", uri)
	}
	path = strings.TrimPrefix(path, "//") // file:///path is the same
	return path, checkKEKPath(path, dataDir)
}
