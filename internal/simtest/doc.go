// Package simtest runs days of the product in seconds, on a clock of its own: the
// real services, database and spool between pretend providers that keep a ledger
// and a network that fails as a seed has it. It is for tests only; docs/simulation.md
// says what is simulated and what was found.
//
//	world      providers, apps and people, and the one process that is alive
//	weather    what goes wrong, drawn from the seed: for each call from the seed, its
//	           account and its number, so that it strikes again whatever else happens
//	process    everything between database and scheduler; a crash leaves it as it is,
//	           cut off from the network, and begins another on a copy of its disk
//	ledger     what each provider gave to whom, and what of it arrived
//	judge      compares the ledger with the database when all is repaired
package simtest
