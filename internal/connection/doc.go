// Package connection is a person's hold on a grant: reading its access token,
// connecting again, letting go.
//
//	token    one indexed read, one decryption, one group-committed audit entry;
//	         renewed first if it would not live long enough
//	report   the provider refused this token: renewed once, if it is still the current one
//	delete   hand-out stops, the provider is told if nobody else holds the grant
//	consent  what a person agreed to, and the provider's answer when it was withdrawn
//
// A token that still lives is handed out even when renewing it fails.
package connection
