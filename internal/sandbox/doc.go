// Package sandbox is a set of pretend OAuth providers: real servers with people, consent pages and failures on demand.
//
// Everything is at the real provider's path behind a prefix, so an app needs only other endpoints, and no other code:
//
//	/zoom/oauth/authorize, /zoom/oauth/token, /zoom/oauth/revoke
//	/zoom/v2/users/{me}, …/token?type=onbehalf|zak, …/zak, …/meetings (faults know it as "meetings", the others as "api")
//	/zoom/v2/meetings/{id}, …/jointoken/local_recording
//	/zoom/meetings/{number}         the meeting as a page, or as JSON with Accept: application/json
//	/zoom/meetings/{number}/join    POST {"bot_name","onbehalf_token","zak","recording_token"}: a bot at the door
//	/zoom/meetings/{number}/leave   POST {"participant_id"}
//	/google/o/oauth2/v2/auth, /google/token, /google/revoke, /google/userinfo, /google/jwks, /google/.well-known/openid-configuration
//	/microsoft/{tenant}/oauth2/v2.0/authorize, …/token, /microsoft/{tenant}/discovery/v2.0/keys
//	/microsoft/{tenant}/v2.0/.well-known/openid-configuration, /microsoft/v1.0/me
//	/slack/oauth/v2/authorize, /slack/api/oauth.v2.access, /slack/api/auth.test, /slack/api/auth.revoke
//	/oidc/authorize, /oidc/token, /oidc/revoke, /oidc/userinfo, /oidc/jwks, /oidc/.well-known/openid-configuration
//
// # Consent
//
// An authorization request shows a page with a chooser of persons; it works without script. Automation adds two parameters:
//
//	sandbox_person=ana      who signs in: a handle, an id or an e-mail address
//	sandbox_consent=allow   answers the redirect at once; or deny
//	sandbox_scopes=a b      with allow: what stays ticked, where scopes may be left out (Google, Zoom's optional_scope)
//
// The cast is ana and ben, chidi of another account, dana the administrator, emil who is inactive. Config.Crowd adds p1, p2, ….
//
// # Refresh tokens
//
// A client's class says what becomes of a refresh token once it was used; see Class. Zoom is strict, Google static,
// Microsoft overlap, Slack strict where the client has rotation, oidc reuse_kill. Zoom has one grant per client and person,
// and rotating kills the access tokens issued before (rotation_kills_access, for any client, to change that).
//
// # A bot at the door
//
// A bot comes in with an on-behalf token of somebody who is present, once, or with a ZAK of the host or of anybody once the
// meeting runs. Refusals are 403 with code (the Meeting SDK's), message and reason: authorized_user_not_in_meeting,
// token_used, token_invalid, token_expired, meeting_mismatch, on_behalf_conflict, authentication_required, meeting_not_started.
// A refused bot's tokens are not spent. Who leaves takes their bots along.
//
// # By hand
//
// The page at / makes meetings and takes apps out of people's accounts; a meeting's page lets people enter and leave.
// Both are forms that work without script, at /do/.
//
// # Admin API
//
// JSON at /admin/; unknown members are refused; lists are {"data":[…]}, errors {"error":"…"}. It has no password: keep it on loopback.
//
//	GET POST     clients                        a Client; the answer to POST is the only one with client_secret
//	GET PATCH DELETE  clients/{provider}/{id}   PATCH changes the members it names
//	POST         clients/{provider}/{id}/validate-webhook   {"ok","detail"}: the provider's check of the address, judged
//	POST         notices                        a Notice → {"data":[Noticed]}: a notice by order, of any of the four, well-formed, late, doubled, replayed, forged …
//	GET          people?provider=               PersonAt
//	PATCH        people/{provider}/{person}     {"status":"inactive"} or {"pmi":2123456789}
//	GET          grants                         Grant
//	POST         revoke                         {"provider","client_id","person"} → {"revoked":1}: the person takes the app out, webhook follows
//	POST         rotate-behind                  the same → {"data":[Grant]}: somebody else uses the refresh token
//	GET POST     meetings                       {"host","topic","number"?,"operator"?} → Meeting
//	GET DELETE   meetings/{number}              DELETE {"operator"?}
//	POST         meetings/{number}/present      {"person"} → Meeting; …/absent likewise
//	GET POST DELETE  faults, DELETE faults/{id}  a Fault
//	GET          ledger?provider=&client_id=&person=&event=&kind=&family=&fingerprint=&meeting=&after=&limit=   Entry, oldest first
//	POST         reset
//
// # The ledger as judge
//
// For each refresh token it says when it was issued, used, refused. Served with ConnContext it also says what became of each
// answer with tokens: delivered, once the other end's system had acknowledged the last byte, or undelivered.
//
// # Webhooks
//
// Zoom clients with webhook_url get app_deauthorized, and meeting.created, deleted, started, ended, participant_joined and participant_left
// for meetings whose host, or who makes the change, has authorised them, and user.updated for another personal meeting, signed as Zoom signs (x-zm-signature, v0); Slack clients get tokens_revoked,
// Google clients tokens-revoked as an event token signed with the keys at /google/jwks. By order, as Notice says, all four send more.
// Each client's events arrive in order; there are three tries with three seconds each, and every try is in the ledger.
package sandbox
