package storetest

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/pgtemp"
)

// cluster is a PostgreSQL server: ours, or the one that was named to us.
type cluster struct {
	admin    *sql.DB
	url      func(database string) string
	template string // a migrated database to copy; empty: none
	copyWord string
	stop     io.Closer // closing it ends a server of ours, as does the end of this process
}

// A test binary has one cluster, for as long as it runs.
var theCluster = sync.OnceValues(startCluster)

const howToGet = pgtemp.HowToGet + `,
or LANYARD_TEST_POSTGRES to the URL of a server where we may make databases.
Without them these tests are skipped, unless CI is set; "off" skips them always.`

// newDatabase makes a database that goes when the test ends, and returns its URL.
func newDatabase(t testing.TB, migrated bool) string {
	t.Helper()
	if os.Getenv("LANYARD_TEST_POSTGRES") == "off" {
		t.Skip("LANYARD_TEST_POSTGRES=off")
	}
	c, err := theCluster()
	if errors.Is(err, pgtemp.ErrNoPrograms) && os.Getenv("CI") == "" {
		t.Skipf("%v\n%s", err, howToGet)
	}
	if err != nil {
		t.Fatalf("start PostgreSQL: %v\n%s", err, howToGet)
	}
	ctx := context.Background()
	name := lanyard.NewID[string]("t_")
	make := "CREATE DATABASE " + name
	if migrated && c.template != "" {
		make += " TEMPLATE " + c.template + c.copyWord
	}
	if _, err := c.admin.ExecContext(ctx, make); err != nil {
		t.Fatalf("make database: %v", err)
	}
	t.Cleanup(func() {
		if _, err := c.admin.ExecContext(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return c.url(name)
}

func startCluster() (*cluster, error) {
	if dsn := os.Getenv("LANYARD_TEST_POSTGRES"); dsn != "" {
		u, err := url.Parse(dsn)
		if err != nil {
			return nil, errors.New("LANYARD_TEST_POSTGRES is not a URL")
		}
		admin, err := connect(dsn)
		if err != nil {
			return nil, err
		}
		return &cluster{admin: admin, url: func(database string) string {
			mine := *u
			mine.Path = "/" + database
			return mine.String()
		}}, nil
	}
	own, err := pgtemp.Start(pgtemp.Config{})
	if err != nil {
		return nil, err
	}
	admin, err := connect(own.URL("postgres"))
	if err != nil {
		return nil, errors.Join(err, own.Close())
	}
	c := &cluster{admin: admin, url: own.URL, stop: own}
	if err := c.makeTemplate(); err != nil {
		return nil, errors.Join(err, c.stop.Close())
	}
	return c, nil
}

func connect(dsn string) (*sql.DB, error) {
	admin, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, err
	}
	admin.SetMaxIdleConns(1)
	if err := admin.Ping(); err != nil {
		return nil, errors.Join(err, admin.Close())
	}
	return admin, nil
}

// makeTemplate migrates a database once, so that each test copies it in the time
// of a file copy. The copies must not share the id of an instance.
func (c *cluster) makeTemplate() error {
	ctx := context.Background()
	if _, err := c.admin.ExecContext(ctx, "CREATE DATABASE template_lanyard"); err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Config{URL: c.url("template_lanyard"), Version: Version, MaxConns: 2})
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	inside, err := connect(c.url("template_lanyard"))
	if err != nil {
		return err
	}
	_, err = inside.ExecContext(ctx, "DELETE FROM meta WHERE key = 'instance_id'")
	if err := errors.Join(err, inside.Close()); err != nil {
		return err
	}
	var version string
	if err := c.admin.QueryRowContext(ctx, "SHOW server_version_num").Scan(&version); err != nil {
		return err
	}
	if n, err := strconv.Atoi(strings.TrimSpace(version)); err == nil && n >= 150000 {
		c.copyWord = " STRATEGY file_copy"
	}
	c.template = "template_lanyard"
	return nil
}
