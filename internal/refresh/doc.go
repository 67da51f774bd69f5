// Package refresh decides when grants are renewed, and how fast. What renewing is,
// package grant knows; when a grant is due, its row says.
//
//	Scheduler  looks for what is due, takes turns between projects and apps, and
//	           has as much of it renewed as the gate has room for
//	Gate       every call to a token endpoint passes it: the pace of the app, calls
//	           in flight, hosts that do not answer; callers who wait come first
//
// The pace of an app is a bucket that hardly allows bursts, so that in no second
// more calls are made than its rate and a tenth. A provider that throttles, or
// does not answer twice in a row, halves it; each answer raises it again by a
// fixed step. Retry-After closes the bucket for that long. A host that does not
// answer five times in a row gets one call at a time, further and further apart,
// until it answers: that only delays, and is no verdict about anybody (I9, I10).
//
// Nobody takes all places: an app may have as many calls in flight as would still
// be free for its project, and a project as many as would still be free for
// others, so that a provider that hangs leaves room however many are due (T39). A
// quarter is for callers who wait.
//
// Two nodes may look at the same time: a claim is a lease, and who comes second
// goes on with the next. Each takes its part of an app's rate.
package refresh
