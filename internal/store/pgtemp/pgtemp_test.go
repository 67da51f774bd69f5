package pgtemp_test

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"testing"

	"lanyard/internal/store/pgtemp"
)

func TestAServerAnswersAndLeavesNothing(t *testing.T) {
	if os.Getenv("LANYARD_TEST_POSTGRES") != "" {
		t.Skip("LANYARD_TEST_POSTGRES is set")
	}
	for name, want := range map[string]string{"throw-away": "off", "durable": "on"} {
		t.Run(name, func(t *testing.T) {
			c, err := pgtemp.Start(pgtemp.Config{Durable: want == "on"})
			if errors.Is(err, pgtemp.ErrNoPrograms) && os.Getenv("CI") == "" {
				t.Skip(pgtemp.HowToGet)
			}
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(c.URL("postgres"))
			if err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open("pgx", c.URL("postgres"))
			if err != nil {
				t.Fatal(err)
			}
			var got string
			if err := db.QueryRow("SHOW fsync").Scan(&got); err != nil || got != want {
				t.Errorf("fsync: got %q (%v), want %q", got, err, want)
			}
			if err := errors.Join(db.Close(), c.Close()); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(u.Query().Get("host")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("its directory: got %v, want it gone", err)
			}
		})
	}
}
