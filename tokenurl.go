package lanyard

import "time"

// TokenContract is how a token URL is asked and answers.
type TokenContract string

const (
	ContractPlain      TokenContract = "plain"      // text/plain: Recall, Meeting BaaS, and who knows no other
	ContractMeetStream TokenContract = "meetstream" // GET text/plain, POST JSON
	ContractAttendee   TokenContract = "attendee"   // signed POST, JSON with up to four tokens
)

// TokenContracts lists every contract.
var TokenContracts = []TokenContract{ContractPlain, ContractMeetStream, ContractAttendee}

// TokenURL is a capability: whoever has its secret gets a token of its type, for the
// meetings and from the networks it names.
type TokenURL struct {
	ID         TokenURLID
	Project    ProjectID
	Name       string
	SecretHash []byte // keyed; the secret itself is shown once
	Type       string // onbehalf, zak, local_recording, access_token; attendee's bundle: all that can be had of Types
	Types      []string
	Contract   TokenContract
	Signed     []byte      // sealed: what calls are signed with; nil: they are not
	Bot        BotID       // made for a bot: it decides; empty: none
	Candidates []Candidate // on whose behalf, in order; empty with Attendee's contract: whom the call names
	Scopes     []string    // of an access token
	Meetings   [][]byte    // keyed hashes of the numbers it is for, as Meeting.Key; empty: any
	CIDRs      []string    // it may be called from; empty: anywhere
	ExpiresAt  time.Time   // zero: never
	RevokedAt  time.Time
	LastUsedAt time.Time
	Turn       int64 // counts calls: with each the next candidate comes first
	CreatedAt  time.Time
}
