package lanyard

import "time"

// Person is an end user of the customer's, or an organisation of theirs. What
// says who they are is sealed under a key of their own.
type Person struct {
	ID        PersonID
	Project   ProjectID
	Kind      string // "person" or "organization"
	RefHash   []byte // keyed hash of the caller's own string, for look-up
	Sealed    []byte // a PersonData, as JSON
	CreatedAt time.Time
}

// PersonData is the sealed part.
type PersonData struct {
	Ref         string `json:"ref"` // the caller's own string: end_user_id on the wire
	Email       string `json:"email,omitempty"`
	DisplayName string `json:"display_name,omitempty"`
}
