// Package connectpage is what a person sees between a customer's product and
// the provider: plain pages that work without script.
//
//	GET  /connect/{link}            the invitation in plain words; changes nothing, however often opened
//	POST /connect/{link}            Continue: flow cookie, 303 to the provider
//	GET  /oauth/callback/{app_id}   the provider's answer; always 303, so that no page has a code in its address (T06)
//	POST /oauth/callback/{app_id}   the same as a form (response_mode=form_post): kept, 303 to the GET
//	GET  /connect/return/{nonce}    in a pop-up: hands the result to the page that opened it
//	GET  /connect/problem/{code}    what happened and what to do, for every code that a person can meet
//	GET  /connect/cancelled         nothing was connected
//	GET  /lanyard.js                opens the connect page as a pop-up
//	GET  /connect-assets/{name}     style, script and mark under names with their hash
//
// The pages are made of two things only: our templates, and text that templ
// escapes (T33). Package flow decides; this package says it in words.
package connectpage
