// Package tokenurl is /t/{secret}: what the bots of vendors call for a token as they join.
//
// The secret is the credential. How a URL is asked and answers is its contract, which is
// the vendor's: plain text for Recall, Meeting BaaS and MeetStream's GET, JSON for a POST
// and for Attendee's callback. Nothing is redirected, nothing is cached, and a HEAD gets
// no token, because a look must not use up what works once. docs/token-urls.md has it all.
package tokenurl
