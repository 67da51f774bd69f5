package fault

// The points, in the order in which a renewal meets them.
const (
	SpoolReserve Point = "spool.reserve"
	StoreBegin   Point = "store.begin"
	StoreCommit  Point = "store.commit"
	StoreReply   Point = "store.reply"
	GrantClaimed Point = "grant.claimed"
	GrantKey     Point = "grant.key"
	CallDial     Point = "call.dial"
	CallTLS      Point = "call.tls"
	CallHalf     Point = "call.half"
	CallWritten  Point = "call.written"
	CallHeaders  Point = "call.headers"
	CallBody     Point = "call.body"
	GrantAnswer  Point = "grant.answer"
	SpoolWrite   Point = "spool.write"
	SpoolTorn    Point = "spool.torn"
	SpoolSync    Point = "spool.sync"
	SpoolRotate  Point = "spool.rotate"
	SpoolMake    Point = "spool.make"
	GrantParse   Point = "grant.parse"
	GrantCommit  Point = "grant.commit"
	GrantSettle  Point = "grant.settle"
	GrantPublish Point = "grant.publish"
	SpoolMark    Point = "spool.mark"

	SpoolReplay   Point = "spool.replay"
	GrantRecover  Point = "grant.recover"
	GrantTakeover Point = "grant.takeover"

	FlowParked   Point = "flow.parked"
	FlowRedeem   Point = "flow.redeem"
	FlowRedeemed Point = "flow.redeemed"
	FlowIdentify Point = "flow.identify"
	FlowBind     Point = "flow.bind"

	VaultRewrap  Point = "vault.rewrap"
	StoreMigrate Point = "store.migrate"
	StoreEntries Point = "store.entries"
	ServerDrain  Point = "server.drain"
)

// Table is every point. docs/fault-points.md is made of it.
func Table() []Spec {
	all := []Kind{Kill, Error, Delay, Panic, Stop}
	harm := []Kind{Kill, Delay, Panic, Stop} // where no error can come from
	pause := []Kind{Kill, Delay, Stop}       // where a panic would be one of a library
	const nothingSent = "Nothing was sent, so nothing is lost: the same refresh token is sent later."
	const whoKnows = "Nobody knows whether the provider has answered: what the provider's class says is done, and no connection is called dead for it."
	const answered = "The answer is on disk: the tokens are the connection's, at the latest after the next start."
	return []Spec{
		{SpoolReserve, "before room in the spool is set aside", all, nothingSent},
		{StoreBegin, "before a transaction begins", all, "It has not happened; who asked is told so, and may ask again."},
		{StoreCommit, "before a transaction is committed", all, "As if it had not begun, with all that was to be in it: the change, its entry in the log, its events."},
		{StoreReply, "a transaction is committed, and nobody knows yet", all, "It has happened, once, however often it is repeated."},
		{GrantClaimed, "the attempt and the lease are committed, nothing has been sent", harm, nothingSent + " After a pause longer than the lease nothing is sent either."},
		{GrantKey, "before the key is fetched that will seal the answer", all, nothingSent},
		{CallDial, "before the provider is dialled", all, nothingSent},
		{CallTLS, "connected, TLS is done, nothing has been written", pause, whoKnows},
		{CallHalf, "half of the request has been written", all, whoKnows},
		{CallWritten, "the whole request has been written", pause, whoKnows},
		{CallHeaders, "the head of the answer is here", all, whoKnows},
		{CallBody, "the answer has been read, and is in memory only", all, whoKnows + " What had arrived before an error is used."},
		{GrantAnswer, "before the answer is sealed for the spool", harm, whoKnows},
		{SpoolWrite, "before the receipt is written", all, "Killed: as after a lost answer. An error: another segment has the receipt."},
		{SpoolTorn, "half of a group of receipts is written", all, "What was kept before is read again, the half is not. An error: another segment has the receipts."},
		{SpoolSync, "the receipts are written, not synced", all, "An error: this segment is never synced again, another one has the receipts, or the spool is broken and no new call is made."},
		{SpoolRotate, "before the next segment is begun", all, "No receipt that was kept is lost, and none is kept twice under two numbers."},
		{SpoolMake, "before a segment is allocated", all, "Room that was set aside is still there; new room is refused until a segment can be made."},
		{GrantParse, "before the answer is read", harm, answered},
		{GrantCommit, "before the new tokens go to the database", harm, answered},
		{GrantSettle, "the database has them, the spool does not know", harm, "Replaying the receipt changes nothing."},
		{GrantPublish, "before those who wait are told", harm, "Who waited gets the new token when they ask again; it is not renewed again for them."},
		{SpoolMark, "before high-water marks are written", all, "Those of the last second may be missing; none goes back, and the file can be read."},
		{SpoolReplay, "between two receipts that are replayed", all, "The next replay begins again and ends in the same state."},
		{GrantRecover, "between two attempts of an earlier run that are closed", all, "The next start closes the others. None is closed twice, and none is taken for answered."},
		{GrantTakeover, "before the grant of a node that fell silent is taken over", harm, "A refresh token is not sent twice where its class forbids it, and a late answer of the other node is not thrown away."},
		{FlowParked, "the code is parked, the browser does not know", harm, "The code is spent by its completion or by nobody."},
		{FlowRedeem, "the completion is spent, the code has not been sent", harm, "The code is not sent twice. The person begins again with the same link."},
		{FlowRedeemed, "the code is traded, its tokens are kept", harm, "The tokens are not lost and not revoked: they become the connection, or wait for it."},
		{FlowIdentify, "before the provider is asked whose account it is", all, "The tokens are kept, and the question is asked again."},
		{FlowBind, "before grant and connection are stored", all, "Both or neither are there; no grant that worked before is revoked."},
		{VaultRewrap, "between two values that get a new key", all, "Each opens with the old key or with the new one, and the rotation goes on where it was."},
		{StoreMigrate, "between two steps of the schema", all, "The next start goes on; a step is made as a whole or not at all."},
		{StoreEntries, "before entries of the log are written on their own", all, "No answer leaves without its entry."},
		{ServerDrain, "while the server waits for calls that run", pause, "What they brought is kept, at the latest after the next start."},
	}
}

// Outside is what can fail and has no place in the program: what does it instead.
func Outside() [][2]string {
	return [][2]string{
		{"The provider has renewed and its answer is lost on the way", "the sandbox, which notes in its ledger what it has given"},
		{"The answer is cut before or after the refresh token, or at any byte", "the sandbox"},
		{"The database is away, is slow, ends a transaction as a deadlock, fails over and loses its last commits", "tests that stop, freeze and promote real PostgreSQL servers"},
		{"Two nodes answer for one grant; a connection is made anew or deleted, or its app is edited, while a call runs", "the points above with `delay` or `stop`, and a test that does the other thing meanwhile"},
		{"The clock is set, forwards or backwards", "the setting `clock_offset`, and the simulation"},
		{"Memory runs out", "`kill` at any point: the kernel's killer does nothing else"},
		{"The disk is full, or refuses writes", "real small file systems, and the points of the spool with `ENOSPC` and `EIO`"},
	}
}
