package access

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"

	"lanyard"
)

const (
	prefixKey      = "lyk_"
	prefixOperator = "lyo_"

	lenID     = 4 + 26
	lenSecret = 43 // 32 bytes
	lenIssued = 8  // 6 bytes
	lenSum    = 6  // 4 bytes
	lenWhole  = lenID + 1 + lenSecret + lenIssued + lenSum

	purposeKey = "api-key"
)

// digest is vault.Vault.Digest.
type digest func(project lanyard.ProjectID, purpose string, parts ...string) []byte

// newCredential makes an id, the credential to hand out once, and the MAC to keep.
func newCredential(digest digest, operator bool) (lanyard.KeyID, lanyard.Secret, []byte) {
	prefix := prefixKey
	if operator {
		prefix = prefixOperator
	}
	id := lanyard.NewID[lanyard.KeyID](prefix)
	secret := lanyard.Random(32)
	mac := digest("", purposeKey, string(id), secret)
	whole := string(id) + "_" + secret + issuedMark(mac)
	return id, lanyard.NewSecret(whole + checksum(whole)), mac
}

// checkCredential takes a credential apart. ok says that this server issued it;
// mac is to be compared with the row's. A credential of any other shape costs
// the same MAC, so time does not tell which part was wrong (T24).
func checkCredential(digest digest, credential lanyard.Secret) (id lanyard.KeyID, mac []byte, ok bool) {
	s := string(credential.Reveal())
	shaped := len(s) == lenWhole && s[lenID] == '_' &&
		(lanyard.ValidID(prefixKey, s[:lenID]) || lanyard.ValidID(prefixOperator, s[:lenID])) &&
		checksum(s[:lenWhole-lenSum]) == s[lenWhole-lenSum:]
	if !shaped {
		s = nobody
	}
	id = lanyard.KeyID(s[:lenID])
	secret, issued := s[lenID+1:lenID+1+lenSecret], s[lenID+1+lenSecret:lenWhole-lenSum]
	mac = digest("", purposeKey, string(id), secret)
	ok = subtle.ConstantTimeCompare([]byte(issuedMark(mac)), []byte(issued)) == 1
	return id, mac, ok && shaped
}

// nobody has the shape of a credential and is none.
const nobody = "lyk_00000000000000000000000000_000000000000000000000000000000000000000000000000000000000"

// issuedMark is the part of a credential that only this server can make.
func issuedMark(mac []byte) string { return base64.RawURLEncoding.EncodeToString(mac[26:32]) }

func checksum(s string) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], crc32.ChecksumIEEE([]byte(s)))
	return base64.RawURLEncoding.EncodeToString(b[:])
}
