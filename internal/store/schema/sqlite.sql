-- What the migrations make. Written by: go test ./internal/store -run TestSchemaDump -update

CREATE TABLE apps (
	id              TEXT PRIMARY KEY,
	project_id      TEXT NOT NULL,
	provider        TEXT NOT NULL,
	name            TEXT NOT NULL,
	state           TEXT NOT NULL,
	client_id       TEXT NOT NULL,
	client_hash     BLOB, -- keyed hash of token host and client id; NULL: a draft
	secret          BLOB,
	next_secret     BLOB,
	webhook_secret  BLOB,
	scopes          TEXT NOT NULL,
	scopes_optional TEXT NOT NULL,
	redirect_uris   TEXT NOT NULL,
	endpoints       TEXT NOT NULL,
	params          TEXT NOT NULL,
	custom          BLOB,
	pkce            TEXT NOT NULL,
	config_version  INTEGER NOT NULL,
	created_at      INTEGER NOT NULL,
	updated_at      INTEGER NOT NULL
, next_webhook_secret BLOB, published TEXT NOT NULL DEFAULT '', published_at INTEGER NOT NULL DEFAULT 0, refuted TEXT NOT NULL DEFAULT '', refuted_at INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE UNIQUE INDEX apps_client ON apps (client_hash);

CREATE INDEX apps_project ON apps (project_id, id);

CREATE TABLE attempts (
	id         TEXT PRIMARY KEY,
	project_id TEXT NOT NULL,
	app_id     TEXT NOT NULL,
	grant_id   TEXT NOT NULL,
	flow_id    TEXT NOT NULL,
	kind       TEXT NOT NULL,
	family     TEXT NOT NULL,
	generation INTEGER NOT NULL,
	node       TEXT NOT NULL,
	started_at INTEGER NOT NULL,
	deadline   INTEGER NOT NULL,
	ended_at   INTEGER NOT NULL,
	outcome    TEXT NOT NULL,
	class      TEXT NOT NULL,
	error      TEXT NOT NULL,
	status     INTEGER NOT NULL,
	request_id TEXT NOT NULL
) STRICT;

CREATE INDEX attempts_app ON attempts (app_id, ended_at);

CREATE INDEX attempts_grant ON attempts (grant_id, generation, id);

CREATE INDEX attempts_open ON attempts (node, id) WHERE ended_at = 0;

CREATE TABLE attendances (
	app_id      TEXT NOT NULL,
	meeting     BLOB NOT NULL,
	run         BLOB NOT NULL,
	participant BLOB NOT NULL,
	project_id  TEXT NOT NULL,
	account     BLOB NOT NULL, -- as listings.account; empty: not named
	here        INTEGER NOT NULL,
	at          INTEGER NOT NULL,
	PRIMARY KEY (app_id, meeting, run, participant)
) STRICT, WITHOUT ROWID;

CREATE INDEX attendances_account ON attendances (app_id, account);

CREATE INDEX attendances_at ON attendances (at);

CREATE TABLE bot_refs (
	project_id TEXT NOT NULL,
	ref        TEXT NOT NULL,
	bot_id     TEXT NOT NULL,
	PRIMARY KEY (project_id, ref, bot_id)
) STRICT;

CREATE INDEX bot_refs_bot ON bot_refs (bot_id);

CREATE TABLE bot_steps (
	id            TEXT PRIMARY KEY,
	project_id    TEXT NOT NULL,
	bot_id        TEXT NOT NULL,
	at            INTEGER NOT NULL,
	state         TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	code          TEXT NOT NULL,
	sdk           TEXT NOT NULL, -- what the Meeting SDK said
	said_by       TEXT NOT NULL
) STRICT;

CREATE INDEX bot_steps_bot ON bot_steps (bot_id, id);

CREATE TABLE bots (
	id          TEXT PRIMARY KEY,
	project_id  TEXT NOT NULL,
	provider    TEXT NOT NULL, -- '': one that takes no join tokens of ours
	meeting     BLOB NOT NULL, -- keyed hash
	sealed      BLOB NOT NULL, -- the link, what was asked for, what the runner was given
	dialect     TEXT NOT NULL,
	runner_id   TEXT NOT NULL, -- '': the caller runs it
	runner_kind TEXT NOT NULL,
	ref         TEXT NOT NULL, -- what the runner calls it
	candidates  TEXT NOT NULL, -- JSON array
	allow       TEXT NOT NULL, -- JSON
	metadata    TEXT NOT NULL,
	dedup_key   TEXT NOT NULL,
	state       TEXT NOT NULL,
	reason      TEXT NOT NULL,
	used        TEXT NOT NULL, -- connection it was given tokens of last
	turn        INTEGER NOT NULL,
	tries       TEXT NOT NULL, -- JSON array
	join_at     INTEGER NOT NULL,
	patience    INTEGER NOT NULL, -- microseconds
	give_up_at  INTEGER NOT NULL,
	told_at     INTEGER NOT NULL,
	next_at     INTEGER NOT NULL, -- 0: there is nothing to do
	lease_until INTEGER NOT NULL,
	created_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL,
	ended_at    INTEGER NOT NULL -- 0: not over
, starts INTEGER NOT NULL DEFAULT 0, out_at INTEGER NOT NULL DEFAULT 0, leave_at INTEGER NOT NULL DEFAULT 0, asked_at INTEGER NOT NULL DEFAULT 0, stop TEXT NOT NULL DEFAULT '', joined_at INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE UNIQUE INDEX bots_dedup ON bots (project_id, dedup_key) WHERE dedup_key <> '' AND ended_at = 0;

CREATE INDEX bots_ended ON bots (ended_at) WHERE ended_at > 0;

CREATE INDEX bots_next ON bots (next_at) WHERE next_at > 0;

CREATE INDEX bots_project ON bots (project_id, id);

CREATE INDEX bots_ref ON bots (project_id, ref) WHERE ref <> '';

CREATE INDEX bots_waiting ON bots (project_id, meeting) WHERE state = 'waiting_for_person';

CREATE TABLE breakers (
	app_id         TEXT PRIMARY KEY,
	project_id     TEXT NOT NULL,
	state          TEXT NOT NULL,
	reason         TEXT NOT NULL,
	error          TEXT NOT NULL, -- the provider's error code
	config_version INTEGER NOT NULL, -- of the app, when it opened
	opened_at      INTEGER NOT NULL,
	probe_at       INTEGER NOT NULL, -- no call before, and then one
	probe_node     TEXT NOT NULL,
	probes         INTEGER NOT NULL,
	updated_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE connections (
	id         TEXT PRIMARY KEY,
	project_id TEXT NOT NULL,
	app_id     TEXT NOT NULL,
	provider   TEXT NOT NULL,
	grant_id   TEXT NOT NULL,
	person_id  TEXT NOT NULL,
	label      TEXT NOT NULL,
	state      TEXT NOT NULL,
	origin     TEXT NOT NULL,
	account    BLOB,
	needed     TEXT NOT NULL,
	missing    TEXT NOT NULL, -- of needed, what the grant has not; written with either
	metadata   TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
, erase_at INTEGER NOT NULL DEFAULT 0, dropped_at INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE INDEX connections_app ON connections (app_id, state);

CREATE INDEX connections_erase ON connections (erase_at) WHERE erase_at > 0;

CREATE INDEX connections_grant ON connections (grant_id);

CREATE INDEX connections_label ON connections (project_id, label, id) WHERE label <> '';

CREATE INDEX connections_partial ON connections (project_id, id) WHERE missing <> '';

CREATE INDEX connections_person ON connections (project_id, person_id, id);

CREATE INDEX connections_project ON connections (project_id, id);

CREATE INDEX connections_provider ON connections (project_id, provider, id);

CREATE INDEX connections_state ON connections (project_id, state, id);

CREATE TABLE consent_texts (
	project_id TEXT NOT NULL,
	hash       TEXT NOT NULL, -- SHA-256 of the text, in hex
	version    TEXT NOT NULL,
	language   TEXT NOT NULL,
	lines      TEXT NOT NULL, -- JSON array
	scopes     TEXT NOT NULL, -- JSON array of {scope, words}
	created_at INTEGER NOT NULL,
	PRIMARY KEY (project_id, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE consents (
	id              TEXT PRIMARY KEY,
	project_id      TEXT NOT NULL,
	connection_id   TEXT NOT NULL,
	grant_id        TEXT NOT NULL,
	app_id          TEXT NOT NULL,
	client_id       TEXT NOT NULL,
	provider        TEXT NOT NULL,
	label           TEXT NOT NULL,
	person_id       TEXT NOT NULL,
	session_id      TEXT NOT NULL, -- '': the own-callback journey
	origin          TEXT NOT NULL,
	shown           TEXT NOT NULL,
	text_hash       TEXT NOT NULL, -- '': we did not see what was shown
	asked           TEXT NOT NULL, -- JSON array
	granted         TEXT NOT NULL,
	missing         TEXT NOT NULL,
	shown_at        INTEGER NOT NULL,
	asked_at        INTEGER NOT NULL,
	granted_at      INTEGER NOT NULL,
	sealed          BLOB, -- address and browser, under the person's key
	who             TEXT NOT NULL,
	key_id          TEXT NOT NULL,
	state           TEXT NOT NULL,
	ended_at        INTEGER NOT NULL, -- 0: in force
	ended_by        TEXT NOT NULL,
	reason          TEXT NOT NULL,
	superseded_by   TEXT NOT NULL,
	at_provider     TEXT NOT NULL, -- what the provider answered to a withdrawal
	provider_status INTEGER NOT NULL,
	provider_detail TEXT NOT NULL,
	provider_again  INTEGER NOT NULL, -- 1: it is told again
	answered_at     INTEGER NOT NULL,
	lives_until     INTEGER NOT NULL,
	created_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX consents_connection ON consents (connection_id, id);

CREATE INDEX consents_ended ON consents (ended_at) WHERE ended_at > 0;

CREATE INDEX consents_grant ON consents (grant_id) WHERE state = 'withdrawn';

CREATE INDEX consents_person ON consents (person_id, id);

CREATE INDEX consents_project ON consents (project_id, id);

CREATE TABLE deliveries (
	id          TEXT PRIMARY KEY,
	project_id  TEXT NOT NULL,
	endpoint_id TEXT NOT NULL,
	event_id    TEXT NOT NULL,
	type        TEXT NOT NULL,
	state       TEXT NOT NULL,
	tries       INTEGER NOT NULL,
	try_at      INTEGER NOT NULL, -- the next try; while one is made, the end of its lease; 0: over
	tried_at    INTEGER NOT NULL,
	status      INTEGER NOT NULL, -- of the last answer
	error       TEXT NOT NULL, -- why there was none
	took        INTEGER NOT NULL,
	answer      BLOB,
	created_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX deliveries_due ON deliveries (endpoint_id, try_at) WHERE try_at > 0;

CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, id);

CREATE UNIQUE INDEX deliveries_once ON deliveries (endpoint_id, event_id);

CREATE INDEX deliveries_project ON deliveries (project_id, id);

CREATE TABLE endpoints (
	id             TEXT PRIMARY KEY,
	project_id     TEXT NOT NULL,
	name           TEXT NOT NULL,
	url            TEXT NOT NULL,
	format         TEXT NOT NULL,
	types          TEXT NOT NULL, -- JSON array; '': all
	state          TEXT NOT NULL,
	reason         TEXT NOT NULL,
	secret         BLOB NOT NULL,
	old_secret     BLOB, -- signs as well, until old_until
	public_key     TEXT NOT NULL,
	old_public_key TEXT NOT NULL,
	old_until      INTEGER NOT NULL,
	failing_since  INTEGER NOT NULL, -- 0: the last try worked
	hold_until     INTEGER NOT NULL, -- no try before
	created_at     INTEGER NOT NULL,
	updated_at     INTEGER NOT NULL
, bot_id TEXT NOT NULL DEFAULT '') STRICT;

CREATE INDEX endpoints_bot ON endpoints (bot_id) WHERE bot_id <> '';

CREATE INDEX endpoints_project ON endpoints (project_id, id);

CREATE TABLE entries (
	id            TEXT NOT NULL,
	project_id    TEXT NOT NULL, -- '': the operator's own
	at            INTEGER NOT NULL,
	who           TEXT NOT NULL,
	what          TEXT NOT NULL,
	outcome       TEXT NOT NULL,
	code          TEXT NOT NULL,
	app_id        TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	grant_id      TEXT NOT NULL,
	session_id    TEXT NOT NULL,
	key_id        TEXT NOT NULL,
	person_id     TEXT NOT NULL,
	detail        TEXT NOT NULL,
	sealed        BLOB,
	request_id    TEXT NOT NULL,
	seq           INTEGER, -- the place in the project's Merkle tree; NULL: not numbered yet
	leaf_hash     BLOB,
	PRIMARY KEY (project_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX entries_outcome ON entries (project_id, outcome, id) WHERE outcome <> 'ok';

CREATE INDEX entries_session ON entries (project_id, session_id, id) WHERE session_id <> '';

CREATE INDEX entries_what ON entries (project_id, what, id) WHERE what <> 'token.read';

CREATE TABLE entry_minutes (
	project_id    TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	minute        INTEGER NOT NULL, -- since 1970
	PRIMARY KEY (project_id, connection_id, minute)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
	id            TEXT PRIMARY KEY,
	project_id    TEXT NOT NULL,
	at            INTEGER NOT NULL,
	type          TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	data          TEXT NOT NULL,
	delivered_at  INTEGER -- NULL: not yet
, mailed_at INTEGER) STRICT;

CREATE INDEX events_project ON events (project_id, id);

CREATE INDEX events_type ON events (project_id, type, id);

CREATE INDEX events_unmailed ON events (id) WHERE mailed_at IS NULL
	AND type IN ('connection.needs_reauth', 'connection.expiring', 'app.misconfigured', 'endpoint.disabled');

CREATE INDEX events_waiting ON events (id) WHERE delivered_at IS NULL;

CREATE TABLE flows (
	id                    TEXT PRIMARY KEY,
	project_id            TEXT NOT NULL,
	app_id                TEXT NOT NULL,
	session_id            TEXT NOT NULL,
	person_id             TEXT NOT NULL,
	state_hash            BLOB, -- NULL: spent
	cookie_hash           BLOB,
	sealed                BLOB,
	parked                BLOB,
	completion_hash       BLOB, -- NULL: none yet, or spent
	completion_expires_at INTEGER NOT NULL,
	state                 TEXT NOT NULL,
	error                 TEXT NOT NULL,
	expires_at            INTEGER NOT NULL,
	created_at            INTEGER NOT NULL
, code_hash BLOB) STRICT;

CREATE UNIQUE INDEX flows_code ON flows (code_hash);

CREATE UNIQUE INDEX flows_completion ON flows (completion_hash);

CREATE INDEX flows_project ON flows (project_id, id);

CREATE INDEX flows_received ON flows (id) WHERE state = 'received';

CREATE UNIQUE INDEX flows_state ON flows (state_hash);

CREATE INDEX flows_waiting ON flows (id) WHERE state IN ('started', 'parked', 'redeeming');

CREATE TABLE grants (
	id             TEXT PRIMARY KEY,
	project_id     TEXT NOT NULL,
	app_id         TEXT NOT NULL,
	issuer         TEXT NOT NULL,
	kind           TEXT NOT NULL,
	subject_hash   BLOB NOT NULL,
	family         TEXT NOT NULL,
	generation     INTEGER NOT NULL,
	tokens         BLOB,
	previous       BLOB,
	scopes         TEXT NOT NULL,
	requested      TEXT NOT NULL,
	access_expires INTEGER NOT NULL,
	has_refresh    INTEGER NOT NULL,
	health         TEXT NOT NULL,
	reason         TEXT NOT NULL,
	lease_owner    TEXT NOT NULL,
	lease_until    INTEGER NOT NULL,
	refresh_at     INTEGER NOT NULL, -- 0: no renewal is planned
	refreshed_at   INTEGER NOT NULL,
	rejected_at    INTEGER NOT NULL,
	retry_at       INTEGER NOT NULL,
	created_at     INTEGER NOT NULL,
	updated_at     INTEGER NOT NULL
, used_at         INTEGER NOT NULL DEFAULT 0, eager_at        INTEGER NOT NULL DEFAULT 0, needed_at       INTEGER NOT NULL DEFAULT 0, rank            INTEGER NOT NULL DEFAULT 3, refresh_expires INTEGER NOT NULL DEFAULT 0, dead_at         INTEGER NOT NULL DEFAULT 0, consented_at    INTEGER NOT NULL DEFAULT 0, account_hash BLOB, organization_hash BLOB, expiring_at INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE INDEX grants_account ON grants (app_id, account_hash) WHERE account_hash IS NOT NULL;

CREATE INDEX grants_dead ON grants (dead_at) WHERE dead_at > 0;

CREATE INDEX grants_due ON grants (app_id, rank, refresh_at) WHERE refresh_at > 0;

CREATE INDEX grants_expiring ON grants (expiring_at) WHERE expiring_at > 0 AND health <> 'dead';

CREATE INDEX grants_ill ON grants (project_id, health) WHERE health <> 'healthy';

CREATE INDEX grants_organization ON grants (app_id, organization_hash) WHERE organization_hash IS NOT NULL;

CREATE INDEX grants_previous ON grants (refreshed_at) WHERE previous IS NOT NULL;

CREATE INDEX grants_project ON grants (project_id, id);

CREATE INDEX grants_rejected ON grants (app_id, rejected_at) WHERE rejected_at > 0;

CREATE UNIQUE INDEX grants_subject ON grants (app_id, issuer, kind, subject_hash);

CREATE INDEX grants_unplanned ON grants (id) WHERE refresh_at = 0 AND eager_at = 0 AND has_refresh = 1 AND health = 'healthy';

CREATE INDEX grants_waiting ON grants (app_id) WHERE retry_at > 0;

CREATE TABLE idempotency (
	id         TEXT PRIMARY KEY,
	project_id TEXT NOT NULL,
	key_id     TEXT NOT NULL,
	route      TEXT NOT NULL,
	key_hash   BLOB NOT NULL,
	body_hash  BLOB NOT NULL,
	status     INTEGER NOT NULL,
	answer     BLOB,
	expires_at INTEGER NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX idempotency_expires ON idempotency (expires_at);

CREATE UNIQUE INDEX idempotency_key ON idempotency (project_id, key_id, route, key_hash);

CREATE TABLE keys (
	id           TEXT PRIMARY KEY,
	project_id   TEXT NOT NULL, -- '': an operator's
	operator     INTEGER NOT NULL,
	name         TEXT NOT NULL,
	mac          BLOB NOT NULL,
	scopes       TEXT NOT NULL,
	providers    TEXT NOT NULL,
	labels       TEXT NOT NULL,
	cidrs        TEXT NOT NULL,
	expires_at   INTEGER NOT NULL,
	revoked_at   INTEGER NOT NULL,
	last_used_at INTEGER NOT NULL,
	created_at   INTEGER NOT NULL
, dialect TEXT NOT NULL DEFAULT '', bot_id TEXT NOT NULL DEFAULT '', proxy_rules TEXT NOT NULL DEFAULT '') STRICT;

CREATE INDEX keys_bot ON keys (bot_id) WHERE bot_id <> '';

CREATE INDEX keys_project ON keys (project_id, id);

CREATE TABLE keysets (
	level      TEXT NOT NULL,
	owner      TEXT NOT NULL,
	sealed     BLOB NOT NULL,
	wrapped_by TEXT NOT NULL,
	version    INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	PRIMARY KEY (level, owner)
) STRICT;

CREATE TABLE listings (
	grant_id    TEXT PRIMARY KEY,
	project_id  TEXT NOT NULL,
	app_id      TEXT NOT NULL,
	account     BLOB, -- keyed hash of the account's id; NULL: not known before the first list
	list_at     INTEGER NOT NULL,
	lease_until INTEGER NOT NULL,
	listed_at   INTEGER NOT NULL, -- 0: never
	code        TEXT NOT NULL, -- why not, or not fully, the last time
	tries       INTEGER NOT NULL
) STRICT;

CREATE INDEX listings_account ON listings (app_id, account);

CREATE INDEX listings_due ON listings (list_at);

CREATE TABLE mail_copies (
	id         TEXT PRIMARY KEY,
	project_id TEXT NOT NULL,
	mail_id    TEXT NOT NULL,
	recipient  BLOB NOT NULL, -- keyed hash of one of the project's addresses; empty: the person's
	state      TEXT NOT NULL,
	tries      INTEGER NOT NULL,
	try_at     INTEGER NOT NULL, -- the next try; while one is made, the end of its lease; 0: over
	tried_at   INTEGER NOT NULL,
	answer     INTEGER NOT NULL, -- of the mail server to the last try
	created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX mail_copies_due ON mail_copies (project_id, try_at) WHERE try_at > 0;

CREATE UNIQUE INDEX mail_copies_once ON mail_copies (mail_id, recipient);

CREATE TABLE mails (
	id            TEXT PRIMARY KEY,
	project_id    TEXT NOT NULL,
	audience      TEXT NOT NULL,
	cause         TEXT NOT NULL,
	day           TEXT NOT NULL,
	event_id      TEXT NOT NULL,
	type          TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	person_id     TEXT NOT NULL,
	digest_id     TEXT NOT NULL, -- the mail that tells it; '': itself
	created_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX mails_digest ON mails (digest_id, id) WHERE digest_id <> '';

CREATE UNIQUE INDEX mails_once ON mails (project_id, audience, cause, day);

CREATE INDEX mails_person ON mails (project_id, person_id, created_at) WHERE person_id <> '';

CREATE INDEX mails_recent ON mails (project_id, audience, created_at) WHERE digest_id = '';

CREATE TABLE meetings (
	app_id     TEXT NOT NULL,
	meeting    BLOB NOT NULL, -- keyed hash of the number
	project_id TEXT NOT NULL,
	host       BLOB NOT NULL, -- as listings.account
	personal   INTEGER NOT NULL,
	listed     INTEGER NOT NULL,
	gone       INTEGER NOT NULL,
	said_at    INTEGER NOT NULL,
	state      TEXT NOT NULL,
	run        BLOB NOT NULL,
	run_at     INTEGER NOT NULL,
	told_at    INTEGER NOT NULL,
	keep_until INTEGER NOT NULL,
	PRIMARY KEY (app_id, meeting)
) STRICT, WITHOUT ROWID;

CREATE INDEX meetings_host ON meetings (app_id, host);

CREATE INDEX meetings_keep ON meetings (keep_until);

CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;

CREATE TABLE nodes (
	id         TEXT PRIMARY KEY,
	version    TEXT NOT NULL,
	started_at INTEGER NOT NULL,
	seen_at    INTEGER NOT NULL,
	lost_at    INTEGER NOT NULL, -- an operator said that its disk is gone
	offered    TEXT NOT NULL DEFAULT '' -- the run of the database to which it has offered its receipts
) STRICT;

CREATE TABLE notices (
	app_id     TEXT NOT NULL,
	digest     BLOB NOT NULL, -- keyed hash of the bytes that were signed
	project_id TEXT NOT NULL,
	event      TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	PRIMARY KEY (app_id, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX notices_created ON notices (created_at);

CREATE TABLE persons (
	id         TEXT PRIMARY KEY,
	project_id TEXT NOT NULL,
	kind       TEXT NOT NULL,
	ref_hash   BLOB NOT NULL,
	sealed     BLOB,
	created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX persons_project ON persons (project_id, id);

CREATE UNIQUE INDEX persons_ref ON persons (project_id, ref_hash);

CREATE TABLE portals (
	id          TEXT PRIMARY KEY,
	project_id  TEXT NOT NULL,
	person_id   TEXT NOT NULL,
	key_id      TEXT NOT NULL,
	providers   TEXT NOT NULL,
	labels      TEXT NOT NULL,
	return_url  TEXT NOT NULL,
	link_hash   BLOB NOT NULL,
	cookie_hash BLOB,
	state       TEXT NOT NULL,
	expires_at  INTEGER NOT NULL,
	used_at     INTEGER NOT NULL,
	created_at  INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX portals_cookie ON portals (cookie_hash);

CREATE UNIQUE INDEX portals_link ON portals (link_hash);

CREATE TABLE projects (
	id         TEXT PRIMARY KEY,
	name       TEXT NOT NULL,
	settings   TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE revocations (
	grant_id       TEXT PRIMARY KEY,
	project_id     TEXT NOT NULL,
	app_id         TEXT NOT NULL,
	connection_id  TEXT NOT NULL,
	issuer         TEXT NOT NULL,
	kind           TEXT NOT NULL,
	subject_hash   BLOB NOT NULL,
	family         TEXT NOT NULL,
	generation     INTEGER NOT NULL,
	tokens         BLOB,
	access_expires INTEGER NOT NULL,
	tries          INTEGER NOT NULL,
	try_at         INTEGER NOT NULL,
	created_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX revocations_due ON revocations (try_at);

CREATE TABLE runners (
	id         TEXT PRIMARY KEY,
	project_id TEXT NOT NULL,
	kind       TEXT NOT NULL,
	name       TEXT NOT NULL,
	url        TEXT NOT NULL,
	key        BLOB NOT NULL, -- sealed: the vendor's, or what calls are signed with
	is_default INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX runners_default ON runners (project_id) WHERE is_default = 1;

CREATE INDEX runners_project ON runners (project_id, id);

CREATE TABLE sessions (
	id              TEXT PRIMARY KEY,
	project_id      TEXT NOT NULL,
	app_id          TEXT NOT NULL,
	person_id       TEXT NOT NULL,
	purpose         TEXT NOT NULL,
	connection_id   TEXT NOT NULL,
	link_hash       BLOB,
	return_url      TEXT NOT NULL,
	origin          TEXT NOT NULL,
	label           TEXT NOT NULL,
	metadata        TEXT NOT NULL,
	scopes          TEXT NOT NULL,
	scopes_optional TEXT NOT NULL,
	state           TEXT NOT NULL,
	last_error      TEXT NOT NULL,
	expires_at      INTEGER NOT NULL,
	created_at      INTEGER NOT NULL,
	updated_at      INTEGER NOT NULL
, sealed BLOB) STRICT;

CREATE UNIQUE INDEX sessions_link ON sessions (link_hash);

CREATE INDEX sessions_project ON sessions (project_id, id);

CREATE TABLE token_urls (
	id           TEXT PRIMARY KEY,
	project_id   TEXT NOT NULL,
	name         TEXT NOT NULL,
	secret_hash  BLOB NOT NULL, -- keyed hash
	types        TEXT NOT NULL, -- JSON array
	contract     TEXT NOT NULL,
	sealed       BLOB, -- meetings and what is signed with
	bot_id       TEXT NOT NULL, -- '': none
	candidates   TEXT NOT NULL, -- JSON array of {connection_id | person_id | label | host}
	scopes       TEXT NOT NULL, -- JSON array
	cidrs        TEXT NOT NULL, -- JSON array; '': from anywhere
	key_id       TEXT NOT NULL, -- that made it; '': the operator
	providers    TEXT NOT NULL, -- JSON array; '': all
	labels       TEXT NOT NULL, -- JSON array; '': all
	expires_at   INTEGER NOT NULL, -- 0: never
	revoked_at   INTEGER NOT NULL, -- 0: in force
	last_used_at INTEGER NOT NULL,
	created_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX token_urls_bot ON token_urls (bot_id) WHERE bot_id <> '';

CREATE INDEX token_urls_key ON token_urls (key_id, project_id) WHERE key_id <> '' AND revoked_at = 0;

CREATE INDEX token_urls_made ON token_urls (project_id, key_id, id) WHERE key_id <> '';

CREATE INDEX token_urls_project ON token_urls (project_id, id);

CREATE UNIQUE INDEX token_urls_secret ON token_urls (secret_hash);
