package chaostest_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
)

// chaos is one world, for any number of hostile providers.
type chaos struct {
	*lanyardtest.World
	db    *sql.DB
	whole testing.TB // the test that the world belongs to
	later *later
}

func newChaos(t testing.TB, options ...lanyardtest.Option) *chaos {
	t.Helper()
	w := lanyardtest.New(t, options...)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.DataDir, "lanyard.db")+"?_pragma=busy_timeout(20000)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(2)
	t.Cleanup(func() { _ = db.Close() })
	w.OK("PATCH", "/v1/project", map[string]any{"return_urls": []string{lanyardtest.Return}, "display_name": "Harbour Notes"})
	w.Operator("PATCH", "/v1/project", map[string]any{"allow_custom_provider": true})
	return &chaos{World: w, db: db, whole: t, later: &later{}}
}

// in is the same world for a subtest.
func (c *chaos) in(t testing.TB) *chaos {
	return &chaos{World: c.World.In(t), db: c.db, whole: c.whole, later: c.later}
}

// exec changes the database behind the server's back, as time would, and waits
// until its readers have looked again.
func (c *chaos) exec(query string, args ...any) {
	c.T.Helper()
	if _, err := c.db.ExecContext(c.T.Context(), query, args...); err != nil {
		c.T.Fatal(err)
	}
	time.Sleep(lag)
}

// lag is how long a reader of the server may stay in its snapshot, and a little more.
const lag = 25 * time.Millisecond

func (c *chaos) one(to any, query string, args ...any) {
	c.T.Helper()
	if err := c.db.QueryRowContext(c.T.Context(), query, args...).Scan(to); err != nil {
		c.T.Fatalf("%s: %v", query, err)
	}
}

// app registers a hostile provider as the project's own.
func (c *chaos) app(h *hostile) string {
	c.T.Helper()
	return c.OK("POST", "/v1/apps", map[string]any{"provider": "custom", "custom": h.definition(), "scopes": []string{"calls.read"},
		"client_id": h.clientID, "client_secret": h.secret, "redirect_uris": []string{lanyardtest.OwnCallback}}).Str("id")
}

// round is one connection at one hostile provider, and what is done to it.
type round struct {
	*chaos
	h        *hostile
	app      string
	person   string
	cell     string
	id       string // of the connection
	grant    string
	first    string // access token before the harm
	attempts int    // refresh attempts before the harm
}

// connect lets a person connect, by the customer's own callback.
func (c *chaos) connect(h *hostile, app, person string) *round {
	c.T.Helper()
	begin := c.OK("GET", "/v1/authorize-url?"+url.Values{"app_id": {app}, "redirect_uri": {lanyardtest.OwnCallback}, "end_user_id": {person}}.Encode(), nil)
	con := c.OK("POST", "/v1/connections", map[string]any{"app_id": app, "code": person, "state": begin.Str("state"), "redirect_uri": lanyardtest.OwnCallback})
	r := &round{chaos: c, h: h, app: app, person: person, id: con.Str("id")}
	if con.Str("status") != "active" {
		c.T.Fatalf("got %v, want an active connection", con)
	}
	c.one(&r.grant, `SELECT grant_id FROM connections WHERE id = $1`, r.id)
	return r
}

// answer is what a reader of a token gets, and after how long.
type answer struct {
	status int
	body   lanyardtest.JSON
	took   time.Duration
}

// read asks for the token as so many callers at once.
func (r *round) read(callers int) []answer {
	out := make([]answer, callers)
	var wg sync.WaitGroup
	for i := range out {
		wg.Go(func() {
			began := time.Now()
			out[i].status, out[i].body = r.post("/v1/connections/" + r.id + "/token")
			out[i].took = time.Since(began)
		})
	}
	wg.Wait()
	for _, a := range out {
		r.served(a)
	}
	return out
}

// served checks what holds for every answer: a token is the person's own; an error
// is none that sends them away unless the provider really did, says when to come
// again, and comes in time.
func (r *round) served(a answer) {
	r.T.Helper()
	if a.took > patience {
		r.T.Errorf("a caller waited for %s, want at most 10 s", a.took.Round(time.Millisecond))
	}
	if a.status == http.StatusOK {
		if whose := r.h.personOf(a.body.Str("access_token")); whose != r.person {
			r.T.Errorf("the token handed out is %q's, want %q's", whose, r.person)
		}
		return
	}
	raw := r.discreet(a.status, a.body)
	if after, _ := a.body["retry_after"].(float64); a.status == http.StatusServiceUnavailable && (after < 1 || after > 1900) {
		r.T.Errorf("got retry_after %v in %s, want 1 s to half an hour", a.body["retry_after"], raw)
	}
}

// discreet checks that an answer without a token holds nothing secret, and that
// nothing of ours has failed.
func (r *round) discreet(status int, body lanyardtest.JSON) []byte {
	r.T.Helper()
	raw, _ := json.Marshal(body)
	if bytes.Contains(raw, []byte(canary)) || bytes.Contains(raw, []byte(said)) {
		r.T.Errorf("an answer holds a secret or the provider's words: %s", raw)
	}
	if status == http.StatusInternalServerError {
		r.T.Errorf("got %d %s, want no failure of ours", status, raw)
	}
	return raw
}

// patience is ten seconds, and what a busy machine adds.
const patience = 12 * time.Second

// post is Call without an end to the test, for callers beside the test's own goroutine.
func (r *round) post(path string) (int, lanyardtest.JSON) {
	req, err := http.NewRequestWithContext(r.T.Context(), http.MethodPost, r.URL+path, strings.NewReader("{}"))
	if err != nil {
		r.T.Error(err)
		return 0, nil
	}
	req.Header.Set("Authorization", "Bearer "+r.Key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := callers.Do(req)
	if err != nil {
		r.T.Error(err)
		return 0, nil
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	out := lanyardtest.JSON{}
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		r.T.Errorf("%s: %d %.200s: %v", path, resp.StatusCode, raw, err)
	}
	return resp.StatusCode, out
}

// callers keep no connection: net/http may have dialled one that it never used, which
// the server ends after five seconds, at the moment that a POST is sent on it.
var callers = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// due makes the token one that lives for 25 s more, and is to be renewed.
func (r *round) due() {
	r.T.Helper()
	r.exec(`UPDATE grants SET access_expires = $1 WHERE id = $2`, time.Now().UnixMicro()+25_000_000, r.grant)
}

const endToken = `UPDATE grants SET access_expires = $1 WHERE id = $2 AND (access_expires > $1 OR access_expires = 0)`

// end makes the token end now.
func (r *round) end() {
	r.T.Helper()
	r.exec(endToken, time.Now().UnixMicro()-1_000_000, r.grant)
}

// age lets time go by, for this connection and its app, and ends the token. When
// it was renewed last stays: a row that is older than it was is one that somebody
// put back (T14).
func (r *round) age(by time.Duration) {
	r.T.Helper()
	var moves [][2]string
	for table, of := range map[string][2]string{"grants": {"id", r.grant}, "attempts": {"grant_id", r.grant}, "breakers": {"app_id", r.app}} {
		var set []string
		for _, c := range r.times(table) {
			set = append(set, fmt.Sprintf("%s = CASE WHEN %[1]s > 0 THEN %[1]s - $1 ELSE 0 END", c))
		}
		moves = append(moves, [2]string{"UPDATE " + table + " SET " + strings.Join(set, ", ") + " WHERE " + of[0] + " = $2", of[1]})
	}
	tx, err := r.db.BeginTx(r.T.Context(), nil)
	for _, m := range moves {
		if err == nil {
			_, err = tx.ExecContext(r.T.Context(), m[0], by.Microseconds(), m[1])
		}
	}
	if err == nil {
		_, err = tx.ExecContext(r.T.Context(), endToken, time.Now().UnixMicro()-1_000_000, r.grant)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		r.T.Fatal(err)
	}
	time.Sleep(lag)
}

var timesOf sync.Map // table → its columns that hold a time

func (r *round) times(table string) []string {
	if known, ok := timesOf.Load(table); ok {
		return known.([]string)
	}
	rows, err := r.db.QueryContext(r.T.Context(), `SELECT name FROM pragma_table_info($1) WHERE type = 'INTEGER'`, table)
	if err != nil {
		r.T.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			r.T.Fatal(err)
		}
		for _, end := range []string{"_at", "_expires", "_until", "deadline"} {
			if strings.HasSuffix(name, end) && name != "refreshed_at" {
				out = append(out, name)
				break
			}
		}
	}
	if err := rows.Err(); err != nil {
		r.T.Fatal(err)
	}
	timesOf.Store(table, out)
	return out
}

// settled waits until no call of this grant is under way.
func (r *round) settled() {
	r.T.Helper()
	var open int
	if err := eventually(60*time.Second, func() bool {
		r.one(&open, `SELECT count(*) FROM attempts WHERE grant_id = $1 AND ended_at = 0`, r.grant)
		return open == 0
	}); err != nil {
		r.T.Fatalf("a call has not ended after a minute: %v", err)
	}
}

// outcome is what became of the first renewal after the harm; "": there was none.
func (r *round) outcome() (outcome, errorCode string) {
	r.T.Helper()
	err := r.db.QueryRowContext(r.T.Context(), `SELECT outcome, error FROM attempts WHERE grant_id = $1 AND kind = 'refresh' ORDER BY id LIMIT 1 OFFSET $2`,
		r.grant, r.attempts).Scan(&outcome, &errorCode)
	if err != nil && err != sql.ErrNoRows {
		r.T.Fatal(err)
	}
	return outcome, errorCode
}

// state is the connection's status and reason.
func (r *round) state() (status, reason string) {
	r.T.Helper()
	c := r.OK("GET", "/v1/connections/"+r.id, nil)
	return c.Str("status"), c.Str("reason")
}

// alive fails the test when the connection was called dead.
func (r *round) alive(when string) {
	r.T.Helper()
	if status, reason := r.state(); status == "needs_reauth" {
		r.T.Errorf("%s: called dead (%s), and the provider has ended nothing", when, reason)
	}
}

// told is how many events of needs_reauth there are for the connection.
func (r *round) told() (n int) {
	r.T.Helper()
	r.one(&n, `SELECT count(*) FROM events WHERE connection_id = $1 AND type = 'connection.needs_reauth'`, r.id)
	return n
}
