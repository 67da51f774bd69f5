package lanyard

// Candidate names one or several people on whose behalf a bot may join: exactly one of
// the four. A list of them is tried in its order.
type Candidate struct {
	Connection ConnectionID `json:"connection_id,omitempty"`
	Person     PersonID     `json:"person_id,omitempty"` // each of their connections at the provider of the meeting
	Label      string       `json:"label,omitempty"`     // a group: each connection that has it
	Host       bool         `json:"host,omitempty"`      // whoever hosts the meeting, where they are connected
}
