// Package noticetest plays the whole product against the sandbox in what it is told and
// what it tells: notices of providers, whose meeting it is, events, e-mail, records of
// consent, the portal. It has tests only.
package noticetest
