package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Entry is a line of the ledger: something was issued, used, refused or ended, or a message left the house.
// A token is named by its fingerprint, the first 16 hexadecimal digits of its SHA-256, and never shown.
type Entry struct {
	Seq         int64     `json:"seq"` // counts from 1, without gaps
	Time        time.Time `json:"time"`
	Event       string    `json:"event"` // issued, used, refused, reuse_detected, expired, revoked, superseded, consent, denied, joined, join_refused, left, thrown_out, present, absent, webhook, fault, delivered, undelivered
	Provider    string    `json:"provider"`
	Kind        string    `json:"kind,omitempty"` // code, access, refresh, onbehalf, zak, local_recording, …; for webhooks the event's name; for faults the action
	Fingerprint string    `json:"fingerprint,omitempty"`
	Parent      string    `json:"parent,omitempty"` // the refresh token or code it was issued for
	Client      string    `json:"client_id,omitempty"`
	Person      string    `json:"person,omitempty"` // handle
	Family      string    `json:"family,omitempty"` // all tokens that go back to one consent
	Generation  int       `json:"generation,omitempty"`
	Meeting     string    `json:"meeting,omitempty"`
	Status      int       `json:"status,omitempty"`   // webhooks: what the receiver answered; 0: nothing
	Peer        string    `json:"peer,omitempty"`     // with ConnContext: who asked, the other end of the connection
	Connected   time.Time `json:"connected,omitzero"` // and since when it stands
	Detail      string    `json:"detail,omitempty"`
}

// ledger keeps the newest entries.
type ledger struct {
	limit   int
	seq     int64
	entries []Entry // a ring once it is full
	start   int
	told    func(Entry)
	asking  *line // on which the request came that is being answered
}

func (l *ledger) add(e Entry) {
	l.seq++
	e.Seq, e.Time = l.seq, time.Now().UTC()
	if l.asking != nil {
		e.Peer, e.Connected = l.asking.RemoteAddr().String(), l.asking.since
	}
	if l.told != nil {
		l.told(e)
	}
	if len(l.entries) < l.limit {
		l.entries = append(l.entries, e)
		return
	}
	l.entries[l.start] = e
	l.start = (l.start + 1) % l.limit
}

// Query selects entries; empty fields select all.
type Query struct {
	Provider, Client, Person, Event, Kind, Family, Fingerprint, Meeting string

	After int64 // only entries with a higher Seq
	Limit int   // 0: 1000
}

// Ledger returns matching entries, oldest first.
func (s *Sandbox) Ledger(q Query) []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.Limit <= 0 {
		q.Limit = 1000
	}
	is := func(want, got string) bool { return want == "" || want == got }
	out := []Entry{}
	l := &s.ledger
	first := l.seq - int64(len(l.entries)) + 1 // Seq has no gaps
	for i := int(max(q.After+1-first, 0)); i < len(l.entries); i++ {
		e := l.entries[(l.start+i)%len(l.entries)]
		if e.Seq > q.After && is(q.Provider, e.Provider) && is(q.Client, e.Client) && is(q.Person, e.Person) &&
			is(q.Event, e.Event) && is(q.Kind, e.Kind) && is(q.Family, e.Family) && is(q.Fingerprint, e.Fingerprint) && is(q.Meeting, e.Meeting) {
			if out = append(out, e); len(out) == q.Limit {
				break
			}
		}
	}
	return out
}

// Fingerprint names a token in the ledger.
func Fingerprint(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:8])
}

// note writes a line about a token.
func (s *Sandbox) note(event string, t *token, detail string) {
	e := Entry{Event: event, Kind: t.kind, Fingerprint: t.fingerprint, Parent: t.parent, Generation: t.generation, Meeting: t.meeting, Detail: detail}
	s.noteGrant(e, t.grant)
}

func (s *Sandbox) noteGrant(e Entry, g *grant) {
	e.Provider, e.Client, e.Family = g.client.Provider, g.client.ID, g.family
	if g.person != nil {
		e.Person = g.person.Handle
	}
	s.ledger.add(e)
}
