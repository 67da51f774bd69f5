package flow

import (
	"crypto/sha256"
	"encoding/base64"
)

// challenge is the S256 code challenge for a verifier (RFC 7636 §4.2). There is
// no plain one.
func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
