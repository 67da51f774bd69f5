package lanyard

import "time"

// Action is what was done, for the audit log: noun.verb.
type Action string

const (
	ActSessionCreated     Action = "session.created"
	ActSessionOpened      Action = "session.continued" // the person pressed Continue
	ActConsentParked      Action = "consent.parked"    // the provider returned with a code
	ActConsentDenied      Action = "consent.denied"
	ActConsentRefused     Action = "consent.refused" // we refused to bind it
	ActPortalOffered      Action = "portal.offered"  // a link to a person's own connections was made
	ActPortalOpened       Action = "portal.opened"   // the person pressed Open
	ActPortalClosed       Action = "portal.closed"
	ActConnectionChecked  Action = "connection.checked" // the provider was asked whether it still works
	ActAuthorizeURL       Action = "authorize_url.created"
	ActConnectionCreated  Action = "connection.created"
	ActConnectionRenewed  Action = "connection.reconnected"
	ActConnectionChanged  Action = "connection.changed"
	ActConnectionRevoked  Action = "connection.revoked"
	ActTokenRead          Action = "token.read"
	ActTokenReported      Action = "token.reported"
	ActTokenRefreshed     Action = "token.refreshed"
	ActTokenRefreshFailed Action = "token.refresh_failed"
	ActProxyCalled        Action = "proxy.called" // the provider has answered, or was not asked; Detail says what
	ActProxyEnded         Action = "proxy.ended"  // an answer that was still on its way at proxy.called
	ActJoinTokenMinted    Action = "join_token.minted"
	ActJoinTokenTried     Action = "join_token.tried" // made and thrown away, to see whether it can be had
	ActSDKSigned          Action = "sdk_signature.made"
	ActTokenURLCreated    Action = "token_url.created"
	ActTokenURLRevoked    Action = "token_url.revoked"
	ActDenied             Action = "access.denied"
	ActAppChanged         Action = "app.changed"
	ActAppStopped         Action = "app.misconfigured" // the app's breaker has opened, or a storm of refusals began
	ActAppRecovered       Action = "app.recovered"
	ActMeetingsListed     Action = "meetings.listed" // with a person's token; for nobody who waits
	ActNoticeReceived     Action = "notice.received" // from a provider, and it had an effect
	ActNodeLost           Action = "node.lost"
	ActProjectChanged     Action = "project.changed"
	ActKeyCreated         Action = "key.created"
	ActKeyRevoked         Action = "key.revoked"
	ActVaultRotated       Action = "vault.rotated"
	ActInstanceAdopted    Action = "instance.adopted" // this server calls providers with what was another's
	ActBackupTaken        Action = "instance.backed_up"
	ActRestored           Action = "instance.restored" // the database was put back; Detail says to when
	ActRefreshStopped     Action = "refresh.stopped"   // the operator lets nothing be renewed by the schedule
	ActRefreshStarted     Action = "refresh.started"
	ActSecurity           Action = "security.tampered"
	ActEndpointChanged    Action = "endpoint.changed"
	ActEndpointDisabled   Action = "endpoint.disabled" // by us: it is gone, or has failed for days
	ActBotCreated         Action = "bot.created"
	ActBotChanged         Action = "bot.changed"  // its hour, name, link or metadata
	ActBotMoved           Action = "bot.moved"    // to another state; Detail says from, to
	ActBotStopping        Action = "bot.stopping" // its vendor is about to be asked to let it go
	ActBotRelayed         Action = "bot.relayed"  // a call on it went on to the vendor who runs it
	ActBotDeleted         Action = "bot.deleted"
	ActRunnerChanged      Action = "runner.changed"
	ActMailSent           Action = "mail.sent"   // about a connection, an app or an endpoint
	ActMailFailed         Action = "mail.failed" // refused for good, or given up
	ActMailTested         Action = "mail.tested"
)

// Entry is one line of the audit log. It is committed before the answer leaves.
// No field but Sealed may hold personal data, and none a secret.
type Entry struct {
	ID         EntryID // NewEntry sets it; Sealed is bound to it
	Project    ProjectID
	At         time.Time // the database's clock, set by the store
	Who        string
	What       Action
	Outcome    string // "ok", "denied", "failed"
	Code       Code   // why not, if not
	App        AppID
	Connection ConnectionID
	Grant      GrantID
	Session    SessionID
	Key        KeyID
	Person     PersonID          // whose key Sealed is sealed with; empty: the project's
	Detail     map[string]string // provider, scopes, type …
	Sealed     []byte            // the Origin, as JSON, sealed
	RequestID  string
}

// NewEntry starts an entry by this principal, with outcome "ok".
func NewEntry(p Principal, what Action) Entry {
	return Entry{ID: NewID[EntryID]("aud_"), Project: p.Project, Who: p.Name, Key: p.Key,
		What: what, Outcome: "ok", RequestID: p.RequestID}
}

// Failed returns e with the outcome and code of err: "denied" where the caller
// was not entitled, "failed" otherwise.
func (e Entry) Failed(err error) Entry {
	e.Code, e.Outcome = CodeOf(err), "failed"
	switch RowOf(e.Code).Kind {
	case Forbidden, Unauthenticated, NotFound:
		e.Outcome = "denied"
	}
	return e
}
