// Package wire holds the shapes that travel over HTTP as JSON, for the server
// and for every client.
//
// Names are snake_case, times RFC 3339 in UTC, ids the text of the root
// package. A list is {"data":[…],"next_cursor":…}; what is not a success is a
// Problem. It imports the standard library only.
package wire
