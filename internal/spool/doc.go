// Package spool keeps what providers answered, sealed, on local disk until the
// database has it.
//
//	Reserve   sets room aside before a call is made; without room no call
//	Keep      the answer is on disk when it returns: sealed, before anybody parses it
//	Settle    the database has it too
//	Receipts  reads them again: after a start, and after the database was away
//
// Receipts are records in segments, files of one size that are allocated before
// they are needed, so that no answer meets a full disk. Many Keep calls at once
// share one write and one sync, which begins on a block of its own: writing never
// touches a block in which an earlier receipt lies. A record has a sequence number
// and a checksum; what is torn or damaged is skipped up to the next record.
// Records stay a day, settled or not, for a database may lose its last commits.
//
// A sync that fails is never tried again, for the kernel may have dropped the
// data and say yes the second time. The segment is abandoned, and the receipts go to
// another one; if that fails too, the spool is broken and Reserve refuses, until
// a fresh segment can be written and synced.
//
// Beside the receipts lie marks: for each grant, when its row was last committed.
// A row that is older than its mark has been rolled back.
package spool
