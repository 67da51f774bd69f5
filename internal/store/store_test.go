package store_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// world is one project with a row of everything.
type world struct {
	project    lanyard.Project
	key        store.Key
	app        lanyard.App
	person     lanyard.Person
	session    lanyard.Session
	flow       lanyard.Flow
	grant      lanyard.Grant
	connection lanyard.Connection
	attempt    lanyard.Attempt
	entry      lanyard.Entry
	event      lanyard.Event
	endpoint   lanyard.Endpoint
	delivery   lanyard.Delivery
	runner     lanyard.Runner
	consent    lanyard.Consent
	text       lanyard.ConsentText
	claim      store.Idempotency
	bot        lanyard.Bot
	tokenURL   lanyard.TokenURL
}

func hash(s string) []byte { h := sha256.Sum256([]byte(s)); return h[:] }

func newID[T ~string](prefix string) T { return lanyard.NewID[T](prefix) }

// day is a moment with microseconds, as they come back.
var day = time.Date(2026, 5, 4, 3, 2, 1, 987654000, time.UTC)

// newWorld makes one where no field is the zero value, so that a column that is
// forgotten shows.
func newWorld() world {
	p := lanyard.Project{ID: newID[lanyard.ProjectID]("prj_"), Name: "Acme", CreatedAt: day, UpdatedAt: day.Add(time.Second),
		Settings: lanyard.ProjectSettings{DisplayName: "Acme Inc", ReturnURLs: []string{"https://a.example/back"}, LinkMode: true}}
	n := string(p.ID)
	app := lanyard.App{ID: newID[lanyard.AppID]("app_"), Project: p.ID, Provider: "zoom", Name: "Zoom", State: lanyard.AppReady,
		ClientID: "cid", Secret: []byte("s1" + n), NextSecret: []byte("s2" + n), WebhookSecret: []byte("s3" + n), NextWebhookSecret: []byte("s4" + n),
		Scopes: []string{"a", "b"}, ScopesOptional: []string{"c"}, RedirectURIs: []string{"https://a.example/cb"},
		Endpoints: map[string]string{"token": "https://t.example"}, Params: map[string]string{"tenant": "x"},
		Custom: []byte(`{"id":"custom"}`), PKCE: "on", ConfigVersion: 3, Published: lanyard.PublishedYes, PublishedAt: day,
		Refuted: "504", RefutedAt: day.Add(time.Minute), CreatedAt: day, UpdatedAt: day}
	person := lanyard.Person{ID: newID[lanyard.PersonID]("per_"), Project: p.ID, Kind: "person", RefHash: hash("ref" + n),
		Sealed: []byte("p" + n), CreatedAt: day}
	grant := lanyard.Grant{ID: newID[lanyard.GrantID]("grt_"), Project: p.ID, App: app.ID, Issuer: "https://zoom.us", Kind: "user",
		SubjectHash: hash("sub" + n), Family: "fam1", Generation: 7, Tokens: []byte("t" + n), Previous: []byte("tp" + n),
		Scopes: []string{"a"}, Requested: []string{"a", "b"}, AccessExpires: day.Add(time.Hour), HasRefresh: true,
		Health: lanyard.Degraded, Reason: lanyard.CodeAppMisconfigured, Lease: lanyard.Lease{Owner: "n1", Until: day},
		RefreshAt: day.Add(time.Minute), RefreshedAt: day, RejectedAt: day, RetryAt: day, RefreshExpires: day.Add(24 * time.Hour), ExpiringAt: day, ConsentedAt: day, CreatedAt: day, UpdatedAt: day}
	connection := lanyard.Connection{ID: newID[lanyard.ConnectionID]("con_"), Project: p.ID, App: app.ID, Provider: "zoom", Grant: grant.ID,
		Person: person.ID, Label: "work", State: lanyard.Live, Origin: "hosted", Account: []byte("acc" + n), Needed: []string{"a", "b"},
		Metadata: map[string]string{"k": "v"}, CreatedAt: day, UpdatedAt: day, DroppedAt: day}
	session := lanyard.Session{ID: newID[lanyard.SessionID]("cs_"), Project: p.ID, App: app.ID, Person: person.ID, Purpose: "connect",
		Connection: connection.ID, LinkHash: hash("link" + n), ReturnURL: "https://a.example/back", Origin: "https://a.example",
		Label: "work", Metadata: map[string]string{"k": "v"}, Scopes: []string{"a"}, ScopesOptional: []string{"c"},
		Sealed: []byte("ss" + n), State: lanyard.SessionOpen, LastError: lanyard.CodeConsentDenied, ExpiresAt: day, CreatedAt: day, UpdatedAt: day}
	flow := lanyard.Flow{ID: newID[lanyard.FlowID]("flw_"), Project: p.ID, App: app.ID, Session: session.ID, Person: person.ID,
		StateHash: hash("state" + n), CodeHash: hash("code" + n), CookieHash: hash("cookie" + n), Sealed: []byte("fs" + n), Parked: []byte("fp" + n),
		CompletionHash: hash("cmp" + n), CompletionExpiresAt: day, State: lanyard.FlowStarted, Error: lanyard.CodeConsentDenied,
		ExpiresAt: day, CreatedAt: day}
	event := lanyard.Event{ID: newID[lanyard.EventID]("evt_"), Project: p.ID, At: day, Type: lanyard.EventConnectionCreated,
		Connection: connection.ID, Data: map[string]string{"status": "active"}}
	endpoint := lanyard.Endpoint{ID: newID[lanyard.EndpointID]("we_"), Project: p.ID, Name: "bots", URL: "https://a.example/hook",
		Format: lanyard.FormatStandard, Types: []lanyard.EventType{"connection.*"}, State: lanyard.EndpointEnabled, Reason: lanyard.CodeWebhookGone,
		Secret: []byte("ws" + n), OldSecret: []byte("wo" + n), PublicKey: "whpk_a", OldPublicKey: "whpk_b", OldUntil: day, FailingSince: day,
		HoldUntil: day, CreatedAt: day, UpdatedAt: day}
	delivery := lanyard.Delivery{ID: newID[lanyard.DeliveryID]("dlv_"), Project: p.ID, Endpoint: endpoint.ID, Event: event.ID, Type: event.Type,
		State: lanyard.DeliveryPending, Tries: 3, TryAt: day, TriedAt: day, Status: 500, Error: "timeout", Took: time.Second,
		Answer: []byte("wa" + n), CreatedAt: day}
	text := lanyard.ConsentText{Version: "1", Language: "en", Lines: []string{"Acme will be able to", "See \"it\" <all>"},
		Scopes: []lanyard.ScopeInWords{{Scope: "a", Words: "See it"}, {Scope: "c", Words: "Change it", Optional: true}}}
	consent := lanyard.Consent{ID: newID[lanyard.ConsentID]("cns_"), Project: p.ID, Connection: connection.ID, Grant: grant.ID, App: app.ID,
		ClientID: "cid", Provider: "zoom", Label: "work", Person: person.ID, Session: session.ID, Origin: "hosted", Shown: lanyard.ShownPage,
		TextHash: text.Hash(), Asked: []string{"a", "b"}, Granted: []string{"a"}, Missing: []string{"b"}, ShownAt: day,
		AskedAt: day.Add(time.Second), GrantedAt: day.Add(time.Minute), Sealed: []byte("cs" + n), Who: "key:lyk_x", Key: "lyk_x",
		State: lanyard.ConsentGiven, CreatedAt: day}
	bot := lanyard.Bot{ID: newID[lanyard.BotID]("bot_"), Project: p.ID, Provider: "zoom", Meeting: hash("meeting"), Sealed: []byte("bs" + n),
		Dialect: lanyard.DialectAttendee, Runner: "run_x", Kind: lanyard.RunnerAttendee, Ref: "their-1", Candidates: []lanyard.Candidate{{Connection: connection.ID}, {Label: "team"}, {Host: true}},
		Allow:    lanyard.BotAllow{Types: []string{"onbehalf"}, Scopes: []string{"a"}, Proxy: []lanyard.ProxyRule{{Methods: []string{"GET"}, Path: "/v2/users/me"}}},
		Metadata: map[string]string{"k": "v"}, DedupKey: "one", State: lanyard.BotReady, Reason: lanyard.CodeJoinFailed, Used: connection.ID, Turn: 2,
		Tries:  []lanyard.BotTry{{Connection: connection.ID, At: day, Code: lanyard.CodePersonAbsent, Absent: true, Seen: true}},
		JoinAt: day, Patience: time.Minute, GiveUpAt: day.Add(time.Minute), ToldAt: day, NextAt: day, LeaseUntil: day, Starts: 2, OutAt: day, LeaveAt: day, CreatedAt: day, UpdatedAt: day}
	return world{bot: bot, consent: consent, text: text, project: p, app: app, person: person, grant: grant, connection: connection, session: session, flow: flow,
		key: store.Key{ID: newID[lanyard.KeyID]("lyk_"), Project: p.ID, Operator: true, Name: "bots", MAC: hash("mac" + n),
			Scopes: []lanyard.Scope{lanyard.ScopeToken}, Providers: []string{"zoom"}, Labels: []string{"work"},
			CIDRs: []string{"10.0.0.0/8"}, ExpiresAt: day, LastUsedAt: day, CreatedAt: day},
		attempt: lanyard.Attempt{ID: newID[lanyard.AttemptID]("att_"), Project: p.ID, App: app.ID, Grant: grant.ID, Flow: flow.ID,
			Kind: lanyard.AttemptRefresh, Family: "fam1", Generation: 7, Node: "n" + n, StartedAt: day, Deadline: day.Add(time.Minute),
			Class: "strict", Error: "invalid_grant", Status: 400, RequestID: "rq"},
		entry: lanyard.Entry{ID: newID[lanyard.EntryID]("aud_"), Project: p.ID, Who: "key:lyk_x", What: lanyard.ActConnectionCreated,
			Outcome: "failed", Code: lanyard.CodeAccountMismatch, App: app.ID, Connection: connection.ID, Grant: grant.ID, Session: session.ID,
			Key: "lyk_x", Person: person.ID, Detail: map[string]string{"provider": "zoom"}, Sealed: []byte("e" + n), RequestID: "rq"},
		event: event, endpoint: endpoint, delivery: delivery,
		tokenURL: lanyard.TokenURL{ID: newID[lanyard.TokenURLID]("tu_"), Project: p.ID, Name: "Recall", SecretHash: hash("url" + n),
			Types: []string{"onbehalf"}, Contract: lanyard.ContractPlain, Sealed: []byte("tu" + n), Bot: "bot_1",
			Candidates: []lanyard.Candidate{{Connection: connection.ID}, {Person: person.ID}, {Label: "a, \"b\""}, {Host: true}},
			Scopes:     []string{"a"}, CIDRs: []string{"10.0.0.0/8"}, Key: "lyk_x", Providers: []string{"zoom"}, Labels: []string{"work"},
			ExpiresAt: day.Add(time.Hour), LastUsedAt: day, CreatedAt: day},
		runner: lanyard.Runner{ID: newID[lanyard.RunnerID]("run_"), Project: p.ID, Kind: lanyard.RunnerRecall, Name: "bots", URL: "https://r.example/api/v1",
			Key: []byte("rk" + n), Default: true, CreatedAt: day, UpdatedAt: day},
		claim: store.Idempotency{ID: newID[string]("idm_"), Project: p.ID, Key: "lyk_x", Route: "POST /v1/connections",
			KeyHash: hash("idem" + n), BodyHash: hash("body"), ExpiresAt: time.Now().Add(time.Hour).Truncate(time.Microsecond).UTC(), CreatedAt: day},
	}
}

func keyset(level vault.Level, owner string) vault.SealedKeyset {
	return vault.SealedKeyset{Level: level, Owner: owner, Sealed: []byte("ks" + owner), WrappedBy: "0a1b2c3d", Version: 1, CreatedAt: day, UpdatedAt: day}
}

// add writes all of it, in one transaction.
func (w *world) add(t testing.TB, db *store.DB) {
	t.Helper()
	must(t, db.Update(t.Context(), func(tx *store.Tx) (lanyard.Entry, error) {
		for _, err := range []error{
			tx.AddProject(w.project, keyset("project", string(w.project.ID))),
			tx.AddKey(w.key),
			tx.AddApp(w.app, hash("client"+string(w.project.ID))),
			tx.AddPerson(w.person, keyset("person", string(w.project.ID)+"/"+string(w.person.ID))),
			tx.AddGrant(w.grant), tx.AddConnection(w.connection), tx.AddSession(w.session), tx.AddFlow(w.flow),
			tx.AddAttempt(w.attempt), tx.AddEvent(w.event), tx.AddConsentText(w.project.ID, w.text), tx.AddConsent(w.consent), tx.AddBot(w.bot), tx.AddTokenURL(w.tokenURL),
		} {
			if err != nil {
				return lanyard.Entry{}, err
			}
		}
		if err := tx.AddRunner(w.runner); err != nil {
			return lanyard.Entry{}, err
		}
		if err := tx.AddEndpoint(w.endpoint); err != nil {
			return lanyard.Entry{}, err
		}
		if _, err := tx.AddDelivery(w.delivery); err != nil {
			return lanyard.Entry{}, err
		}
		w.entry.At = tx.Now()
		if there, err := tx.ClaimIdempotency(w.claim); err != nil || there != nil {
			return lanyard.Entry{}, fmt.Errorf("got %v, %w, want a new claim", there, err)
		}
		return w.entry, nil
	}))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// view reads, and fails the test where that fails.
func view[T any](t testing.TB, db *store.DB, fn func(q *store.Query) (T, error)) T {
	t.Helper()
	var v T
	must(t, db.View(t.Context(), func(q *store.Query) (err error) {
		v, err = fn(q)
		return err
	}))
	return v
}

// keep changes something, and fails the test where that fails.
func keep[T any](t testing.TB, db *store.DB, fn func(tx *store.Tx) (T, error)) T {
	t.Helper()
	var v T
	must(t, db.Bookkeep(context.Background(), func(tx *store.Tx) (err error) {
		v, err = fn(tx)
		return err
	}))
	return v
}

// done is keep for what returns an error only.
func done(t testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	must(t, db.Bookkeep(context.Background(), fn))
}

// swapped checks a compare-and-swap.
func swapped(t testing.TB, db *store.DB, what string, want bool, fn func(tx *store.Tx) (bool, error)) {
	t.Helper()
	if got := keep(t, db, fn); got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
