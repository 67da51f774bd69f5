// Package instance is what this process is to its database: one of its nodes, and
// of the instance it was made for or of a copy; and so, whether it may call providers.
//
//	Open    the node's name, from its data directory; nobody else may use it; noted in the database
//	Serve   the public URL that a new database is made for
//	Hold    why no provider may be called; nil: nothing is in the way
//	Adopt   the operator says that the database is this server's from now on
//	Task    every 10 s: this node is alive; is it still alone with its name; has the database another URL
//	Close   the node has left in good order
//
// A database remembers the public URL of the server it was made for (T20). A copy
// of it that is started elsewhere, for staging, serves pages and reads but calls
// no provider: the refresh tokens in it are those of the original, and whoever
// uses one first takes it from the other.
//
// Leases and attempts carry the node's name, and a node that starts takes back what
// its name has left open. Two processes of one name would take them from each
// other while they are in use. The lock of the data directory keeps them apart in
// one place; for copies of a data directory there is the row of the node, which
// holds when its process began: the younger one waits at its start for a sign of
// life of the other, and the older one notices within 10 s that it was replaced.
package instance
