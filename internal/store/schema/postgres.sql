-- What the migrations make. Written by: go test ./internal/store -run TestSchemaDump -update

CREATE TABLE apps (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	provider TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	state TEXT COLLATE "C" NOT NULL,
	client_id TEXT COLLATE "C" NOT NULL,
	client_hash BYTEA,
	secret BYTEA,
	next_secret BYTEA,
	webhook_secret BYTEA,
	scopes TEXT COLLATE "C" NOT NULL,
	scopes_optional TEXT COLLATE "C" NOT NULL,
	redirect_uris TEXT COLLATE "C" NOT NULL,
	endpoints TEXT COLLATE "C" NOT NULL,
	params TEXT COLLATE "C" NOT NULL,
	custom BYTEA,
	pkce TEXT COLLATE "C" NOT NULL,
	config_version BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	next_webhook_secret BYTEA,
	published TEXT COLLATE "C" NOT NULL,
	published_at BIGINT NOT NULL,
	refuted TEXT COLLATE "C" NOT NULL,
	refuted_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX apps_client ON public.apps USING btree (client_hash);
CREATE UNIQUE INDEX apps_pkey ON public.apps USING btree (id);
CREATE INDEX apps_project ON public.apps USING btree (project_id, id);

CREATE TABLE attempts (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	app_id TEXT COLLATE "C" NOT NULL,
	grant_id TEXT COLLATE "C" NOT NULL,
	flow_id TEXT COLLATE "C" NOT NULL,
	kind TEXT COLLATE "C" NOT NULL,
	family TEXT COLLATE "C" NOT NULL,
	generation BIGINT NOT NULL,
	node TEXT COLLATE "C" NOT NULL,
	started_at BIGINT NOT NULL,
	deadline BIGINT NOT NULL,
	ended_at BIGINT NOT NULL,
	outcome TEXT COLLATE "C" NOT NULL,
	class TEXT COLLATE "C" NOT NULL,
	error TEXT COLLATE "C" NOT NULL,
	status BIGINT NOT NULL,
	request_id TEXT COLLATE "C" NOT NULL
);
CREATE INDEX attempts_app ON public.attempts USING btree (app_id, ended_at);
CREATE INDEX attempts_grant ON public.attempts USING btree (grant_id, generation, id);
CREATE INDEX attempts_open ON public.attempts USING btree (node, id) WHERE (ended_at = 0);
CREATE UNIQUE INDEX attempts_pkey ON public.attempts USING btree (id);

CREATE TABLE attendances (
	app_id TEXT COLLATE "C" NOT NULL,
	meeting BYTEA NOT NULL,
	run BYTEA NOT NULL,
	participant BYTEA NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	account BYTEA NOT NULL,
	here BIGINT NOT NULL,
	at BIGINT NOT NULL
);
CREATE INDEX attendances_account ON public.attendances USING btree (app_id, account);
CREATE INDEX attendances_at ON public.attendances USING btree (at);
CREATE UNIQUE INDEX attendances_pkey ON public.attendances USING btree (app_id, meeting, run, participant);

CREATE TABLE bot_refs (
	project_id TEXT COLLATE "C" NOT NULL,
	ref TEXT COLLATE "C" NOT NULL,
	bot_id TEXT COLLATE "C" NOT NULL
);
CREATE INDEX bot_refs_bot ON public.bot_refs USING btree (bot_id);
CREATE UNIQUE INDEX bot_refs_pkey ON public.bot_refs USING btree (project_id, ref, bot_id);

CREATE TABLE bot_steps (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	bot_id TEXT COLLATE "C" NOT NULL,
	at BIGINT NOT NULL,
	state TEXT COLLATE "C" NOT NULL,
	connection_id TEXT COLLATE "C" NOT NULL,
	code TEXT COLLATE "C" NOT NULL,
	sdk TEXT COLLATE "C" NOT NULL,
	said_by TEXT COLLATE "C" NOT NULL
);
CREATE INDEX bot_steps_bot ON public.bot_steps USING btree (bot_id, id);
CREATE UNIQUE INDEX bot_steps_pkey ON public.bot_steps USING btree (id);

CREATE TABLE bots (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	provider TEXT COLLATE "C" NOT NULL,
	meeting BYTEA NOT NULL,
	sealed BYTEA NOT NULL,
	dialect TEXT COLLATE "C" NOT NULL,
	runner_id TEXT COLLATE "C" NOT NULL,
	runner_kind TEXT COLLATE "C" NOT NULL,
	ref TEXT COLLATE "C" NOT NULL,
	candidates TEXT COLLATE "C" NOT NULL,
	allow TEXT COLLATE "C" NOT NULL,
	metadata TEXT COLLATE "C" NOT NULL,
	dedup_key TEXT COLLATE "C" NOT NULL,
	state TEXT COLLATE "C" NOT NULL,
	reason TEXT COLLATE "C" NOT NULL,
	used TEXT COLLATE "C" NOT NULL,
	turn BIGINT NOT NULL,
	tries TEXT COLLATE "C" NOT NULL,
	join_at BIGINT NOT NULL,
	patience BIGINT NOT NULL,
	give_up_at BIGINT NOT NULL,
	told_at BIGINT NOT NULL,
	next_at BIGINT NOT NULL,
	lease_until BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	ended_at BIGINT NOT NULL,
	starts BIGINT NOT NULL,
	out_at BIGINT NOT NULL,
	leave_at BIGINT NOT NULL,
	asked_at BIGINT NOT NULL,
	stop TEXT COLLATE "C" NOT NULL,
	joined_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX bots_dedup ON public.bots USING btree (project_id, dedup_key) WHERE ((dedup_key <> ''::text) AND (ended_at = 0));
CREATE INDEX bots_ended ON public.bots USING btree (ended_at) WHERE (ended_at > 0);
CREATE INDEX bots_next ON public.bots USING btree (next_at) WHERE (next_at > 0);
CREATE UNIQUE INDEX bots_pkey ON public.bots USING btree (id);
CREATE INDEX bots_project ON public.bots USING btree (project_id, id);
CREATE INDEX bots_ref ON public.bots USING btree (project_id, ref) WHERE (ref <> ''::text);
CREATE INDEX bots_waiting ON public.bots USING btree (project_id, meeting) WHERE (state = 'waiting_for_person'::text);

CREATE TABLE breakers (
	app_id TEXT NOT NULL,
	project_id TEXT NOT NULL,
	state TEXT NOT NULL,
	reason TEXT NOT NULL,
	error TEXT NOT NULL,
	config_version BIGINT NOT NULL,
	opened_at BIGINT NOT NULL,
	probe_at BIGINT NOT NULL,
	probe_node TEXT NOT NULL,
	probes BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX breakers_pkey ON public.breakers USING btree (app_id);

CREATE TABLE connections (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	app_id TEXT COLLATE "C" NOT NULL,
	provider TEXT COLLATE "C" NOT NULL,
	grant_id TEXT COLLATE "C" NOT NULL,
	person_id TEXT COLLATE "C" NOT NULL,
	label TEXT COLLATE "C" NOT NULL,
	state TEXT COLLATE "C" NOT NULL,
	origin TEXT COLLATE "C" NOT NULL,
	account BYTEA,
	needed TEXT COLLATE "C" NOT NULL,
	missing TEXT COLLATE "C" NOT NULL,
	metadata TEXT COLLATE "C" NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	erase_at BIGINT NOT NULL,
	dropped_at BIGINT NOT NULL
);
CREATE INDEX connections_app ON public.connections USING btree (app_id, state);
CREATE INDEX connections_erase ON public.connections USING btree (erase_at) WHERE (erase_at > 0);
CREATE INDEX connections_grant ON public.connections USING btree (grant_id);
CREATE INDEX connections_label ON public.connections USING btree (project_id, label, id) WHERE (label <> ''::text);
CREATE INDEX connections_partial ON public.connections USING btree (project_id, id) WHERE (missing <> ''::text);
CREATE INDEX connections_person ON public.connections USING btree (project_id, person_id, id);
CREATE UNIQUE INDEX connections_pkey ON public.connections USING btree (id);
CREATE INDEX connections_project ON public.connections USING btree (project_id, id);
CREATE INDEX connections_provider ON public.connections USING btree (project_id, provider, id);
CREATE INDEX connections_state ON public.connections USING btree (project_id, state, id);

CREATE TABLE consent_texts (
	project_id TEXT COLLATE "C" NOT NULL,
	hash TEXT COLLATE "C" NOT NULL,
	version TEXT COLLATE "C" NOT NULL,
	language TEXT COLLATE "C" NOT NULL,
	lines TEXT COLLATE "C" NOT NULL,
	scopes TEXT COLLATE "C" NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX consent_texts_pkey ON public.consent_texts USING btree (project_id, hash);

CREATE TABLE consents (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	connection_id TEXT COLLATE "C" NOT NULL,
	grant_id TEXT COLLATE "C" NOT NULL,
	app_id TEXT COLLATE "C" NOT NULL,
	client_id TEXT COLLATE "C" NOT NULL,
	provider TEXT COLLATE "C" NOT NULL,
	label TEXT COLLATE "C" NOT NULL,
	person_id TEXT COLLATE "C" NOT NULL,
	session_id TEXT COLLATE "C" NOT NULL,
	origin TEXT COLLATE "C" NOT NULL,
	shown TEXT COLLATE "C" NOT NULL,
	text_hash TEXT COLLATE "C" NOT NULL,
	asked TEXT COLLATE "C" NOT NULL,
	granted TEXT COLLATE "C" NOT NULL,
	missing TEXT COLLATE "C" NOT NULL,
	shown_at BIGINT NOT NULL,
	asked_at BIGINT NOT NULL,
	granted_at BIGINT NOT NULL,
	sealed BYTEA,
	who TEXT COLLATE "C" NOT NULL,
	key_id TEXT COLLATE "C" NOT NULL,
	state TEXT COLLATE "C" NOT NULL,
	ended_at BIGINT NOT NULL,
	ended_by TEXT COLLATE "C" NOT NULL,
	reason TEXT COLLATE "C" NOT NULL,
	superseded_by TEXT COLLATE "C" NOT NULL,
	at_provider TEXT COLLATE "C" NOT NULL,
	provider_status BIGINT NOT NULL,
	provider_detail TEXT COLLATE "C" NOT NULL,
	provider_again BIGINT NOT NULL,
	answered_at BIGINT NOT NULL,
	lives_until BIGINT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX consents_connection ON public.consents USING btree (connection_id, id);
CREATE INDEX consents_ended ON public.consents USING btree (ended_at) WHERE (ended_at > 0);
CREATE INDEX consents_grant ON public.consents USING btree (grant_id) WHERE (state = 'withdrawn'::text);
CREATE INDEX consents_person ON public.consents USING btree (person_id, id);
CREATE UNIQUE INDEX consents_pkey ON public.consents USING btree (id);
CREATE INDEX consents_project ON public.consents USING btree (project_id, id);

CREATE TABLE deliveries (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	endpoint_id TEXT COLLATE "C" NOT NULL,
	event_id TEXT COLLATE "C" NOT NULL,
	type TEXT COLLATE "C" NOT NULL,
	state TEXT COLLATE "C" NOT NULL,
	tries BIGINT NOT NULL,
	try_at BIGINT NOT NULL,
	tried_at BIGINT NOT NULL,
	status BIGINT NOT NULL,
	error TEXT COLLATE "C" NOT NULL,
	took BIGINT NOT NULL,
	answer BYTEA,
	created_at BIGINT NOT NULL
);
CREATE INDEX deliveries_due ON public.deliveries USING btree (endpoint_id, try_at) WHERE (try_at > 0);
CREATE INDEX deliveries_endpoint ON public.deliveries USING btree (endpoint_id, id);
CREATE UNIQUE INDEX deliveries_once ON public.deliveries USING btree (endpoint_id, event_id);
CREATE UNIQUE INDEX deliveries_pkey ON public.deliveries USING btree (id);
CREATE INDEX deliveries_project ON public.deliveries USING btree (project_id, id);

CREATE TABLE endpoints (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	url TEXT COLLATE "C" NOT NULL,
	format TEXT COLLATE "C" NOT NULL,
	types TEXT COLLATE "C" NOT NULL,
	state TEXT COLLATE "C" NOT NULL,
	reason TEXT COLLATE "C" NOT NULL,
	secret BYTEA NOT NULL,
	old_secret BYTEA,
	public_key TEXT COLLATE "C" NOT NULL,
	old_public_key TEXT COLLATE "C" NOT NULL,
	old_until BIGINT NOT NULL,
	failing_since BIGINT NOT NULL,
	hold_until BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	bot_id TEXT COLLATE "C" NOT NULL
);
CREATE INDEX endpoints_bot ON public.endpoints USING btree (bot_id) WHERE (bot_id <> ''::text);
CREATE UNIQUE INDEX endpoints_pkey ON public.endpoints USING btree (id);
CREATE INDEX endpoints_project ON public.endpoints USING btree (project_id, id);

CREATE TABLE entries (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	at BIGINT NOT NULL,
	who TEXT COLLATE "C" NOT NULL,
	what TEXT COLLATE "C" NOT NULL,
	outcome TEXT COLLATE "C" NOT NULL,
	code TEXT COLLATE "C" NOT NULL,
	app_id TEXT COLLATE "C" NOT NULL,
	connection_id TEXT COLLATE "C" NOT NULL,
	grant_id TEXT COLLATE "C" NOT NULL,
	session_id TEXT COLLATE "C" NOT NULL,
	key_id TEXT COLLATE "C" NOT NULL,
	person_id TEXT COLLATE "C" NOT NULL,
	detail TEXT COLLATE "C" NOT NULL,
	sealed BYTEA,
	request_id TEXT COLLATE "C" NOT NULL,
	seq BIGINT,
	leaf_hash BYTEA
);
CREATE INDEX entries_outcome ON public.entries USING btree (project_id, outcome, id) WHERE (outcome <> 'ok'::text);
CREATE UNIQUE INDEX entries_pkey ON public.entries USING btree (project_id, id);
CREATE INDEX entries_session ON public.entries USING btree (project_id, session_id, id) WHERE (session_id <> ''::text);
CREATE INDEX entries_what ON public.entries USING btree (project_id, what, id) WHERE (what <> 'token.read'::text);

CREATE TABLE entry_minutes (
	project_id TEXT COLLATE "C" NOT NULL,
	connection_id TEXT COLLATE "C" NOT NULL,
	minute BIGINT NOT NULL
);
CREATE UNIQUE INDEX entry_minutes_pkey ON public.entry_minutes USING btree (project_id, connection_id, minute);

CREATE TABLE events (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	at BIGINT NOT NULL,
	type TEXT COLLATE "C" NOT NULL,
	connection_id TEXT COLLATE "C" NOT NULL,
	data TEXT COLLATE "C" NOT NULL,
	delivered_at BIGINT,
	mailed_at BIGINT
);
CREATE UNIQUE INDEX events_pkey ON public.events USING btree (id);
CREATE INDEX events_project ON public.events USING btree (project_id, id);
CREATE INDEX events_type ON public.events USING btree (project_id, type, id);
CREATE INDEX events_unmailed ON public.events USING btree (id) WHERE ((mailed_at IS NULL) AND (type = ANY (ARRAY['connection.needs_reauth'::text, 'connection.expiring'::text, 'app.misconfigured'::text, 'endpoint.disabled'::text])));
CREATE INDEX events_waiting ON public.events USING btree (id) WHERE (delivered_at IS NULL);

CREATE TABLE flows (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	app_id TEXT COLLATE "C" NOT NULL,
	session_id TEXT COLLATE "C" NOT NULL,
	person_id TEXT COLLATE "C" NOT NULL,
	state_hash BYTEA,
	cookie_hash BYTEA,
	sealed BYTEA,
	parked BYTEA,
	completion_hash BYTEA,
	completion_expires_at BIGINT NOT NULL,
	state TEXT COLLATE "C" NOT NULL,
	error TEXT COLLATE "C" NOT NULL,
	expires_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	code_hash BYTEA
);
CREATE UNIQUE INDEX flows_code ON public.flows USING btree (code_hash);
CREATE UNIQUE INDEX flows_completion ON public.flows USING btree (completion_hash);
CREATE UNIQUE INDEX flows_pkey ON public.flows USING btree (id);
CREATE INDEX flows_project ON public.flows USING btree (project_id, id);
CREATE INDEX flows_received ON public.flows USING btree (id) WHERE (state = 'received'::text);
CREATE UNIQUE INDEX flows_state ON public.flows USING btree (state_hash);
CREATE INDEX flows_waiting ON public.flows USING btree (id) WHERE (state = ANY (ARRAY['started'::text, 'parked'::text, 'redeeming'::text]));

CREATE TABLE grants (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	app_id TEXT COLLATE "C" NOT NULL,
	issuer TEXT COLLATE "C" NOT NULL,
	kind TEXT COLLATE "C" NOT NULL,
	subject_hash BYTEA NOT NULL,
	family TEXT COLLATE "C" NOT NULL,
	generation BIGINT NOT NULL,
	tokens BYTEA,
	previous BYTEA,
	scopes TEXT COLLATE "C" NOT NULL,
	requested TEXT COLLATE "C" NOT NULL,
	access_expires BIGINT NOT NULL,
	has_refresh BIGINT NOT NULL,
	health TEXT COLLATE "C" NOT NULL,
	reason TEXT COLLATE "C" NOT NULL,
	lease_owner TEXT COLLATE "C" NOT NULL,
	lease_until BIGINT NOT NULL,
	refresh_at BIGINT NOT NULL,
	refreshed_at BIGINT NOT NULL,
	rejected_at BIGINT NOT NULL,
	retry_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	used_at BIGINT NOT NULL,
	eager_at BIGINT NOT NULL,
	needed_at BIGINT NOT NULL,
	rank BIGINT NOT NULL,
	refresh_expires BIGINT NOT NULL,
	dead_at BIGINT NOT NULL,
	consented_at BIGINT NOT NULL,
	account_hash BYTEA,
	organization_hash BYTEA,
	expiring_at BIGINT NOT NULL
);
CREATE INDEX grants_account ON public.grants USING btree (app_id, account_hash) WHERE (account_hash IS NOT NULL);
CREATE INDEX grants_dead ON public.grants USING btree (dead_at) WHERE (dead_at > 0);
CREATE INDEX grants_due ON public.grants USING btree (app_id, rank, refresh_at) WHERE (refresh_at > 0);
CREATE INDEX grants_expiring ON public.grants USING btree (expiring_at) WHERE ((expiring_at > 0) AND (health <> 'dead'::text));
CREATE INDEX grants_ill ON public.grants USING btree (project_id, health) WHERE (health <> 'healthy'::text);
CREATE INDEX grants_organization ON public.grants USING btree (app_id, organization_hash) WHERE (organization_hash IS NOT NULL);
CREATE UNIQUE INDEX grants_pkey ON public.grants USING btree (id);
CREATE INDEX grants_previous ON public.grants USING btree (refreshed_at) WHERE (previous IS NOT NULL);
CREATE INDEX grants_project ON public.grants USING btree (project_id, id);
CREATE INDEX grants_rejected ON public.grants USING btree (app_id, rejected_at) WHERE (rejected_at > 0);
CREATE UNIQUE INDEX grants_subject ON public.grants USING btree (app_id, issuer, kind, subject_hash);
CREATE INDEX grants_unplanned ON public.grants USING btree (id) WHERE ((refresh_at = 0) AND (eager_at = 0) AND (has_refresh = 1) AND (health = 'healthy'::text));
CREATE INDEX grants_waiting ON public.grants USING btree (app_id) WHERE (retry_at > 0);

CREATE TABLE idempotency (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	key_id TEXT COLLATE "C" NOT NULL,
	route TEXT COLLATE "C" NOT NULL,
	key_hash BYTEA NOT NULL,
	body_hash BYTEA NOT NULL,
	status BIGINT NOT NULL,
	answer BYTEA,
	expires_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX idempotency_expires ON public.idempotency USING btree (expires_at);
CREATE UNIQUE INDEX idempotency_key ON public.idempotency USING btree (project_id, key_id, route, key_hash);
CREATE UNIQUE INDEX idempotency_pkey ON public.idempotency USING btree (id);

CREATE TABLE keys (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	operator BIGINT NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	mac BYTEA NOT NULL,
	scopes TEXT COLLATE "C" NOT NULL,
	providers TEXT COLLATE "C" NOT NULL,
	labels TEXT COLLATE "C" NOT NULL,
	cidrs TEXT COLLATE "C" NOT NULL,
	expires_at BIGINT NOT NULL,
	revoked_at BIGINT NOT NULL,
	last_used_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	dialect TEXT COLLATE "C" NOT NULL,
	bot_id TEXT COLLATE "C" NOT NULL,
	proxy_rules TEXT COLLATE "C" NOT NULL
);
CREATE INDEX keys_bot ON public.keys USING btree (bot_id) WHERE (bot_id <> ''::text);
CREATE UNIQUE INDEX keys_pkey ON public.keys USING btree (id);
CREATE INDEX keys_project ON public.keys USING btree (project_id, id);

CREATE TABLE keysets (
	level TEXT COLLATE "C" NOT NULL,
	owner TEXT COLLATE "C" NOT NULL,
	sealed BYTEA NOT NULL,
	wrapped_by TEXT COLLATE "C" NOT NULL,
	version BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX keysets_pkey ON public.keysets USING btree (level, owner);

CREATE TABLE listings (
	grant_id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	app_id TEXT COLLATE "C" NOT NULL,
	account BYTEA,
	list_at BIGINT NOT NULL,
	lease_until BIGINT NOT NULL,
	listed_at BIGINT NOT NULL,
	code TEXT NOT NULL,
	tries BIGINT NOT NULL
);
CREATE INDEX listings_account ON public.listings USING btree (app_id, account);
CREATE INDEX listings_due ON public.listings USING btree (list_at);
CREATE UNIQUE INDEX listings_pkey ON public.listings USING btree (grant_id);

CREATE TABLE mail_copies (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	mail_id TEXT COLLATE "C" NOT NULL,
	recipient BYTEA NOT NULL,
	state TEXT COLLATE "C" NOT NULL,
	tries BIGINT NOT NULL,
	try_at BIGINT NOT NULL,
	tried_at BIGINT NOT NULL,
	answer BIGINT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX mail_copies_due ON public.mail_copies USING btree (project_id, try_at) WHERE (try_at > 0);
CREATE UNIQUE INDEX mail_copies_once ON public.mail_copies USING btree (mail_id, recipient);
CREATE UNIQUE INDEX mail_copies_pkey ON public.mail_copies USING btree (id);

CREATE TABLE mails (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	audience TEXT COLLATE "C" NOT NULL,
	cause TEXT COLLATE "C" NOT NULL,
	day TEXT COLLATE "C" NOT NULL,
	event_id TEXT COLLATE "C" NOT NULL,
	type TEXT COLLATE "C" NOT NULL,
	connection_id TEXT COLLATE "C" NOT NULL,
	person_id TEXT COLLATE "C" NOT NULL,
	digest_id TEXT COLLATE "C" NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX mails_digest ON public.mails USING btree (digest_id, id) WHERE (digest_id <> ''::text);
CREATE UNIQUE INDEX mails_once ON public.mails USING btree (project_id, audience, cause, day);
CREATE INDEX mails_person ON public.mails USING btree (project_id, person_id, created_at) WHERE (person_id <> ''::text);
CREATE UNIQUE INDEX mails_pkey ON public.mails USING btree (id);
CREATE INDEX mails_recent ON public.mails USING btree (project_id, audience, created_at) WHERE (digest_id = ''::text);

CREATE TABLE meetings (
	app_id TEXT COLLATE "C" NOT NULL,
	meeting BYTEA NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	host BYTEA NOT NULL,
	personal BIGINT NOT NULL,
	listed BIGINT NOT NULL,
	gone BIGINT NOT NULL,
	said_at BIGINT NOT NULL,
	state TEXT NOT NULL,
	run BYTEA NOT NULL,
	run_at BIGINT NOT NULL,
	told_at BIGINT NOT NULL,
	keep_until BIGINT NOT NULL
);
CREATE INDEX meetings_host ON public.meetings USING btree (app_id, host);
CREATE INDEX meetings_keep ON public.meetings USING btree (keep_until);
CREATE UNIQUE INDEX meetings_pkey ON public.meetings USING btree (app_id, meeting);

CREATE TABLE meta (
	key TEXT COLLATE "C" NOT NULL,
	value TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX meta_pkey ON public.meta USING btree (key);

CREATE TABLE nodes (
	id TEXT NOT NULL,
	version TEXT NOT NULL,
	started_at BIGINT NOT NULL,
	seen_at BIGINT NOT NULL,
	lost_at BIGINT NOT NULL,
	offered TEXT NOT NULL
);
CREATE UNIQUE INDEX nodes_pkey ON public.nodes USING btree (id);

CREATE TABLE notices (
	app_id TEXT COLLATE "C" NOT NULL,
	digest BYTEA NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	event TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX notices_created ON public.notices USING btree (created_at);
CREATE UNIQUE INDEX notices_pkey ON public.notices USING btree (app_id, digest);

CREATE TABLE persons (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	kind TEXT COLLATE "C" NOT NULL,
	ref_hash BYTEA NOT NULL,
	sealed BYTEA,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX persons_pkey ON public.persons USING btree (id);
CREATE INDEX persons_project ON public.persons USING btree (project_id, id);
CREATE UNIQUE INDEX persons_ref ON public.persons USING btree (project_id, ref_hash);

CREATE TABLE portals (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	person_id TEXT COLLATE "C" NOT NULL,
	key_id TEXT COLLATE "C" NOT NULL,
	providers TEXT COLLATE "C" NOT NULL,
	labels TEXT COLLATE "C" NOT NULL,
	return_url TEXT COLLATE "C" NOT NULL,
	link_hash BYTEA NOT NULL,
	cookie_hash BYTEA,
	state TEXT COLLATE "C" NOT NULL,
	expires_at BIGINT NOT NULL,
	used_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX portals_cookie ON public.portals USING btree (cookie_hash);
CREATE UNIQUE INDEX portals_link ON public.portals USING btree (link_hash);
CREATE UNIQUE INDEX portals_pkey ON public.portals USING btree (id);

CREATE TABLE projects (
	id TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	settings TEXT COLLATE "C" NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX projects_pkey ON public.projects USING btree (id);

CREATE TABLE revocations (
	grant_id TEXT NOT NULL,
	project_id TEXT NOT NULL,
	app_id TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	issuer TEXT NOT NULL,
	kind TEXT NOT NULL,
	subject_hash BYTEA NOT NULL,
	family TEXT NOT NULL,
	generation BIGINT NOT NULL,
	tokens BYTEA,
	access_expires BIGINT NOT NULL,
	tries BIGINT NOT NULL,
	try_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX revocations_due ON public.revocations USING btree (try_at);
CREATE UNIQUE INDEX revocations_pkey ON public.revocations USING btree (grant_id);

CREATE TABLE runners (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	kind TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	url TEXT COLLATE "C" NOT NULL,
	key BYTEA NOT NULL,
	is_default BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX runners_default ON public.runners USING btree (project_id) WHERE (is_default = 1);
CREATE UNIQUE INDEX runners_pkey ON public.runners USING btree (id);
CREATE INDEX runners_project ON public.runners USING btree (project_id, id);

CREATE TABLE sessions (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	app_id TEXT COLLATE "C" NOT NULL,
	person_id TEXT COLLATE "C" NOT NULL,
	purpose TEXT COLLATE "C" NOT NULL,
	connection_id TEXT COLLATE "C" NOT NULL,
	link_hash BYTEA,
	return_url TEXT COLLATE "C" NOT NULL,
	origin TEXT COLLATE "C" NOT NULL,
	label TEXT COLLATE "C" NOT NULL,
	metadata TEXT COLLATE "C" NOT NULL,
	scopes TEXT COLLATE "C" NOT NULL,
	scopes_optional TEXT COLLATE "C" NOT NULL,
	state TEXT COLLATE "C" NOT NULL,
	last_error TEXT COLLATE "C" NOT NULL,
	expires_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	sealed BYTEA
);
CREATE UNIQUE INDEX sessions_link ON public.sessions USING btree (link_hash);
CREATE UNIQUE INDEX sessions_pkey ON public.sessions USING btree (id);
CREATE INDEX sessions_project ON public.sessions USING btree (project_id, id);

CREATE TABLE token_urls (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	secret_hash BYTEA NOT NULL,
	types TEXT COLLATE "C" NOT NULL,
	contract TEXT COLLATE "C" NOT NULL,
	sealed BYTEA,
	bot_id TEXT COLLATE "C" NOT NULL,
	candidates TEXT COLLATE "C" NOT NULL,
	scopes TEXT COLLATE "C" NOT NULL,
	cidrs TEXT COLLATE "C" NOT NULL,
	key_id TEXT COLLATE "C" NOT NULL,
	providers TEXT COLLATE "C" NOT NULL,
	labels TEXT COLLATE "C" NOT NULL,
	expires_at BIGINT NOT NULL,
	revoked_at BIGINT NOT NULL,
	last_used_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX token_urls_bot ON public.token_urls USING btree (bot_id) WHERE (bot_id <> ''::text);
CREATE INDEX token_urls_key ON public.token_urls USING btree (key_id, project_id) WHERE ((key_id <> ''::text) AND (revoked_at = 0));
CREATE INDEX token_urls_made ON public.token_urls USING btree (project_id, key_id, id) WHERE (key_id <> ''::text);
CREATE UNIQUE INDEX token_urls_pkey ON public.token_urls USING btree (id);
CREATE INDEX token_urls_project ON public.token_urls USING btree (project_id, id);
CREATE UNIQUE INDEX token_urls_secret ON public.token_urls USING btree (secret_hash);

