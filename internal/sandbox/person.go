package sandbox

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
)

// Person is one of the cast: somebody with an account at a pretend provider. The same five live at each.
type Person struct {
	Handle    string `json:"handle"` // how the admin API and sandbox_person name them: "ana"
	ID        string `json:"id"`     // as the provider writes ids
	First     string `json:"first_name"`
	Last      string `json:"last_name"`
	Email     string `json:"email"`
	AccountID string `json:"account_id"` // Zoom account, Entra tenant, Slack team, Google's hosted domain
	Account   string `json:"account"`    // its name
	PMI       int64  `json:"pmi,omitempty"`
	Admin     bool   `json:"admin,omitempty"`
	Status    string `json:"status"` // active, inactive
}

// crowd is n further people of Harbour Studio, whom no page shows: "p1", "p2", …
// They are found by handle and by id.
func crowd(provider string, n int) map[string]*Person {
	account := accountID(provider, sha256.Sum256([]byte(provider+" account Harbour Studio")))
	out := make(map[string]*Person, 2*n)
	for i := range n {
		handle := fmt.Sprintf("p%d", i+1)
		p := &Person{Handle: handle, First: "Person", Last: fmt.Sprint(i + 1), Email: handle + "@example.com", AccountID: account,
			Account: "Harbour Studio", Status: "active", ID: personID(provider, sha256.Sum256([]byte(provider+" person "+handle)))}
		out[p.Handle], out[p.ID] = p, p
	}
	return out
}

// Name is what a page shows.
func (p *Person) Name() string { return p.First + " " + p.Last }

// Initials stand in for a picture.
func (p *Person) Initials() string { return p.First[:1] + p.Last[:1] }

// cast is made of hashes, so that the same person has the same id in every run.
func cast(provider string) []*Person {
	people := []*Person{
		{Handle: "ana", First: "Ana", Last: "Torres", Account: "Harbour Studio"},
		{Handle: "ben", First: "Ben", Last: "Okafor", Account: "Harbour Studio"},
		{Handle: "chidi", First: "Chidi", Last: "Eze", Account: "Quayside Clinic"},
		{Handle: "dana", First: "Dana", Last: "Lindqvist", Account: "Harbour Studio", Admin: true},
		{Handle: "emil", First: "Emil", Last: "Novak", Account: "Quayside Clinic", Status: "inactive"},
	}
	for _, p := range people {
		if p.Status == "" {
			p.Status = "active"
		}
		p.Email = strings.ToLower(p.First+"."+p.Last) + "@example.com"
		p.ID = personID(provider, sha256.Sum256([]byte(provider+" person "+p.Handle)))
		p.AccountID = accountID(provider, sha256.Sum256([]byte(provider+" account "+p.Account)))
		if provider == Zoom {
			h := sha256.Sum256([]byte("pmi " + p.Handle))
			p.PMI = 2_000_000_000 + int64(binary.BigEndian.Uint32(h[:4])%999_999_999)
		}
	}
	return people
}

func personID(provider string, h [32]byte) string {
	switch provider {
	case Zoom:
		return base64.RawURLEncoding.EncodeToString(h[:16])
	case Google:
		return fmt.Sprintf("1%020d", binary.BigEndian.Uint64(h[:8]))
	case Microsoft:
		return guid(h)
	case Slack:
		return "U" + base32.StdEncoding.EncodeToString(h[:])[:10]
	}
	return fmt.Sprintf("%x", h[:10])
}

func accountID(provider string, h [32]byte) string {
	switch provider {
	case Zoom:
		return base64.RawURLEncoding.EncodeToString(h[:16])
	case Google:
		return "example.com"
	case Microsoft:
		return guid(h)
	case Slack:
		return "T" + base32.StdEncoding.EncodeToString(h[:])[:10]
	}
	return fmt.Sprintf("%x", h[:6])
}

// guid shapes 16 bytes of a hash as a version 8 UUID (RFC 9562 §5.8).
func guid(h [32]byte) string {
	b := h[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// person finds somebody by handle, id or e-mail address.
func (p *provider) person(name string) *Person {
	for _, who := range p.people {
		if name != "" && (who.Handle == name || who.ID == name || strings.EqualFold(who.Email, name)) {
			return who
		}
	}
	return p.crowd[name]
}
