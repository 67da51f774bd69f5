package lanyard

import (
	"net/mail"
	"strings"
	"time"
)

// MailID and MailCopyID are IDs as the others are.
type (
	MailID     string // ml_
	MailCopyID string // mc_; part of the Message-ID
)

// MailedTypes are the events that are told by e-mail, too. The index of migration 0008
// names the same.
var MailedTypes = []EventType{EventNeedsReauth, EventExpiring, EventAppMisconfigured, EventEndpointDisabled}

// Audience is who an e-mail is for.
type Audience string

const (
	ToProject Audience = "project" // its addresses
	ToPerson  Audience = "person"  // the end user whose connection it is
)

// DigestCause is that of a mail that gathers what was too much to be told one by one.
const DigestCause = "digest"

// Mail is one thing that is told by e-mail: once per cause and day. It holds no
// address and no text: those are made when it is sent.
type Mail struct {
	ID         MailID
	Project    ProjectID
	Audience   Audience
	Cause      string // type and what it is about; digest
	Day        string // 2006-01-02 where the project is; for a digest, its hour
	Event      EventID
	Type       EventType
	Connection ConnectionID
	Person     PersonID // empty for a project
	Digest     MailID   // it is told in that one; empty: by itself
	CreatedAt  time.Time
}

// MailState is how far a copy has come.
type MailState string

const (
	MailPending MailState = "pending"
	MailSent    MailState = "sent"   // the mail server has taken it
	MailFailed  MailState = "failed" // refused for good, or given up
	MailDropped MailState = "dropped"
)

// MailCopy is a mail on its way to one address.
type MailCopy struct {
	ID        MailCopyID
	Project   ProjectID
	Mail      MailID
	Recipient []byte // keyed hash of one of the project's addresses; empty: the person's
	State     MailState
	Tries     int64
	TryAt     time.Time // the next try; while one is made, the end of its lease; zero: over
	TriedAt   time.Time
	Answer    int64 // of the mail server to the last try; 0: none
	CreatedAt time.Time
}

// ValidEmail says whether s is one plain address that a mail can go to: without a name,
// and with nothing in it that a mail server or another header could trip over.
func ValidEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && len(s) <= 254 && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`<>"\,;`, r)
	})
}
