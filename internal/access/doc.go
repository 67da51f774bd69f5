// Package access finds out who asks: an API key, an operator key or the peer of
// the unix socket becomes a lanyard.Principal, here and nowhere else. It also
// keeps what belongs to that: the keys, the projects they belong to, and the
// answers given under an Idempotency-Key.
//
// A credential is
//
//	lyk_ 26 characters   the key's id, public (lyo_ for an operator's key)
//	_    43 characters   32 random bytes, base64url: the secret
//	      8 characters   48 bits of the server's MAC over id and secret: issued here
//	      6 characters   CRC-32 (IEEE) of all before, base64url: a real key, for secret scanners
//
// The row holds the MAC and not the secret. The 48 bits are what makes a flood
// of invented keys cheap: one that does not carry them was never issued here,
// and is refused after one MAC, with no look into cache or database; one that
// does is looked up, once a second at most, whatever others at its address do.
//
// A key's row is believed for one second: so long may a revoked key still work
// on another node. On the node that revokes, it ends at once.
package access
