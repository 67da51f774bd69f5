// Package webhook tells customers what happened: events, written in the
// transaction of the change they speak of, go to the endpoints that want them,
// signed, at least once (Standard Webhooks).
//
//	hand    a new event becomes a delivery for each endpoint that is told of its type
//	claim   a node leases what is due, by the database's clock, and counts the try
//	send    built afresh and signed for this moment; the id is the event's, on every try
//	end     2xx is done; all else is tried again after a while, over three days
//
// An endpoint has a queue and a number of tries under way of its own, so a slow one
// delays nobody else. One that answers 410, or has failed for days, is disabled; what
// it missed can be sent again. A process that dies between send and end leaves the
// lease behind, and the event goes out again when that ends.
//
// What is sent is thin: ids and states, never a token. Whoever is to connect again
// gets a reason, a sentence and a link.
package webhook
