// Package vault seals what must not be read in the database and opens it again.
//
//	KEK      outside the database: a file, later a cloud's key service
//	root     one keyset, wrapped by the KEK
//	lookup   one keyset, wrapped by root; keyed hashes, never rotated, so that they stay findable
//	project  one keyset per project, wrapped by root
//	person   one keyset per person, wrapped by their project's
//
// Each level is a Tink keyset of AES-256-GCM keys. A value is sealed with the
// primary key of its keyset and bound, by associated data, to the place where
// it lies (T13): moved elsewhere, it does not open. The key's id is in front of
// the ciphertext, so rotating a level adds a key, moves what the old one sealed,
// and destroys the old one when nothing carries its id any more. All that a
// rotation knows of its progress is in the keysets, so it goes on wherever it
// was stopped.
package vault
