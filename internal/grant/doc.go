// Package grant is what renewing a credential is; when to do it is decided elsewhere.
//
//	claim    a lease on the grant and a durable attempt row, in one transaction
//	call     on a context that no caller can cancel, with no transaction open
//	parse    a pure step on the raw answer, which can be done again
//	commit   compare-and-swap on (family, generation), with audit entry and events
//	publish  to every caller that waits
//
// A code exchange goes the same way and ends in a new family. A refresh token
// is never sent twice while an earlier use of it may still be answered; a token
// that came back is never thrown away because a lease ran out; and a refusal
// is believed only when it is confirmed.
package grant
