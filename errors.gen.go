// Code generated from docs/errors.md by docs/generate.go. DO NOT EDIT.

package lanyard

// The codes of docs/errors.md.
const (
	CodeInvalidRequest           Code = "invalid_request"
	CodeInvalidJSON              Code = "invalid_json"
	CodeUnknownMember            Code = "unknown_member"
	CodeDuplicateMember          Code = "duplicate_member"
	CodeBodyTooLarge             Code = "body_too_large"
	CodeUnsupportedMediaType     Code = "unsupported_media_type"
	CodeMethodNotAllowed         Code = "method_not_allowed"
	CodeIdempotencyKeyReused     Code = "idempotency_key_reused"
	CodeIdempotencyInProgress    Code = "idempotency_in_progress"
	CodeCredentialMissing        Code = "credential_missing"
	CodeCredentialInvalid        Code = "credential_invalid"
	CodeTokenURLInvalid          Code = "token_url_invalid"
	CodeNoticeRefused            Code = "notice_refused"
	CodeScopeMissing             Code = "scope_missing"
	CodeKeyLimited               Code = "key_limited"
	CodeAddressNotAllowed        Code = "address_not_allowed"
	CodeKeyTooStrong             Code = "key_too_strong"
	CodeOperatorOnly             Code = "operator_only"
	CodeNotFound                 Code = "not_found"
	CodeRateLimited              Code = "rate_limited"
	CodeInternal                 Code = "internal"
	CodeStoreUnavailable         Code = "store_unavailable"
	CodeVaultSealed              Code = "vault_sealed"
	CodeSpoolUnavailable         Code = "spool_unavailable"
	CodeTampered                 Code = "tampered"
	CodeClientInUse              Code = "client_in_use"
	CodeAppNotReady              Code = "app_not_ready"
	CodeChangedMeanwhile         Code = "changed_meanwhile"
	CodeEndpointsInUse           Code = "endpoints_in_use"
	CodeAppInUse                 Code = "app_in_use"
	CodeWebhookDisabled          Code = "webhook_disabled"
	CodeWebhookGone              Code = "webhook_gone"
	CodeWebhookFailing           Code = "webhook_failing"
	CodeWebhookLimit             Code = "webhook_limit"
	CodeRunnerLimit              Code = "runner_limit"
	CodeRunnerInUse              Code = "runner_in_use"
	CodeRunnerUnreachable        Code = "runner_unreachable"
	CodeRunnerNoAnswer           Code = "runner_no_answer"
	CodeRunnerRefused            Code = "runner_refused"
	CodeMailNotSet               Code = "mail_not_set"
	CodeMailFailed               Code = "mail_failed"
	CodeUnknownProvider          Code = "unknown_provider"
	CodeReturnURLNotAllowed      Code = "return_url_not_allowed"
	CodeOriginNotAllowed         Code = "origin_not_allowed"
	CodeRedirectURINotRegistered Code = "redirect_uri_not_registered"
	CodeInvalidState             Code = "invalid_state"
	CodeCompletionInvalid        Code = "completion_invalid"
	CodeCompletionExpired        Code = "completion_expired"
	CodeEndUserMismatch          Code = "end_user_mismatch"
	CodeUnboundCodesOff          Code = "unbound_codes_off"
	CodeCodeRejected             Code = "code_rejected"
	CodeLinkUnknown              Code = "link_unknown"
	CodeLinkExpired              Code = "link_expired"
	CodePortalLinkOver           Code = "portal_link_over"
	CodePortalOver               Code = "portal_over"
	CodeLinkUsed                 Code = "link_used"
	CodeBrowserMismatch          Code = "browser_mismatch"
	CodeAttemptUnknown           Code = "attempt_unknown"
	CodePageChanged              Code = "page_changed"
	CodeAttemptExpired           Code = "attempt_expired"
	CodeIssuerMismatch           Code = "issuer_mismatch"
	CodeConsentDenied            Code = "consent_denied"
	CodeConsentScopeRefused      Code = "consent_scope_refused"
	CodeAdminApprovalNeeded      Code = "admin_approval_needed"
	CodeProviderUnavailable      Code = "provider_unavailable"
	CodeProviderTimeout          Code = "provider_timeout"
	CodeProviderAnswerInvalid    Code = "provider_answer_invalid"
	CodeProviderRefused          Code = "provider_refused"
	CodeAppMisconfigured         Code = "app_misconfigured"
	CodeInstanceNotAdopted       Code = "instance_not_adopted"
	CodeNodeNameTaken            Code = "node_name_taken"
	CodeAccountNotActive         Code = "account_not_active"
	CodeAccountMismatch          Code = "account_mismatch"
	CodeIdentityUnavailable      Code = "identity_unavailable"
	CodeNoRefreshToken           Code = "no_refresh_token"
	CodeNeedsReauth              Code = "needs_reauth"
	CodeScopesMissing            Code = "scopes_missing"
	CodeConnectionNeeded         Code = "connection_needed"
	CodeChoiceNeeded             Code = "choice_needed"
	CodeConnectionPaused         Code = "connection_paused"
	CodeConnectionRevoked        Code = "connection_revoked"
	CodeRefreshUnconfirmed       Code = "refresh_unconfirmed"
	CodeTokenRefused             Code = "token_refused"
	CodeRefreshFailed            Code = "refresh_failed"
	CodeResponseLost             Code = "response_lost"
	CodeRestored                 Code = "restored"
	CodeUserRevoked              Code = "user_revoked"
	CodeAdminPolicy              Code = "admin_policy"
	CodeAccountDisabled          Code = "account_disabled"
	CodeDuplicateConsent         Code = "duplicate_consent"
	CodeIdleExpired              Code = "idle_expired"
	CodeAbilityMissing           Code = "ability_missing"
	CodeProxyRefused             Code = "proxy_refused"
	CodeProxyNotAllowed          Code = "proxy_not_allowed"
	CodeProxyAnswerTooLarge      Code = "proxy_answer_too_large"
	CodeInvalidMeetingLink       Code = "invalid_meeting_link"
	CodeAmbiguousMeetingLink     Code = "ambiguous_meeting_link"
	CodePersonalMeetingLink      Code = "personal_meeting_link"
	CodeMeetingNotFound          Code = "meeting_not_found"
	CodeHostRequired             Code = "host_required"
	CodeHostNotKnown             Code = "host_not_known"
	CodeMeetingNotAllowed        Code = "meeting_not_allowed"
	CodeUserNotActive            Code = "user_not_active"
	CodeBotTooEarly              Code = "bot_too_early"
	CodeBotOver                  Code = "bot_over"
	CodeBotDuplicate             Code = "bot_duplicate"
	CodeBotNotAllowed            Code = "bot_not_allowed"
	CodeBotState                 Code = "bot_state"
	CodeBotNoCandidates          Code = "bot_no_candidates"
	CodeBotNotStarted            Code = "bot_not_started"
	CodeBotRestarts              Code = "bot_restarts"
	CodeBotSilent                Code = "bot_silent"
	CodePersonAbsent             Code = "person_absent"
	CodeJoinTokenRefused         Code = "join_token_refused"
	CodeJoinTokenNeeded          Code = "join_token_needed"
	CodeJoinTokensConflict       Code = "join_tokens_conflict"
	CodeSignInRequired           Code = "sign_in_required"
	CodeAppNotPublished          Code = "app_not_published"
	CodeAppBlocked               Code = "app_blocked"
	CodePasscodeWrong            Code = "passcode_wrong"
	CodeMeetingNotStarted        Code = "meeting_not_started"
	CodeMeetingOver              Code = "meeting_over"
	CodeMeetingClosed            Code = "meeting_closed"
	CodeRegistrationNeeded       Code = "registration_needed"
	CodeSdkSignatureRefused      Code = "sdk_signature_refused"
	CodeSdkOutdated              Code = "sdk_outdated"
	CodeJoinFailed               Code = "join_failed"
)

var rows = map[Code]Row{
	CodeInvalidRequest:           {CodeInvalidRequest, Invalid, false, "Request not valid", "The request is not valid.", "Correct what the detail names and send it again.", ""},
	CodeInvalidJSON:              {CodeInvalidJSON, Invalid, false, "Body not valid JSON", "The body is not the JSON this call expects.", "Send one UTF-8 JSON object, with each member once and spelled as documented.", ""},
	CodeUnknownMember:            {CodeUnknownMember, Invalid, false, "Unknown member", "The body has a member this call does not know.", "Remove the member that the detail names; names are case-sensitive.", ""},
	CodeDuplicateMember:          {CodeDuplicateMember, Invalid, false, "Duplicate member", "The body has the same member twice.", "Send each member once.", ""},
	CodeBodyTooLarge:             {CodeBodyTooLarge, TooLarge, false, "Body too large", "The body is larger than this call takes.", "Send less; the limit is 64 KiB, and 256 KiB for a bot in a vendor's words.", ""},
	CodeUnsupportedMediaType:     {CodeUnsupportedMediaType, Invalid, false, "Not plain JSON", "The body is compressed, or is not declared as JSON.", "Send `Content-Type: application/json` and no Content-Encoding.", ""},
	CodeMethodNotAllowed:         {CodeMethodNotAllowed, Invalid, false, "Method not allowed", "This address does not take this method.", "Use the method the documentation names.", ""},
	CodeIdempotencyKeyReused:     {CodeIdempotencyKeyReused, Reused, false, "Idempotency key used before", "This Idempotency-Key was used with another body.", "Use a new key for a new request.", ""},
	CodeIdempotencyInProgress:    {CodeIdempotencyInProgress, Conflict, false, "Still running", "The first request with this Idempotency-Key is still running.", "Wait a moment and send it again.", ""},
	CodeCredentialMissing:        {CodeCredentialMissing, Unauthenticated, false, "No credential", "The request has no API key.", "Send `Authorization: Bearer <key>`.", ""},
	CodeCredentialInvalid:        {CodeCredentialInvalid, Unauthenticated, false, "Credential not valid", "The API key is unknown, expired or withdrawn.", "Check the key, or make a new one with `lanyard key create`.", ""},
	CodeTokenURLInvalid:          {CodeTokenURLInvalid, Unauthenticated, false, "Token URL not valid", "This token URL is unknown, expired or revoked, or its caller has not proved who they are.", "Make another with `lanyard token-url create`, and put it where this one was.", ""},
	CodeNoticeRefused:            {CodeNoticeRefused, Unauthenticated, false, "Notice not believed", "Nothing shows that the provider has sent this notice to this address just now.", "Compare the webhook URL, the webhook secret and the client id of the app with what the provider shows, and the clock of this server.", ""},
	CodeScopeMissing:             {CodeScopeMissing, Forbidden, false, "Key lacks a scope", "This API key does not have the scope this call needs.", "Use a key that has it, or make one with `lanyard key create --scope`.", ""},
	CodeKeyLimited:               {CodeKeyLimited, Forbidden, false, "Key is limited", "This API key is limited and does not reach this.", "Use a key without that limit.", ""},
	CodeAddressNotAllowed:        {CodeAddressNotAllowed, Forbidden, false, "Address not allowed", "This API key may not be used from this address.", "Call from an allowed network, or change the key's CIDR list.", ""},
	CodeKeyTooStrong:             {CodeKeyTooStrong, Forbidden, false, "Key would be stronger", "A key never makes a key that may do more than itself.", "Ask for fewer scopes, or use an admin's or operator's key.", ""},
	CodeOperatorOnly:             {CodeOperatorOnly, Forbidden, false, "For the operator", "Only the operator may do this.", "Use the server's socket, or an operator key.", ""},
	CodeNotFound:                 {CodeNotFound, NotFound, false, "Not found", "There is nothing here, or it is not yours.", "Check the id and the key's project.", ""},
	CodeRateLimited:              {CodeRateLimited, Limited, true, "Too many requests", "That was too much in a short time.", "Wait a moment, then try again.", ""},
	CodeInternal:                 {CodeInternal, Internal, true, "Something went wrong on our side", "Something went wrong on our side. It has been logged.", "Try again; if it stays, tell the operator the request id.", "Something went wrong. Please try again in a moment."},
	CodeStoreUnavailable:         {CodeStoreUnavailable, Unavailable, true, "Database not reachable", "The database cannot be reached at the moment.", "Try again in a moment.", "Something is out of order on our side. Please try again in a moment."},
	CodeVaultSealed:              {CodeVaultSealed, Unavailable, false, "Vault sealed", "The key-encryption key cannot be reached, so nothing can be opened.", "The operator has to make the key reachable; see `lanyard vault status`.", ""},
	CodeSpoolUnavailable:         {CodeSpoolUnavailable, Unavailable, false, "No room on the local disk", "The local disk, on which answers of providers are kept safe, is full or fails, so no token is renewed or traded here.", "The operator has to look at the disk of the data directory: `lanyard spool status` says what is wrong.", ""},
	CodeTampered:                 {CodeTampered, Internal, false, "Sealed data does not belong here", "A sealed value does not belong where it was found. It was not opened, and an alert was raised.", "The operator has to look at the log: somebody changed the database.", ""},
	CodeClientInUse:              {CodeClientInUse, Conflict, false, "Client already registered", "This OAuth client is already registered with this server.", "Use the app that exists, or register a client of its own at the provider.", ""},
	CodeAppNotReady:              {CodeAppNotReady, Conflict, true, "App not ready", "This app has no client id and secret yet.", "Put in both: `lanyard app update`.", ""},
	CodeChangedMeanwhile:         {CodeChangedMeanwhile, Conflict, false, "Changed at the same moment", "Somebody changed this at the same moment.", "Read it again, and send your change again if it is still wanted.", ""},
	CodeEndpointsInUse:           {CodeEndpointsInUse, Conflict, false, "Tokens would go elsewhere", "The app has connections, and the change would send their tokens to another host.", "Make another app for the other host, or delete the connections first.", ""},
	CodeAppInUse:                 {CodeAppInUse, Conflict, false, "App has connections", "The app still has connections.", "Delete its connections first.", ""},
	CodeWebhookDisabled:          {CodeWebhookDisabled, Conflict, false, "Webhook endpoint is disabled", "This webhook endpoint is disabled, so nothing is sent to it.", "Enable it first: `lanyard webhook update --enable`.", ""},
	CodeWebhookGone:              {CodeWebhookGone, Gone, false, "Webhook endpoint is gone", "The webhook endpoint answered 410 Gone, so it was disabled.", "Put the receiver back or change the URL, enable the endpoint, and send again what it missed.", ""},
	CodeWebhookFailing:           {CodeWebhookFailing, Upstream, false, "Webhook endpoint fails", "No delivery to the webhook endpoint has worked for days, so it was disabled.", "Mend the receiver, enable the endpoint, and send again what it missed.", ""},
	CodeWebhookLimit:             {CodeWebhookLimit, Conflict, false, "Too many webhook endpoints", "The project has as many webhook endpoints as it may.", "Delete one that is not needed, or have one receive more types.", ""},
	CodeRunnerLimit:              {CodeRunnerLimit, Conflict, false, "Too many runners", "The project has as many runners as it may.", "Delete one that is not needed.", ""},
	CodeRunnerInUse:              {CodeRunnerInUse, Conflict, false, "The runner has bots", "The runner still runs bots.", "Wait until they are over, or cancel them first.", ""},
	CodeRunnerUnreachable:        {CodeRunnerUnreachable, Upstream, false, "Runner not reached", "The runner could not be reached, and nothing was sent to it.", "Look at its URL: `lanyard runner check` says what is wrong.", ""},
	CodeRunnerNoAnswer:           {CodeRunnerNoAnswer, Upstream, false, "No answer from the runner", "The runner was asked, and gave no answer that is whole. What was asked may have been done.", "Look there before asking again: a bot may be on its way.", ""},
	CodeRunnerRefused:            {CodeRunnerRefused, Upstream, false, "The runner refused", "The runner answered, and said no.", "The detail has its status: look at its key, and at what it says of the request.", ""},
	CodeMailNotSet:               {CodeMailNotSet, Conflict, false, "No mail server", "This server has no mail server, so nobody is told by e-mail.", "Set `smtp_url` and `mail_from`, and start the server again.", ""},
	CodeMailFailed:               {CodeMailFailed, Upstream, false, "E-mail not taken", "The mail server did not take the e-mail.", "The detail says why; correct the address, `smtp_url` or `mail_from`.", ""},
	CodeUnknownProvider:          {CodeUnknownProvider, Invalid, false, "Unknown provider", "The catalogue has no such provider.", "See `GET /v1/providers` for what there is.", ""},
	CodeReturnURLNotAllowed:      {CodeReturnURLNotAllowed, Invalid, false, "Return URL not allowed", "The return URL is not one of the project's, character by character.", "Add it to the project's return_urls, or use one that is there.", ""},
	CodeOriginNotAllowed:         {CodeOriginNotAllowed, Invalid, false, "Origin not allowed", "The origin is not one of the project's.", "Add it to the project's origins, or use one that is there.", ""},
	CodeRedirectURINotRegistered: {CodeRedirectURINotRegistered, Invalid, false, "Callback not registered", "The redirect_uri is not one of the app's.", "Add it to the app's redirect_uris, and at the provider.", ""},
	CodeInvalidState:             {CodeInvalidState, Invalid, false, "State not valid", "The state is unknown, spent or too old.", "Begin again with a new authorize URL; a state works once.", ""},
	CodeCompletionInvalid:        {CodeCompletionInvalid, Invalid, false, "Completion not valid", "The completion code is unknown or was used before.", "Begin again with the same invitation; a completion works once.", ""},
	CodeCompletionExpired:        {CodeCompletionExpired, Gone, false, "Completion too late", "The completion code came too late; the provider's code was destroyed unused.", "Begin again with the same invitation, and complete within the time it says.", ""},
	CodeEndUserMismatch:          {CodeEndUserMismatch, Conflict, false, "Not the invited end user", "The end user named here is not the one who was invited. Nothing was connected, and the provider's code was destroyed.", "Check your own login: the person in the browser is not who the invitation was made for.", ""},
	CodeUnboundCodesOff:          {CodeUnboundCodesOff, Forbidden, false, "Codes without state are off", "This project does not take authorization codes that come without state.", "Use `POST /v1/connect-sessions`, or allow them: `lanyard project update --allow-unbound-codes=true`.", ""},
	CodeCodeRejected:             {CodeCodeRejected, Upstream, true, "The provider refused the code", "The provider refused to trade the authorization code.", "Begin again; a code works once and for a short time only.", "Connecting did not work. Please try again."},
	CodeLinkUnknown:              {CodeLinkUnknown, NotFound, true, "This link does not work", "We do not know this link. It may be cut off or withdrawn.", "Open the whole link again, or ask whoever sent it for a new one.", ""},
	CodeLinkExpired:              {CodeLinkExpired, Gone, true, "This link is too old", "This link has expired.", "Go back to where you got it and ask for a new one.", ""},
	CodePortalLinkOver:           {CodePortalLinkOver, Gone, true, "This link does not work any more", "A link to your connections works for ten minutes, and opens them once, in one browser.", "Go back to where you got it and ask for a new one.", ""},
	CodePortalOver:               {CodePortalOver, Unauthenticated, true, "Please open your connections again", "You were away for a while, or have left, so this page was closed.", "Go back to where you came from and open it again.", ""},
	CodeLinkUsed:                 {CodeLinkUsed, Gone, true, "Already connected", "This link has done its work: the account is connected.", "You can close this page.", ""},
	CodeBrowserMismatch:          {CodeBrowserMismatch, Invalid, true, "Not the browser that started", "The answer came back in another browser than the one that started, so we did not use it.", "Open the link again and stay in one browser window.", ""},
	CodeAttemptUnknown:           {CodeAttemptUnknown, Invalid, true, "This attempt is over", "We do not know this attempt, or it was finished or is too old.", "Open the link again and begin afresh.", ""},
	CodePageChanged:              {CodePageChanged, Conflict, true, "Please read this again", "What this page says has changed since you opened it, so we stopped before anything was asked for.", "Read it again, and press Continue if you agree.", ""},
	CodeAttemptExpired:           {CodeAttemptExpired, Gone, true, "That took too long", "More than ten minutes went by, so this attempt is over.", "Open the link again and begin afresh.", ""},
	CodeIssuerMismatch:           {CodeIssuerMismatch, Invalid, true, "Answer from the wrong place", "The answer came from another provider than the one you were sent to, so we did not use it.", "Begin again; if it happens twice, tell whoever sent you the link.", ""},
	CodeConsentDenied:            {CodeConsentDenied, Conflict, true, "You said no", "You, or your organisation, did not allow access. Nothing was connected.", "If that was a mistake, open the link again and choose Allow.", "Access was not allowed. You can connect again at any time."},
	CodeConsentScopeRefused:      {CodeConsentScopeRefused, Conflict, true, "The provider refused what was asked for", "The provider does not let this app ask for this kind of access.", "Tell whoever sent you the link; the app's settings at the provider need a look.", ""},
	CodeAdminApprovalNeeded:      {CodeAdminApprovalNeeded, Conflict, true, "Your administrator must approve", "Your organisation lets only administrators approve this app.", "Ask your administrator to approve it, then open the link again.", "Your administrator has to approve this app first."},
	CodeProviderUnavailable:      {CodeProviderUnavailable, Unavailable, true, "The provider is not answering", "The provider is not answering at the moment.", "Wait a minute, then try again.", "The service is not answering at the moment. Please try again shortly."},
	CodeProviderTimeout:          {CodeProviderTimeout, Unavailable, false, "The provider is slow", "The provider did not answer in time. The call goes on; nothing is lost.", "Try again in a few seconds.", "The service is slow at the moment. Please try again shortly."},
	CodeProviderAnswerInvalid:    {CodeProviderAnswerInvalid, Upstream, true, "The provider's answer makes no sense", "The provider answered with something we cannot use.", "Try again; if it stays, the operator has to look at the log.", "The service gave an answer we could not use. Please try again shortly."},
	CodeProviderRefused:          {CodeProviderRefused, Upstream, false, "The provider refused", "The provider refused the request.", "See the detail; this cannot be mended by connecting again.", ""},
	CodeAppMisconfigured:         {CodeAppMisconfigured, Unavailable, true, "The app's settings are wrong", "The provider does not accept this app's client id, secret or settings. No person has to do anything.", "The operator has to correct the app: `lanyard app check` says what is wrong.", "This is out of order on our side, and you do not have to do anything."},
	CodeInstanceNotAdopted:       {CodeInstanceNotAdopted, Unavailable, true, "Not in service here", "This server runs under another address than its database was made for, so it does not call providers.", "If it is to take over, the operator runs `lanyard adopt`.", "This is out of order on our side, and you do not have to do anything."},
	CodeNodeNameTaken:            {CodeNodeNameTaken, Unavailable, true, "Two servers with one name", "Another server uses the same name as this one, so this one does not call providers.", "The operator deletes the file `node` in the data directory of the copy and starts it again.", "This is out of order on our side, and you do not have to do anything."},
	CodeAccountNotActive:         {CodeAccountNotActive, Conflict, true, "Account not active", "The provider says this account is not active.", "Activate the account at the provider, or connect another one.", "Your account is not active."},
	CodeAccountMismatch:          {CodeAccountMismatch, Conflict, true, "Another account", "You signed in with another account than the one that was connected before, or that the link is for. What was there was left as it is.", "Open the link again and sign in with the account that was connected before, or whose address the link was made for.", "That was another account. Please use the one you connected before, or the one the link is for."},
	CodeIdentityUnavailable:      {CodeIdentityUnavailable, Unavailable, true, "We could not see whose account it is", "You allowed access, but the provider did not tell us whose account it is. We keep trying.", "Wait a minute, then try again.", "Please try again in a minute."},
	CodeNoRefreshToken:           {CodeNoRefreshToken, Conflict, false, "No refresh token", "The provider gave no refresh token, so the access token cannot be renewed.", "Ask for offline access and connect again.", "Please connect your account again."},
	CodeNeedsReauth:              {CodeNeedsReauth, Reconnect, false, "Connect again", "The provider no longer accepts this connection.", "Show the person the reconnect_url.", "Please connect your account again."},
	CodeScopesMissing:            {CodeScopesMissing, Reconnect, false, "Not allowed enough", "The person has not granted a scope this needs.", "Show the person the reconnect_url; it asks for the missing scopes.", "Please allow a little more access."},
	CodeConnectionNeeded:         {CodeConnectionNeeded, Conflict, false, "Not connected yet", "This end user has no connection here.", "Show the person the connect_url.", "Please connect your account first."},
	CodeChoiceNeeded:             {CodeChoiceNeeded, Conflict, false, "Several connections", "This end user has several connections that fit.", "Ask for one of the choices by its id.", ""},
	CodeConnectionPaused:         {CodeConnectionPaused, Conflict, false, "Paused", "This connection is paused.", "Resume it, if that is meant.", ""},
	CodeConnectionRevoked:        {CodeConnectionRevoked, Gone, false, "Disconnected", "This connection has been revoked.", "Invite the person to connect again.", "Your account is disconnected. You can connect it again at any time."},
	CodeRefreshUnconfirmed:       {CodeRefreshUnconfirmed, Unavailable, false, "Renewal refused once", "The provider refused to renew this connection once; that is not confirmed yet.", "Wait and try again, or show the reconnect_url: reconnecting is always safe.", "Please try again in a minute, or connect your account again."},
	CodeTokenRefused:             {CodeTokenRefused, Unavailable, false, "A fresh token is refused", "The provider refuses an access token that it gave less than half a minute ago.", "Wait and try again, or show the reconnect_url: reconnecting is always safe.", "Please try again in a minute, or connect your account again."},
	CodeRefreshFailed:            {CodeRefreshFailed, Unavailable, false, "Renewal did not work", "The access token has expired and could not be renewed now.", "Try again after the time it says.", "The service is not answering at the moment. Please try again shortly."},
	CodeResponseLost:             {CodeResponseLost, Reconnect, false, "Answer lost", "The provider's answer to a renewal was lost on the way, and the old token no longer works.", "Show the person the reconnect_url.", "Please connect your account again."},
	CodeRestored:                 {CodeRestored, Reconnect, false, "Database put back", "The server's database was put back to an older state, and the current token of this connection is not known any more.", "Show the person the reconnect_url.", "Please connect your account again."},
	CodeUserRevoked:              {CodeUserRevoked, Reconnect, false, "Access withdrawn", "The person, or the provider for them, has withdrawn access.", "Show the person the reconnect_url.", "Please connect your account again."},
	CodeAdminPolicy:              {CodeAdminPolicy, Reconnect, false, "The organisation's rules", "The person's organisation no longer allows this.", "The person's administrator has to allow it; then reconnect.", "Your organisation does not allow this any more. Please ask your administrator."},
	CodeAccountDisabled:          {CodeAccountDisabled, Reconnect, false, "Account disabled", "The provider has disabled the person's account.", "The person has to settle it with the provider. If it is enabled again, so is the connection; or show the person the reconnect_url.", "Your account is disabled there. Please look after it, then connect it again."},
	CodeDuplicateConsent:         {CodeDuplicateConsent, Reconnect, false, "Connected elsewhere", "The same account was connected again elsewhere with this app, which ended this connection.", "Show the person the reconnect_url.", "Please connect your account again."},
	CodeIdleExpired:              {CodeIdleExpired, Reconnect, false, "Unused too long", "The connection was not used for so long that the provider ended it.", "Show the person the reconnect_url.", "Please connect your account again."},
	CodeAbilityMissing:           {CodeAbilityMissing, Invalid, false, "Not possible with this provider", "This provider has nothing of this kind.", "See `GET /v1/providers/{id}` for what it can do.", ""},
	CodeProxyRefused:             {CodeProxyRefused, Invalid, false, "Not a call for the proxy", "The proxy does not send this on: its path, its query or a header could mean two things to two servers.", "Write the path plainly, without dots and doubled slashes, and send an ordinary request.", ""},
	CodeProxyNotAllowed:          {CodeProxyNotAllowed, Forbidden, false, "No rule lets this call through", "This key, or this bot, may make certain calls through the proxy, and this is none of them.", "Use a key with a rule for it: `lanyard key create --rule`.", ""},
	CodeProxyAnswerTooLarge:      {CodeProxyAnswerTooLarge, Upstream, false, "The provider's answer is too large", "The provider's answer is larger than this call may bring.", "Ask for less: fewer fields, or a smaller page.", ""},
	CodeInvalidMeetingLink:       {CodeInvalidMeetingLink, Invalid, false, "Not a meeting link", "This is not a Zoom meeting link we can read.", "Send the link from the invitation, or the meeting number.", "I could not read the meeting link."},
	CodeAmbiguousMeetingLink:     {CodeAmbiguousMeetingLink, Invalid, false, "Several links", "The text has more than one link in it.", "Send one meeting link.", "I found several links. Please send just one."},
	CodePersonalMeetingLink:      {CodePersonalMeetingLink, Invalid, false, "Personal link", "A personal link (/my/…) does not hold the meeting number.", "Send the meeting number, or the link that starts with /j/.", "Please send the link with the meeting number in it."},
	CodeMeetingNotFound:          {CodeMeetingNotFound, NotFound, false, "Meeting not found", "The provider does not know this meeting, or this person cannot see it.", "Check the meeting number.", "I could not find this meeting."},
	CodeHostRequired:             {CodeHostRequired, Forbidden, false, "Only the host's account", "Only the host of the meeting can give this token.", "Use the host's connection.", "Only the host can allow this."},
	CodeHostNotKnown:             {CodeHostNotKnown, Conflict, false, "Host not known", "Nobody who is connected is known to host this meeting.", "Name the host's connection in `connection_id`, or have the host connect with a scope for listing meetings.", "I do not know yet whose meeting this is."},
	CodeMeetingNotAllowed:        {CodeMeetingNotAllowed, Forbidden, false, "Not for this meeting", "This token URL is not for this meeting.", "Use the URL that was made for it, or make one with `--meeting`.", ""},
	CodeUserNotActive:            {CodeUserNotActive, Conflict, false, "Account not active at the provider", "The provider says this account is not active.", "The person has to activate it at the provider.", "Your account is not active."},
	CodeBotTooEarly:              {CodeBotTooEarly, Conflict, false, "Its hour has not come", "A bot gets its join tokens from two minutes before its hour, and not earlier: they live for a short time.", "Ask again then; `retry_after` says when.", ""},
	CodeBotOver:                  {CodeBotOver, Conflict, false, "The bot is done", "This bot has left, has failed or was cancelled.", "Make another bot.", ""},
	CodeBotDuplicate:             {CodeBotDuplicate, Conflict, false, "There is such a bot", "A bot with this deduplication key is not done yet.", "Use that one; `choices` has its id.", ""},
	CodeBotNotAllowed:            {CodeBotNotAllowed, Forbidden, false, "Not among what the bot may", "The bot may not have this, whatever the key may.", "Ask for less, or make the bot with more in `allow`.", ""},
	CodeBotState:                 {CodeBotState, Conflict, false, "Not in this state", "A bot in this state cannot do that.", "Read the bot again; docs/bots.md draws which state follows which.", ""},
	CodeBotNoCandidates:          {CodeBotNoCandidates, Conflict, false, "Nobody to join on behalf of", "The bot names nobody on whose behalf it could join.", "Make it with `candidates`.", ""},
	CodeBotNotStarted:            {CodeBotNotStarted, Upstream, false, "Nobody has run it", "Whoever was to run the bot did not.", "Look at the runner, or at what should ask for the bot's join tokens.", ""},
	CodeBotRestarts:              {CodeBotRestarts, Upstream, false, "Asked for too often", "Its vendor was asked for the bot ten times more, because the person on whose behalf it was in had left, and it is out once more.", "Make another bot, on behalf of somebody who stays.", ""},
	CodeBotSilent:                {CodeBotSilent, Upstream, false, "Nothing was heard of it", "Whoever runs the bot has said nothing of it for a day.", "Have it report, or look at the runner.", ""},
	CodePersonAbsent:             {CodePersonAbsent, Conflict, false, "Not in the meeting", "Nobody on whose behalf the bot may join is in the meeting.", "Have the person open the meeting, signed in to Zoom with the account that is connected. The bot follows by itself.", "I will come in as soon as you are in the meeting with your own Zoom account."},
	CodeJoinTokenRefused:         {CodeJoinTokenRefused, Upstream, false, "Join token refused", "The meeting did not take the join token: it was used before, is too old, or is for another meeting.", "Ask for new join tokens at the moment of joining, and use each of them once.", "I could not get in. I will try again."},
	CodeJoinTokenNeeded:          {CodeJoinTokenNeeded, Conflict, false, "No join token", "The bot came to a meeting of another account without a token that lets it in.", "Give the bot an on-behalf token of a person who is in the meeting; `POST /v1/preflight` says whose there is.", ""},
	CodeJoinTokensConflict:       {CodeJoinTokensConflict, Invalid, false, "Two tokens that exclude each other", "The bot came with an on-behalf token and a ZAK, of which a meeting takes one.", "Allow the bot one of the two types.", ""},
	CodeSignInRequired:           {CodeSignInRequired, Conflict, false, "Only for people who are signed in", "The host lets in only people who are signed in.", "Let the bot join with a ZAK of somebody who may, or ask the host to lift that setting for this meeting.", "The host lets in only people who are signed in. Please ask the host to change that for this meeting."},
	CodeAppNotPublished:          {CodeAppNotPublished, Conflict, false, "App not approved by the provider", "The provider has not approved the app for meetings outside its owner's own account.", "The operator has the app reviewed by the provider, and then says so: `lanyard app update --published yes`. Meetings of the owner's own account work meanwhile.", "I cannot join meetings of other companies yet."},
	CodeAppBlocked:               {CodeAppBlocked, Conflict, false, "Not allowed by the host's organisation", "The rules of the host's organisation do not let this bot in.", "Ask the host's administrator to allow the app.", "The host's organisation does not let me in. Please ask its administrator."},
	CodePasscodeWrong:            {CodePasscodeWrong, Conflict, false, "Passcode wrong", "The meeting's passcode is wrong or missing.", "Send the whole link from the invitation: the passcode is in it.", "The passcode of the meeting is not right. Please send the whole link from the invitation."},
	CodeMeetingNotStarted:        {CodeMeetingNotStarted, Conflict, false, "Not started", "The host has not started the meeting.", "Wait for the host, or ask the host to let people in before.", "The meeting has not started. I will come when it does."},
	CodeMeetingOver:              {CodeMeetingOver, Gone, false, "Meeting over", "The meeting has ended.", "Make a bot for the next one.", "The meeting is over."},
	CodeMeetingClosed:            {CodeMeetingClosed, Conflict, false, "The host lets nobody in", "The meeting is full or locked, or the host has removed the bot.", "Ask the host to let the bot in.", "I cannot get in. Please ask the host to let me in."},
	CodeRegistrationNeeded:       {CodeRegistrationNeeded, Conflict, false, "Registration needed", "One has to register for this meeting.", "Register the bot, and send the personal link that comes back.", "One has to register for this meeting. Please register me, or send a personal link."},
	CodeSdkSignatureRefused:      {CodeSdkSignatureRefused, Upstream, false, "SDK signature refused", "The Meeting SDK did not take the signature it was started with.", "Make a new one: `POST /v1/apps/{id}/sdk-signature`. If it is refused too, `lanyard app check` says whether id and secret are right; the clock must be, too.", ""},
	CodeSdkOutdated:              {CodeSdkOutdated, Conflict, false, "SDK too old", "The provider does not support this version of the Meeting SDK any more.", "Bring the bot's Meeting SDK up to date.", ""},
	CodeJoinFailed:               {CodeJoinFailed, Upstream, false, "Could not join", "The bot could not join the meeting, for a cause that passes or that the provider does not name.", "Let it try again.", "I could not get in. I will try again."},
}
