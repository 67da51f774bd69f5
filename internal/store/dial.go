package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// connectTime is for one host; the next of the URL comes then.
	connectTime = 5 * time.Second
	// silence is how long a server may leave what we sent unacknowledged, or be
	// asked whether it is there, before the connection counts as dead.
	silence = 15 * time.Second
	// pingTime is for the question whether a connection that was idle still works.
	pingTime = 3 * time.Second
)

// errNotPrimary is a URL that wants a server which does not take changes.
var errNotPrimary = errors.New("target_session_attrs of the database URL must be read-write or primary, or be left out: a token that is read elsewhere than it is written may be an old one")

// poolConfig is the database URL as we use it. Several hosts may be named,
// "host1:5432,host2:5432": the first one is taken that lets us write, at every new
// connection, so that a standby that was promoted is found.
func poolConfig(raw string) (*pgx.ConnConfig, error) {
	c, err := pgx.ParseConfig(raw)
	if err != nil { // the driver's own error has the URL in it, and that a password
		return nil, errors.New(`the URL is not one we can read; it looks like postgres://user:password@host:5432/database?sslmode=verify-full`)
	}
	if c.ValidateConnect == nil || strings.Contains(raw, "target_session_attrs=any") {
		c.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	for _, wants := range []string{"read-only", "standby", "prefer-standby"} {
		if strings.Contains(raw, "target_session_attrs="+wants) {
			return nil, errNotPrimary
		}
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTime
	}
	c.DialFunc = (&net.Dialer{Control: unacknowledged,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: silence / 3, Interval: silence / 3, Count: 2}}).DialContext
	// A server that has become a standby while we are connected refuses to write, and
	// would go on to read what is old.
	c.OnPgError = func(_ *pgconn.PgConn, e *pgconn.PgError) bool { return e.Severity != "FATAL" && e.Code != readOnly }
	return c, nil
}

// readOnly is SQLSTATE read_only_sql_transaction.
const readOnly = "25006"

// newPool makes a pool of connections. One that was idle is asked whether it works
// before it is used, and not for long: a host that is gone does not say so.
func newPool(c *pgx.ConnConfig, size int) *sql.DB {
	pool := stdlib.OpenDB(*c, stdlib.OptionShouldPing(func(_ context.Context, p stdlib.ShouldPingParams) bool {
		if p.IdleDuration <= time.Second {
			return false
		}
		ctx, stop := context.WithTimeout(context.Background(), pingTime)
		defer stop()
		return p.Conn.PgConn().Ping(ctx) != nil // which has closed it: asking again fails at once, and it is passed over
	}))
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return pool
}

// behindPooler says whether what we are connected to is a pooler: the process that
// answers a query is not the one that greeted us. Statements that are prepared by
// name are then another client's, or nobody's.
func behindPooler(ctx context.Context, pool *sql.DB) (is bool, err error) {
	c, err := pool.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = c.Close() }()
	err = c.Raw(func(raw any) error {
		conn := raw.(*stdlib.Conn).Conn().PgConn()
		results, err := conn.Exec(ctx, "SELECT pg_backend_pid()").ReadAll() // the simple protocol
		if err == nil && len(results) == 1 && len(results[0].Rows) == 1 {
			is = string(results[0].Rows[0][0]) != fmt.Sprint(conn.PID())
		}
		return err
	})
	return is, err
}
