// Package runner knows who runs a project's bots, and speaks to them in their words.
//
//	webhook     a URL of the customer's: told by a signed call that a bot is to join, or to leave
//	attendee    these four are bot vendors, asked with the customer's key: the request goes on
//	meetstream  as it came, but for the members that say where Zoom's tokens come from, which
//	recall      become our token URLs; the answer comes back as it is
//	meetingbaas
//
// What a vendor says of a bot later (Status) is translated into the states of ours; every
// other call on that bot is passed on (Relay). A call is made once: whoever repeats it has
// to know what a second bot would mean. Only calls to a webhook are repeated here, under
// the id they had.
package runner
