package vault

import (
	"context"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// KEK is a key-encryption key outside the database: the key at the top. A key
// service of a cloud fits: it is Tink's AEADWithContext with two names.
type KEK interface {
	ID() string  // names the key; stable, not secret, the same wherever the key is copied
	URI() string // where it was found, for messages; holds no secret
	tink.AEADWithContext
}

// FindKEK returns the key-encryption key at uri: for "file:/path" the one in
// that file. Where the file is missing and keysets holds nothing yet, it makes
// one. dataDir is where the database lies; a key beside it is refused, because
// who steals the one would have the other.
func FindKEK(ctx context.Context, uri, dataDir string, keysets Keysets) (KEK, error) {
	return nil, errPending
}
