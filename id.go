package lanyard

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"
)

// IDs are text: a prefix that says what the thing is, and 26 characters of a
// UUIDv7 (RFC 9562, §6.2 method 3) in lower-case base32, so that they sort by time of
// making, to a quarter of a microsecond.
// They are names, not secrets: knowing one gives no right.
type (
	ProjectID    string // prj_
	AppID        string // app_
	PersonID     string // per_; ours, the caller's own string for the person is sealed
	GrantID      string // grt_
	ConnectionID string // con_
	SessionID    string // cs_
	ConsentID    string // cns_
	FlowID       string // flw_
	AttemptID    string // att_
	KeyID        string // lyk_ or lyo_; the public half of a credential
	EntryID      string // aud_
	EventID      string // evt_
	EndpointID   string // we_
	DeliveryID   string // dlv_
	PortalID     string // ptl_
	BotID        string // bot_
	RunnerID     string // run_
	TokenURLID   string // tu_
)

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID makes an ID with the given prefix, such as "con_".
func NewID[T ~string](prefix string) T {
	var b [16]byte
	now := time.Now()
	part := uint64(now.Nanosecond()%1_000_000) << 12 / 1_000_000 // of the millisecond
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16|0x7000|part)
	_, _ = rand.Read(b[8:]) // never fails, by the package's promise
	b[8] = b[8]&0x3f | 0x80
	return T(prefix + idEncoding.EncodeToString(b[:]))
}

// ValidID says whether s has the shape of one of our IDs with this prefix, such as
// "con_". What has not is absent, and needs no query to know it.
func ValidID(prefix, s string) bool {
	if len(s) != len(prefix)+26 || s[:len(prefix)] != prefix || !idPrefix(prefix) {
		return false
	}
	for _, c := range []byte(s[len(prefix):]) {
		switch { // the digits of idEncoding
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z' && c != 'i' && c != 'l' && c != 'o' && c != 'u':
		default:
			return false
		}
	}
	return true
}

// idPrefix says whether p is two to four small letters and an underscore.
func idPrefix(p string) bool {
	if len(p) < 3 || len(p) > 5 || p[len(p)-1] != '_' {
		return false
	}
	for _, c := range []byte(p[:len(p)-1]) {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// Vendor is the id as a vendor's clients know it: their prefix, "zoc_", and the same
// characters.
func (id ConnectionID) Vendor(prefix string) string {
	return prefix + strings.TrimPrefix(string(id), "con_")
}

// VendorID is the id of ours that a vendor's clients know with a prefix of theirs; ""
// where s has not the shape of one.
func VendorID[T ~string](theirs, ours, s string) T {
	if !ValidID(theirs, s) {
		return ""
	}
	return T(ours + s[len(theirs):])
}

// Random returns n random bytes as a URL-safe string (RFC 4648 §5, no padding).
// State, PKCE verifiers and the secret half of capabilities are made of 32 of
// them (RFC 6749 §10.10 asks for 16).
func Random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return base64url.EncodeToString(b)
}
