package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/pgtemp"
	"lanyard/internal/store/storetest"
)

// ownServer is a PostgreSQL server that a test may do to what it likes.
func ownServer(t *testing.T) *pgtemp.Cluster {
	t.Helper()
	if os.Getenv("LANYARD_TEST_POSTGRES") == "off" {
		t.Skip("LANYARD_TEST_POSTGRES=off")
	}
	c, err := pgtemp.Start(pgtemp.Config{})
	if errors.Is(err, pgtemp.ErrNoPrograms) && os.Getenv("CI") == "" {
		t.Skip(pgtemp.HowToGet)
	}
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func statement(t *testing.T, url, query string) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), query)
	must(t, err)
}

// both is a URL that names two servers, as it does with TCP: "host1,host2".
func both(a, b *pgtemp.Cluster) string {
	return "postgres:///postgres?user=lanyard&host=" + url.QueryEscape(a.Dir()+","+b.Dir())
}

// insist repeats a change until the database takes it.
func insist(t *testing.T, db *store.DB, what string, fn func(tx *store.Tx) error) {
	t.Helper()
	var err error
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		if err = db.Bookkeep(t.Context(), fn); err == nil {
			return
		}
		if !errors.Is(err, lanyard.CodeStoreUnavailable) {
			t.Errorf("%s: got %v meanwhile, want store_unavailable", what, err)
		}
	}
	t.Fatalf("%s: %v", what, err)
}

// The primary dies, the standby is promoted: the same open store goes on with the
// other server, sees what was committed, and knows that it is another one.
func TestAStoreFollowsThePrimary(t *testing.T) {
	t.Parallel()
	primary := ownServer(t)
	standby, err := primary.Standby("")
	must(t, err)
	t.Cleanup(func() { _ = standby.Close() })
	// The standby comes first in the URL, and is passed over while it is one.
	db, err := store.Open(t.Context(), store.Config{URL: both(standby, primary), DataDir: t.TempDir(), MaxConns: 4})
	must(t, err)
	defer db.Close()
	put := func(key string) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.PutMeta(key, "here") }
	}
	must(t, db.Bookkeep(t.Context(), put("before")))
	was := view(t, db, (*store.Query).Incarnation)
	waitFor(t, standby, "SELECT count(*) FROM meta WHERE key = 'before'", "1")

	must(t, primary.Stop())
	if err := db.Bookkeep(t.Context(), put("lost")); !errors.Is(err, lanyard.CodeStoreUnavailable) {
		t.Errorf("without a primary: got %v, want store_unavailable", err)
	}
	must(t, standby.Promote())
	insist(t, db, "after the failover", put("after"))
	is := view(t, db, (*store.Query).Incarnation)
	if is == was || is == "" {
		t.Errorf("the incarnation: got %q after %q, want another", is, was)
	}
	for _, key := range []string{"before", "after"} {
		if got := view(t, db, func(q *store.Query) (string, error) { return q.Meta(key) }); got != "here" {
			t.Errorf("%s: got %q", key, got)
		}
	}

	// The one that was dead comes back, and does not know that it is replaced: that is
	// for whoever promotes to prevent. What we are connected to stays.
	must(t, standby.Stop())
	must(t, standby.Run())
	insist(t, db, "after a restart", put("restarted"))
	if again := view(t, db, (*store.Query).Incarnation); again == is {
		t.Errorf("restarted: got the same incarnation %q", again)
	}
}

func waitFor(t *testing.T, c *pgtemp.Cluster, query, want string) {
	t.Helper()
	db, err := sql.Open("pgx", c.URL("postgres"))
	must(t, err)
	defer db.Close()
	var got string
	for range 200 {
		if err = db.QueryRowContext(t.Context(), query).Scan(&got); err == nil && got == want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s: got %q, %v, want %q", query, got, err, want)
}

// A primary that is made read-only while we are connected, as a switch-over does, is
// left at once: it would refuse to write, and go on to read what is old.
func TestAServerThatTakesNoChangesIsLeft(t *testing.T) {
	t.Parallel()
	one, two := ownServer(t), ownServer(t)
	db, err := store.Open(t.Context(), store.Config{URL: both(one, two), DataDir: t.TempDir(), MaxConns: 2})
	must(t, err)
	defer db.Close()
	other, err := store.Open(t.Context(), store.Config{URL: two.URL("postgres"), DataDir: t.TempDir(), MaxConns: 2})
	must(t, err)
	defer other.Close()
	put := func(tx *store.Tx) error { return tx.PutMeta("k", "v") }
	must(t, db.Bookkeep(t.Context(), put))
	statement(t, one.URL("postgres"), "ALTER SYSTEM SET default_transaction_read_only = on")
	statement(t, one.URL("postgres"), "SELECT pg_reload_conf()")
	waitFor(t, one, "SHOW default_transaction_read_only", "on")
	insist(t, db, "the other one", func(tx *store.Tx) error { return tx.PutMeta("k", "moved") })
	if got := view(t, other, func(q *store.Query) (string, error) { return q.Meta("k") }); got != "moved" {
		t.Errorf("got %q on the other server, want what was written", got)
	}
}

func TestAURLThatWantsAStandbyIsRefused(t *testing.T) {
	for _, want := range []string{"standby", "prefer-standby", "read-only"} {
		_, err := store.Open(t.Context(), store.Config{URL: "postgres://u:hush@h1,h2/db?target_session_attrs=" + want, DataDir: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), "target_session_attrs") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got %v, want it refused without the password", want, err)
		}
	}
}

// I1, I5: what we commit waits for the disk, whatever the server's default is.
func TestACommitWaitsForTheDiskWhateverTheDefault(t *testing.T) {
	cfg := storetest.PostgreSQL(t)
	second := secondConnection(t, cfg)
	defer second.Close()
	var name string
	must(t, second.QueryRow("SELECT current_database()").Scan(&name))
	statement(t, cfg.URL, fmt.Sprintf("ALTER DATABASE %s SET synchronous_commit = off", name))
	// What each transaction had at its end, as a deferred trigger sees it.
	for _, query := range []string{
		`CREATE TABLE waited (t text, how text)`,
		`CREATE FUNCTION wait_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO waited VALUES (TG_TABLE_NAME, current_setting('synchronous_commit')); RETURN NULL; END $$`,
		`CREATE CONSTRAINT TRIGGER w AFTER INSERT ON attempts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_note()`,
		`CREATE CONSTRAINT TRIGGER w AFTER INSERT OR UPDATE ON grants DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_note()`,
		`CREATE CONSTRAINT TRIGGER w AFTER INSERT ON entries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_note()`,
		`CREATE CONSTRAINT TRIGGER w AFTER INSERT ON meta DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_note()`,
	} {
		statement(t, cfg.URL, query)
	}
	statement(t, cfg.URL, `INSERT INTO meta (key, value) VALUES ('plain', 'a session of its own')`)

	db, err := store.Open(t.Context(), cfg)
	must(t, err)
	defer db.Close()
	w := newWorld()
	w.add(t, db)
	swapped(t, db, "commit", true, func(tx *store.Tx) (bool, error) { return tx.CommitTokens(w.grant, w.grant.Family, w.grant.Generation) })
	must(t, db.Read(t.Context(), func(q *store.Query) (lanyard.Entry, error) {
		return lanyard.Entry{ID: newID[lanyard.EntryID]("aud_"), Project: w.project.ID, Who: "key:x", What: lanyard.ActTokenRead, Outcome: "ok"}, nil
	}))
	same(t, "how each waited", lines(t, second, `SELECT t || ' ' || how || ' ' || count(*) FROM waited GROUP BY t, how ORDER BY 1`),
		[]string{"attempts on 1", "entries on 2", "grants on 2", "meta off 1", "meta on 1"})
}

// The suite again, through a real PgBouncer in transaction mode, which neither keeps
// a session nor knows statements that were prepared by name.
func TestTheStoreBehindAPooler(t *testing.T) {
	t.Parallel()
	if os.Getenv(throughPooler) != "" {
		t.Skip("this is the suite behind the pooler")
	}
	server := ownServer(t)
	pooler, err := server.Pooler()
	if errors.Is(err, pgtemp.ErrNoPooler) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(func() { _ = pooler.Close() })
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.count=1", "-test.timeout=4m", "-test.run=^Test("+strings.Join([]string{
		"NodesStartTogether", "EveryColumnComesBack", "Puts", "TheLogOfOneConnection", "ARefusalIsOnRecordWithoutItsChange", "IdempotencyIsClaimedOnce",
		"SealedFieldsAreAllOfThemWithTheirPlaces", "ReplaceSealedIsACompareAndSwap", "LeaseHasOneOwner", "TokensAreCommittedForTheirGenerationOnly",
		"ARenewalIsKeptAsAWhole", "ARenewalSeesTheGrantTheAppAndItsBreaker", "WhatIsDueComesByRankThenByTimeAndOnlyIfNobodyHoldsIt",
		"AppsAreDueSinceTheirFirstGrant", "OneNodeMakesTheProbe", "ANodeIsSeenByTheClockOfTheDatabase"}, "|")+")$/^postgres$")
	again.Env = append(os.Environ(), throughPooler+"=1", "LANYARD_TEST_POSTGRES="+pooler.URL("postgres"))
	out, err := again.CombinedOutput()
	if err != nil {
		t.Errorf("behind a pooler: %v\n%s", err, out)
	}
	db, err := sql.Open("pgx", server.URL("postgres"))
	must(t, err)
	defer db.Close()
	var used int
	must(t, db.QueryRow(`SELECT sum(xact_commit)::int FROM pg_stat_database`).Scan(&used))
	if used < 100 {
		t.Errorf("got %d transactions on the server behind the pooler, want the suite's", used)
	}
}

const throughPooler = "LANYARD_STORE_TEST_POOLER"

// A host that takes connections and says nothing is passed over, and what was idle
// when its host went silent is not waited for.
func TestASilentHostIsPassedOver(t *testing.T) {
	t.Parallel()
	server := ownServer(t)
	silent := silentSocket(t)
	db, err := store.Open(t.Context(), store.Config{URL: "postgres:///postgres?user=lanyard&connect_timeout=1&host=" +
		url.QueryEscape(silent+","+server.Dir()), DataDir: t.TempDir(), MaxConns: 2})
	must(t, err)
	defer db.Close()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	must(t, db.Ping(ctx))
}

// silentSocket is the directory of a socket where nobody answers.
func silentSocket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "silent")
	must(t, err)
	l, err := net.Listen("unix", dir+"/.s.PGSQL.5432")
	must(t, err)
	t.Cleanup(func() { _ = l.Close(); _ = os.RemoveAll(dir) })
	return dir
}
