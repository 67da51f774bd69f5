package bottest_test

import (
	"database/sql"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
)

// It is looked up who is there for a bot that waits, and that takes long. Meanwhile whoever
// runs the bot says that it is in: it was put back into the state in which it was when the
// looking began.
func TestABotThatMovesWhileItIsLookedAtStaysWhereItIs(t *testing.T) {
	t.Parallel()
	dsn := storetest.PostgreSQL(t).URL
	s := newBotStory(t, false, func(set *server.Settings) { set.DatabaseURL = lanyard.NewSecret(dsn) })
	id := s.bot(nil, s.ana).Str("id")
	s.tokens(id, s.ana)
	db, err := sql.Open("pgx", dsn)
	lanyardtest.Must(t)(nil, err)
	defer func() { _ = db.Close() }()
	slow, err := db.BeginTx(t.Context(), nil)
	lanyardtest.Must(t)(nil, err)
	_, err = slow.Exec("LOCK TABLE meetings, attendances IN ACCESS EXCLUSIVE MODE")
	lanyardtest.Must(t)(nil, err)
	s.report(id, "waiting_for_person", map[string]any{"code": "4017", "sdk": "web"})
	looked := func() (n int) {
		lanyardtest.Must(t)(nil, db.QueryRow("SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").Scan(&n))
		return n
	}
	lanyardtest.Within(t, 12*time.Second, "it is looked up who is there", func() bool { return looked() > 0 })
	s.report(id, "joined", map[string]any{"state": "joined"})
	lanyardtest.Must(t)(nil, slow.Rollback())
	leased := func() (n int) {
		lanyardtest.Must(t)(nil, db.QueryRow("SELECT count(*) FROM bots WHERE lease_until > 0").Scan(&n))
		return n
	}
	lanyardtest.Within(t, 12*time.Second, "it has been looked at", func() bool { return leased() == 0 })
	if got := s.OK("GET", "/v1/bots/"+id, nil); got.Str("state") != "joined" {
		t.Errorf("got %v, want it in", got)
	}
}
