// Package lanyard holds the nouns of the product and the rules about them that
// need neither a database nor a network.
//
//	Project     the isolation boundary; everything below belongs to exactly one
//	App         the project's own OAuth client at a provider
//	Person      an end user of the customer's, who may hold several connections
//	Grant       the one credential a provider account has given to one app
//	Connection  a person's hold on a grant
//	Session     a short-lived invitation to connect; Flow: one trip to the provider
//	Principal   who asks; Entry: what they did, for the audit log
//	Secret      a value that cannot print itself
//	Error       what went wrong, with a stable code from docs/errors.md
//
// It imports the standard library only.
package lanyard

//go:generate go run docs/generate.go
//go:generate go tool -modfile=tools/go.mod templ generate
