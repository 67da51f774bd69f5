package lanyard

import "time"

// PortalState is how far a look at one's own connections has come.
type PortalState string

const (
	PortalOffered PortalState = "offered" // the link may be opened, once
	PortalOpen    PortalState = "open"    // in one browser
	PortalClosed  PortalState = "closed"  // the person has left
)

// Portal lets one person see and end their own connections (ptl_). Its link and,
// once that is opened, the cookie of one browser are secrets, kept as hashes. It
// reaches no further than the key that made it.
type Portal struct {
	ID         PortalID
	Project    ProjectID
	Person     PersonID
	Key        KeyID    // that made it; empty: the operator
	Providers  []string // connections at these only; empty: all
	Labels     []string // with these labels only; empty: all
	ReturnURL  string   // the customer's page, to go back to
	LinkHash   []byte
	CookieHash []byte
	State      PortalState
	ExpiresAt  time.Time // of the link, then of the browser's visit
	UsedAt     time.Time // a page of it was seen; within a minute
	CreatedAt  time.Time
}
