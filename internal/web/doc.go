// Package web is what all fronts share: who asks, JSON in and out, errors as
// problems, cookies, limits, the caller's address.
//
// A request to the JSON API goes through these steps, and an operation that is
// registered with JSON cannot leave one out:
//
//	Handler       request id, caller's address, deadlines and caps, security headers, access log
//	authenticate  Authorization → Principal, by package access; the socket's peer is the operator
//	limit         per key; failed credentials per origin
//	scope         what the operation needs; a refusal is an entry of the audit log
//	scan          the body as strict JSON
//	idempotency   on operations that create
//	decode, call the service, encode with Cache-Control: no-store
//
// Nothing that a caller sent comes back in an error, but names of members.
package web
