package lanyard

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
)

var base64url = base64.RawURLEncoding

// Redacted is what a Secret shows of itself, whoever asks.
const Redacted = "[redacted]"

// Secret is a value that cannot print itself: not by any verb of fmt, not in
// JSON, not by slog, and not as an unexported field, where fmt calls no methods
// and would show bytes. Two of them do not compare with ==; use Equal.
// Reveal is the only way out, and "grep -rn 'Reveal()'" is the review.
type Secret struct{ reveal func() []byte }

// NewSecret keeps s. The zero Secret is empty.
func NewSecret(s string) Secret { return SecretBytes([]byte(s)) }

// SecretBytes keeps b, which the caller must not change afterwards.
func SecretBytes(b []byte) Secret {
	if len(b) == 0 {
		return Secret{}
	}
	return Secret{func() []byte { return b }}
}

// Reveal returns the bytes themselves; the caller must not change them.
func (s Secret) Reveal() []byte {
	if s.reveal == nil {
		return nil
	}
	return s.reveal()
}

// Empty says whether there is nothing in it.
func (s Secret) Empty() bool { return s.reveal == nil }

// Equal compares in constant time; two empty secrets are not equal, so that a
// check against a value that was never set fails.
func (s Secret) Equal(o Secret) bool {
	return !s.Empty() && !o.Empty() && subtle.ConstantTimeCompare(s.Reveal(), o.Reveal()) == 1
}

// Fingerprint names a token without giving it away: the first 16 hex digits of
// its SHA-256. Tokens have far more entropy than that shows.
func (s Secret) Fingerprint() string {
	if s.Empty() {
		return ""
	}
	sum := sha256.Sum256(s.Reveal())
	return hex.EncodeToString(sum[:8])
}

func (Secret) String() string               { return Redacted }
func (Secret) GoString() string             { return Redacted }
func (Secret) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, Redacted) }
func (Secret) LogValue() slog.Value         { return slog.StringValue(Redacted) }
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }
func (Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }
