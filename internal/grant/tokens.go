package grant

import (
	"encoding/json"
	"fmt"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// stored is a token set as it is sealed. Only encode makes one and only decode
// reads one, so that no token is a string anywhere else.
type stored struct {
	Access    string   `json:"a"`
	Refresh   string   `json:"r,omitempty"`
	IDToken   string   `json:"i,omitempty"`
	TokenType string   `json:"t,omitempty"`
	Expires   int64    `json:"e,omitempty"` // Unix seconds
	Scopes    []string `json:"s"`
	APIBase   string   `json:"b,omitempty"`
}

func encode(t lanyard.TokenSet) lanyard.Secret {
	b, _ := json.Marshal(toStored(t)) // strings and numbers only: cannot fail
	return lanyard.SecretBytes(b)
}

func decode(s lanyard.Secret) (lanyard.TokenSet, error) {
	var st stored
	if err := json.Unmarshal(s.Reveal(), &st); err != nil {
		return lanyard.TokenSet{}, fmt.Errorf("read sealed tokens: %w", lanyard.CodeTampered)
	}
	return st.set(), nil
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
func merge(old, fresh lanyard.TokenSet) lanyard.TokenSet {
	if fresh.Access.Empty() { // salvaged without one: what there is has ended, and the next renewal brings it
		fresh.Access = old.Access
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
		return nil, fmt.Errorf("read sealed exchange: %w", lanyard.CodeTampered)
	}
	out := make([]provider.Issued, len(in))
	for i, st := range in {
		out[i] = provider.Issued{Kind: st.Kind, Tokens: st.Tokens.set(), Hint: st.Hint}
	}
	return out, nil
}
