// Package preflight says whether a bot can join a meeting on behalf of somebody, now and
// at its hour, before it stands at the door.
//
//	POST /v1/preflight
//	lanyard doctor --meeting
//	what POST /v1/bots answers beside the bot
//
// Each line is proved (by whom), refused (by whom, and the next step), or cannot be known
// from here. They are written for who has to do something about it, with a phone in the
// hand: no scope, code or status is in a sentence; those are beside it.
//
// It changes nothing. With Question.Mint the provider is asked for the tokens that the
// bot will need, and they are thrown away: by what Zoom documents, its tokens are spent
// when a meeting is joined with them and not by being made, several may be out at once,
// and nobody is told of them. A trial is in the log like every other, as a trial.
package preflight
