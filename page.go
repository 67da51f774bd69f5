package lanyard

import "time"

// Page asks for part of a list. Cursor is the id after which to go on.
type Page struct {
	Cursor string
	Back   bool // the page before the cursor, and the cursor of the one before that
	Limit  int  // 1–200; 0: 50
}

// Size returns the limit that holds.
func (p Page) Size() int {
	switch {
	case p.Limit <= 0:
		return 50
	case p.Limit > 200:
		return 200
	}
	return p.Limit
}

// ConnectionFilter narrows a list of connections; empty fields do not.
type ConnectionFilter struct {
	Person   PersonID
	Provider string
	App      AppID
	Status   Status
	Label    string
	Kept     bool // without those that the customer has let go of
}

// EntryFilter narrows the audit log; empty fields do not.
type EntryFilter struct {
	Connection ConnectionID
	Session    SessionID
	What       Action
	Who        string
	Outcome    string
	Since      time.Time
	Until      time.Time
}
