// Package bottest tests bots through the whole product: their hour, on whose behalf they
// join, what they may have, and keys of their own. It is for tests only.
package bottest
