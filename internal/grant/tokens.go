package grant

import (
	"encoding/binary"
	"encoding/json"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// stored is a token set with its tokens as strings, to be sealed. Nothing outside
// this file makes or reads one, so that no token is a string anywhere else.
type stored struct {
	Access    string   `json:"a"`
	Refresh   string   `json:"r,omitempty"`
	IDToken   string   `json:"i,omitempty"`
	TokenType string   `json:"t,omitempty"`
	Expires   int64    `json:"e,omitempty"` // Unix seconds
	Scopes    []string `json:"s"`
	APIBase   string   `json:"b,omitempty"`
}

// tokensFormat begins a sealed token set: this byte, then each text with its
// length in front, the end in Unix seconds, and the scopes with their number in
// front, plus one; 0 is none known. It is opened for every read of a token, and
// JSON would cost more there than the decryption.
const tokensFormat = 1

func encode(t lanyard.TokenSet) lanyard.Secret {
	st := toStored(t)
	b := []byte{tokensFormat}
	for _, s := range []string{st.Access, st.Refresh, st.IDToken, st.TokenType, st.APIBase} {
		b = appendText(b, s)
	}
	b = binary.AppendVarint(b, st.Expires)
	if st.Scopes == nil {
		return lanyard.SecretBytes(append(b, 0))
	}
	b = binary.AppendUvarint(b, uint64(len(st.Scopes))+1)
	for _, s := range st.Scopes {
		b = appendText(b, s)
	}
	return lanyard.SecretBytes(b)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func decode(s lanyard.Secret) (lanyard.TokenSet, error) {
	r := textReader{b: s.Reveal()}
	if len(r.b) == 0 || r.b[0] != tokensFormat {
		r.bad = true
	} else {
		r.b = r.b[1:]
	}
	st := stored{Access: r.text(), Refresh: r.text(), IDToken: r.text(), TokenType: r.text(), APIBase: r.text(), Expires: r.number()}
	if n := r.count(); n > 0 {
		st.Scopes = make([]string, n-1)
		for i := range st.Scopes {
			st.Scopes[i] = r.text()
		}
	}
	if r.bad || len(r.b) > 0 {
		return lanyard.TokenSet{}, lanyard.Errorf(lanyard.CodeTampered, "the sealed tokens cannot be read")
	}
	return st.set(), nil
}

// textReader takes encode's form apart; after something that is not in it, bad
// stays and everything is empty.
type textReader struct {
	b   []byte
	bad bool
}

// count is a number that something of at least that many bytes follows.
func (r *textReader) count() uint64 {
	v, n := binary.Uvarint(r.b)
	if r.bad = r.bad || n <= 0 || v > uint64(len(r.b)-n)+1; r.bad {
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *textReader) number() int64 {
	v, n := binary.Varint(r.b)
	if r.bad = r.bad || n <= 0; r.bad {
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *textReader) text() string {
	n := r.count()
	if r.bad = r.bad || n > uint64(len(r.b)); r.bad {
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func toStored(t lanyard.TokenSet) stored {
	st := stored{Access: string(t.Access.Reveal()), Refresh: string(t.Refresh.Reveal()),
		IDToken: string(t.IDToken.Reveal()), TokenType: t.TokenType, Scopes: t.Scopes, APIBase: t.APIBase}
	if !t.ExpiresAt.IsZero() {
		st.Expires = t.ExpiresAt.Unix()
	}
	return st
}

func (st stored) set() lanyard.TokenSet {
	t := lanyard.TokenSet{Access: lanyard.NewSecret(st.Access), Refresh: lanyard.NewSecret(st.Refresh),
		IDToken: lanyard.NewSecret(st.IDToken), TokenType: st.TokenType, Scopes: st.Scopes, APIBase: st.APIBase}
	if st.Expires != 0 {
		t.ExpiresAt = time.Unix(st.Expires, 0).UTC()
	}
	return t
}

// merge is what a grant holds after a renewal: the old refresh token stays
// when no new one came (RFC 6749 §6), and so do scopes and API base.
func merge(t *provider.Target, old, fresh lanyard.TokenSet) lanyard.TokenSet {
	if fresh.Access.Empty() { // salvaged without one: the old one serves out its time, unless renewing has ended it
		if fresh.Access = old.Access; !t.RotationKillsAccess {
			fresh.ExpiresAt = old.ExpiresAt
		}
	}
	if fresh.Refresh.Empty() {
		fresh.Refresh = old.Refresh
	}
	if fresh.Scopes == nil {
		fresh.Scopes = old.Scopes
	}
	if fresh.APIBase == "" {
		fresh.APIBase = old.APIBase
	}
	if fresh.TokenType == "" {
		fresh.TokenType = old.TokenType
	}
	if fresh.IDToken.Empty() {
		fresh.IDToken = old.IDToken
	}
	return fresh
}

type storedIssued struct {
	Kind   string            `json:"k"`
	Tokens stored            `json:"t"`
	Hint   provider.Identity `json:"h"`
}

// EncodeIssued writes what an exchange brought, for sealing until it is known
// whose account it is.
func EncodeIssued(issued []provider.Issued) lanyard.Secret {
	out := make([]storedIssued, len(issued))
	for i, is := range issued {
		out[i] = storedIssued{is.Kind, toStored(is.Tokens), is.Hint}
	}
	b, _ := json.Marshal(out)
	return lanyard.SecretBytes(b)
}

// DecodeIssued reads what EncodeIssued wrote.
func DecodeIssued(s lanyard.Secret) ([]provider.Issued, error) {
	var in []storedIssued
	if err := json.Unmarshal(s.Reveal(), &in); err != nil {
		return nil, lanyard.Errorf(lanyard.CodeTampered, "the sealed exchange cannot be read")
	}
	out := make([]provider.Issued, len(in))
	for i, st := range in {
		out[i] = provider.Issued{Kind: st.Kind, Tokens: st.Tokens.set(), Hint: st.Hint}
	}
	return out, nil
}
