package lanyard

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// Consent records one consent of a person: what they were shown, what was asked and
// granted, by which app, when and from where; and how it ended. It is the proof, and
// outlives the connection that it made.
type Consent struct {
	ID         ConsentID
	Project    ProjectID
	Connection ConnectionID
	Grant      GrantID
	App        AppID
	ClientID   string // of the app, at that time
	Provider   string
	Label      string // of the connection, at that time
	Person     PersonID
	Session    SessionID
	Origin     string // how it came: "hosted", "reconnect", "link", "own_callback", "unbound_code"
	Shown      Shown
	TextHash   string // of the ConsentText; empty where we did not see what was shown
	Asked      []string
	Granted    []string
	Missing    []string  // needed, and not granted
	ShownAt    time.Time // the page that the button was on
	AskedAt    time.Time // the trip to the provider began: Continue, or the authorize URL was made
	GrantedAt  time.Time // the provider's answer came
	Sealed     []byte    // an Origin, as JSON, under the person's key: where Continue was pressed
	Who        string    // who completed it
	Key        KeyID

	State        ConsentState
	EndedAt      time.Time
	EndedBy      string    // withdrawn: "customer", "person", "provider", "operator"
	Reason       Code      // withdrawn: the cause that the provider gave
	SupersededBy ConsentID // superseded
	Answer       ConsentAnswer
	CreatedAt    time.Time
}

// ConsentAnswer is what the provider answered when it was told of a withdrawal.
type ConsentAnswer struct {
	Outcome    string // "pending", "revoked", "not_supported", "failed", "shared", "connected_again", "told_us"
	Status     int64  // of the HTTP answer; 0: there was none
	Detail     string // in our words
	Again      bool   // failed, and it is tried again
	At         time.Time
	LivesUntil time.Time // an access token that was not ended works until then
}

// What has become of telling the provider, beside the outcomes of a revocation.
const (
	AnswerPending        = "pending"         // it is being told
	AnswerShared         = "shared"          // others hold the same grant: it is told when the last has let go
	AnswerConnectedAgain = "connected_again" // telling it late would end what was connected since
	AnswerToldUs         = "told_us"         // it was the provider that told us
)

// Shown says what is known of what the person was shown.
type Shown string

const (
	ShownPage      Shown = "page"      // our page, from which Continue was pressed
	ShownContinued Shown = "continued" // Continue was pressed without the mark of a page; the text is what the page said then
	ShownUnseen    Shown = "not_seen"  // no page of ours: whatever the customer showed
)

// ConsentState says whether a consent is in force.
type ConsentState string

const (
	ConsentGiven      ConsentState = "given"
	ConsentSuperseded ConsentState = "superseded" // the person has consented anew
	ConsentWithdrawn  ConsentState = "withdrawn"
)

// ConsentText is what a person was shown, word for word.
type ConsentText struct {
	Version  string         // of our words; see package connectpage
	Language string         // BCP 47
	Lines    []string       // as they stood on the page, from top to bottom
	Scopes   []ScopeInWords // those among them that say what is asked for
}

// ScopeInWords is a scope as it was put to the person.
type ScopeInWords struct {
	Scope    string `json:"scope"`
	Words    string `json:"words"`
	Optional bool   `json:"optional,omitempty"`
}

// Hash stands for the text: the SHA-256 of version, language, lines, and scopes as
// scope=words, each with a line feed after it.
func (t ConsentText) Hash() string {
	var b strings.Builder
	for _, s := range append([]string{t.Version, t.Language}, t.Lines...) {
		b.WriteString(s + "\n")
	}
	for _, s := range t.Scopes {
		b.WriteString(s.Scope + "=" + s.Words + "\n")
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// ConsentFilter narrows a list of consents; empty fields do not.
type ConsentFilter struct {
	Person     PersonID
	Connection ConnectionID
	App        AppID
	Provider   string
	State      ConsentState
}
