// Package meeting knows whose meeting it is, and who is there.
//
//	listed    with the person's token: when they connect, soon after a notice about their meetings, and once a day
//	noticed   created, changed, deleted, started, ended; somebody came, somebody went
//	asked     GET /v1/meetings; a local-recording token without a connection
//
// The host is who the provider says hosts it, and not who made it. Kept is a keyed hash
// of the number and one of the host's account, for accounts that are connected and for
// no others: no topic, no name, no number. It goes when the grant goes, and by itself:
// a meeting some days after it was over, who was there after a day or so.
//
// Notices come late, twice and in another order than things happened. What was said
// last by the provider's clock holds, so that they may.
package meeting
