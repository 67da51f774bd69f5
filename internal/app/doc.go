// Package app keeps the projects' own OAuth apps: the clients that a project
// has registered at its providers.
//
//	POST /v1/apps            a draft, with the redirect URI and webhook URL to paste at the provider
//	PATCH /v1/apps/{id}      client id and secret go in; the app is ready
//	POST /v1/apps/{id}/check each line proved, refused, or cannot be known from here
//	DELETE /v1/apps/{id}     refused while connections exist
//	POST /v1/apps/{id}/sdk-signature starts a bot's Meeting SDK, with the app's secret and nobody's grant
//
// Whether the provider has approved an app, no provider says. The operator declares it,
// and what meetings say to its bots corrects it.
//
// A client (token endpoint's host and client id) is registered once per
// instance, since a provider keeps one grant per client and person.
package app
