package access

import (
	"crypto/sha256"
	"regexp"
	"strings"
	"testing"

	"lanyard"
)

// counting is a digest that counts.
type counting struct{ n int }

func (c *counting) digest(_ lanyard.ProjectID, purpose string, parts ...string) []byte {
	c.n++
	sum := sha256.Sum256([]byte(purpose + "|" + strings.Join(parts, "|")))
	return sum[:]
}

// T24: whatever is wrong with a credential, the work is the same: one MAC.
func TestEveryCredentialCostsOneMAC(t *testing.T) {
	c := &counting{}
	id, credential, mac := newCredential(c.digest, false)
	whole := string(credential.Reveal())
	_, other, _ := newCredential(c.digest, false)
	rebuilt := func(s string) string { return s[:lenWhole-lenSum] + checksum(s[:lenWhole-lenSum]) }
	flip := func(s string, at int) string {
		b := []byte(s)
		b[at] = map[bool]byte{true: 'x', false: 'y'}[b[at] != 'x']
		return string(b)
	}
	for name, s := range map[string]string{
		"good": whole, "empty": "", "short": "x", "long": strings.Repeat("x", 5000), "other prefix": "abc_" + whole[4:],
		"wrong checksum": flip(whole, lenWhole-1), "wrong secret": rebuilt(flip(whole, lenID+5)), "wrong mark": rebuilt(flip(whole, lenID+1+lenSecret+2)),
		"another id": rebuilt(string(other.Reveal())[:lenID] + whole[lenID:]), "an operator's prefix": rebuilt("lyo" + whole[3:]), "spaces": whole + " ",
		"nobody": nobody, "nobody, rebuilt": rebuilt(nobody),
	} {
		c.n = 0
		gotID, gotMAC, ok := checkCredential(c.digest, lanyard.NewSecret(s))
		if c.n != 1 {
			t.Errorf("%s: got %d MACs, want 1", name, c.n)
		}
		if ok != (name == "good") {
			t.Errorf("%s: got %t", name, ok)
		}
		if ok && (gotID != id || string(gotMAC) != string(mac)) {
			t.Errorf("%s: got %s, want %s and its MAC", name, gotID, id)
		}
	}
	if len(nobody) != lenWhole {
		t.Errorf("got nobody of %d characters, want %d", len(nobody), lenWhole)
	}
}

// What docs/keys.md tells secret scanners.
func TestCredentialsAreFoundByScanners(t *testing.T) {
	shape := regexp.MustCompile(`^ly[ko]_[0-9a-hjkmnp-tv-z]{26}_[A-Za-z0-9_-]{57}$`)
	c := &counting{}
	for _, operator := range []bool{false, true} {
		_, credential, _ := newCredential(c.digest, operator)
		s := string(credential.Reveal())
		if !shape.MatchString(s) || checksum(s[:82]) != s[82:] {
			t.Errorf("got %q, want the documented shape and checksum", s)
		}
	}
}

func FuzzCheckCredential(f *testing.F) {
	c := &counting{}
	_, credential, _ := newCredential(c.digest, false)
	f.Add(string(credential.Reveal()))
	f.Add("")
	f.Add(nobody)
	f.Fuzz(func(t *testing.T, s string) {
		if _, _, ok := checkCredential(c.digest, lanyard.NewSecret(s)); ok && s != string(credential.Reveal()) {
			t.Errorf("got %q taken for ours", s)
		}
	})
}
