package main

import (
	"sync"
	"time"

	"lanyard/internal/sandbox"
)

// book is the provider's ledger as far as it speaks of tokens, and what the
// customers were given.
type book struct {
	mu     sync.Mutex
	lines  []sandbox.Entry
	access map[string]sandbox.Entry // "issued", by fingerprint
	handed map[string]time.Time     // access tokens that a customer has received, first time, by fingerprint
	tap    chan sandbox.Entry       // whoever waits for the next renewal; nil: nobody
}

func newBook() *book {
	return &book{access: map[string]sandbox.Entry{}, handed: map[string]time.Time{}}
}

// take is the OnEntry of the sandbox of a class.
func (b *book) take(class string, e sandbox.Entry) {
	if e.Provider != sandbox.OIDC {
		return
	}
	e.Provider = class
	if e.Family != "" {
		e.Family = class + "/" + e.Family
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e.Kind {
	case "access":
		if e.Event == "issued" {
			b.access[e.Fingerprint] = e
		}
	case "refresh", "answer", "grant":
		b.lines = append(b.lines, e)
		if b.tap != nil && e.Kind == "answer" {
			select {
			case b.tap <- e:
			default:
			}
		}
	}
}

// next waits for an answer that arrives from now on, and says whether there was one.
func (b *book) next(most time.Duration) bool {
	tap := make(chan sandbox.Entry, 1)
	b.set(tap)
	defer b.set(nil)
	select {
	case <-tap:
		return true
	case <-time.After(most):
		return false
	}
}

func (b *book) set(tap chan sandbox.Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tap = tap
}

// hand notes that a customer has an access token.
func (b *book) hand(fingerprint string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, there := b.handed[fingerprint]; !there {
		b.handed[fingerprint] = time.Now()
	}
}

// issued says when an access token was made, and in which family.
func (b *book) issued(fingerprint string) (sandbox.Entry, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.access[fingerprint]
	return e, ok
}

// renewals counts the refresh tokens taken so far.
func (b *book) renewals() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.lines {
		if e.Event == "used" && e.Kind == "refresh" {
			n++
		}
	}
	return n
}
