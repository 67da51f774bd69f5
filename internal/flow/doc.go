// Package flow carries a person from an invitation to a stored connection.
//
//	POST /v1/connect-sessions  an invitation: person, app, return URL; minutes to live
//	GET  /connect/{link}       said in plain words; changes nothing, however often opened
//	POST /connect/{link}       cookie, state, PKCE, nonce; on to the provider
//	GET  /oauth/callback/{app} state and cookie spent, once; code parked sealed, not redeemed
//	POST /v1/connections       completion compared with the invitation; code redeemed; connection stored
//
// No step calls the next. Each leaves its result in the row, and the row says
// what may come: started → parked → redeeming → received → done, or failed.
//
// A vendor's wire format brings a code with neither state nor PKCE (Unbound): the trip
// then begins with the code in hand, remembered by its hash so that it is sent once.
package flow
