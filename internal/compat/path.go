package compat

import (
	"net/http"

	"lanyard"
)

// How says what becomes of a call of a vendor's path.
type How string

const (
	Served    How = "served"
	Forwarded How = "forwarded" // to the vendor, for a bot that the vendor runs with the customer's key
	Absent    How = "absent"    // 404 with a sentence
)

// Path is one of a vendor's paths.
type Path struct {
	Method  string
	Pattern string // below /api/v1, as http.ServeMux has it: "/bots/{id}"
	How     How
	Title   string           // what it is for, for the API's description; empty: made of the pattern's end
	Scope   lanyard.Scope    // what its caller needs; none where absent
	Say     string           // absent: what to do instead, a sentence of its own; others: what is to be known, may be empty
	Serve   http.HandlerFunc // nil where absent; PathValue works, and r.Pattern is the whole pattern
}

// Dialect is a vendor's API over our services.
type Dialect interface {
	Name() lanyard.Dialect
	Paths() []Path
	// Refuse answers with err in the vendor's shape. What there is no path for comes as
	// CodeNotFound, a path that does not take the method as CodeMethodNotAllowed.
	Refuse(w http.ResponseWriter, r *http.Request, err error)
}
