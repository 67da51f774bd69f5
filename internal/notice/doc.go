// Package notice takes what providers tell us.
//
//	POST /hooks/{provider}/{app}  Zoom, Slack: signature over the bytes, with the app's secret, five minutes; a challenge is answered
//	                              Google: an event token, signed with Google's keys for the app's client
//	                              Microsoft: the app's secret is in it; a question for plain text is answered
//	DATA_DIR/notices              sealed and on disk before the answer, in a file of its own
//	task notice.act               read, acted on in the database, once on all nodes; then the file goes
//
// The answer needs no database: secrets and keys are in memory, read beforehand and
// compared every ten seconds (book). A database that is away keeps nothing from being
// taken; it is acted on when the database is back.
//
// Whoever may not be believed gets the same answer: no app, another project's, no
// secret, a wrong signature, a wrong time. What is said of meetings is package
// meeting's to keep.
package notice
