// Package jointoken mints what a meeting needs to let a bot in.
//
//	POST /v1/join-tokens {connection_id, meeting_url | meeting_number, types}
//
// Zoom's on-behalf (OBF), ZAK and local-recording tokens are minted per call
// with the person's access token, handed to a caller who has the scope for just
// that type, and neither stored nor logged (T21).
package jointoken
