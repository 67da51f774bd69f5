// Package server puts everything together, once, for the command and the tests.
//
//	Load      settings: defaults < lanyard.yaml < LANYARD_… < flags, checked in words
//	New       data-directory lock, database, vault, services, fronts: wired from top to bottom
//	Bootstrap on an empty database: project "default" and its first key
//	Run       TCP with TLS or on loopback, the unix socket for the operator, until the context ends
//
// Close undoes New in reverse. Commands use New and Handler in process where no
// server is running; they never open the database of one that is.
package server
