package sandbox

import (
	"context"
	"net"
	"net/http"
	"time"
)

type connKey struct{}

// line is a connection that somebody asks on.
type line struct {
	net.Conn
	since time.Time
}

// ConnContext belongs into the http.Server that serves Handler. With it the ledger says of each answer with tokens whether
// all of it arrived: "delivered", when the other end's system had acknowledged the last byte, or "undelivered". The line has
// the newest token's fingerprint (the refresh token's, if there is one) and its parent, and in Detail what went wrong.
// Acknowledged is not yet read: a program that is killed may not have seen it.
func (s *Sandbox) ConnContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, line{c, time.Now().UTC()})
}

// patience is how long an answer may take to be acknowledged.
const patience = 10 * time.Second

// arrival waits until what was written has been acknowledged, and says what went wrong: "" if nothing did.
func arrival(w http.ResponseWriter, r *http.Request) string {
	c, ok := r.Context().Value(connKey{}).(line)
	if !ok {
		return ""
	}
	if err := http.NewResponseController(w).Flush(); err != nil {
		return "not written"
	}
	for end, wait := time.Now().Add(patience), 50*time.Microsecond; ; wait = min(2*wait, 10*time.Millisecond) {
		gone := r.Context().Err() != nil // looked at first: what was acknowledged before they went has arrived
		left, err := unacknowledged(c.Conn)
		switch {
		case left == 0 && err == nil:
			return ""
		case gone || err != nil:
			return "connection closed"
		case time.Now().After(end):
			return "not acknowledged"
		}
		time.Sleep(wait)
	}
}

// noteArrival writes a line for each credential of an answer.
func (s *Sandbox) noteArrival(tokens []issued, r *http.Request, wrong string) {
	c, ok := r.Context().Value(connKey{}).(line)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range tokens {
		text := one.refresh
		if text == "" {
			text = one.access
		}
		if t := s.find(text); t != nil {
			e := Entry{Event: "delivered", Kind: "answer", Fingerprint: t.fingerprint, Parent: t.parent, Generation: t.generation,
				Peer: r.RemoteAddr, Connected: c.since, Detail: wrong}
			if wrong != "" {
				e.Event = "undelivered"
			}
			s.noteGrant(e, t.grant)
		}
	}
}
