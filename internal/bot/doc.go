// Package bot keeps the bots that are to join meetings, and their hour.
//
//	POST /v1/bots                    a meeting, on whose behalf, what it may have (allow); scheduled, or ready at once
//	its hour, two minutes before     ready: whoever runs it is told
//	POST /v1/bots/{id}/join-tokens   minted now, on behalf of the first who can be used; joining
//	POST /v1/bots/{id}/report        what came of it; waiting_for_person, waiting_room, joined, left, failed
//
// Nothing is minted early, and nothing is kept. Who is known to be in the meeting comes
// first, and with each hand-out the next in line. As long as somebody is not in the
// meeting there is one try on their behalf in thirty seconds: each one of them may send
// the host an e-mail that somebody waits. When they come, which notices say, the bot is
// ready at once.
//
// Every move from one state to another is a step of the bot's time line, an entry of the
// log and an event, written in one transaction (docs/bots.md draws the moves). What is to
// be done without being asked is due at Bot.NextAt, and is done by the node that holds the
// bot's lease.
package bot
