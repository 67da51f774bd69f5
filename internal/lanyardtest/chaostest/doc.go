// Package chaostest runs the whole product against a provider that misbehaves on
// purpose: a raw TCP server of ours that can cut, drip, flood, lie and hang, and
// keeps a ledger of which refresh tokens live.
//
//	connect  a person, at a provider of each class
//	harm     the next renewal, in the way of one cell of the matrix
//	read     with a token that lives, then with one that has ended
//	mend     the provider, and let time go by
//	judge    by the ledger: what still lives must work, what died must be called by its cause
package chaostest
