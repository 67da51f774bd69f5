package chaostest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard"
)

// crowd connects so many people at one app.
func (c *chaos) crowd(h *hostile, app string, n int) []*round {
	c.T.Helper()
	out := make([]*round, n)
	for i := range out {
		out[i] = c.connect(h, app, newName("person"))
	}
	return out
}

// hours lets time go by for a whole app: its tokens have ended, and everything of
// it is due.
func (c *chaos) hours(r *round, by time.Duration) {
	c.T.Helper()
	for table, key := range map[string]string{"grants": "app_id", "attempts": "app_id", "breakers": "app_id"} {
		var set []string
		for _, column := range r.times(table) {
			set = append(set, fmt.Sprintf("%s = CASE WHEN %[1]s > 0 THEN %[1]s - $1 ELSE 0 END", column))
		}
		c.exec("UPDATE "+table+" SET "+strings.Join(set, ", ")+" WHERE "+key+" = $2", by.Microseconds(), r.app)
	}
	now := time.Now().UnixMicro()
	c.exec(`UPDATE grants SET access_expires = $1, refresh_at = $1 WHERE app_id = $2 AND access_expires > $1`, now-1_000_000, r.app)
}

// marked is how many grants of an app are anything but healthy, and dead how many
// of them are called dead.
func (c *chaos) marked(app string) (marked, dead int) {
	c.T.Helper()
	c.one(&marked, `SELECT count(*) FROM grants WHERE app_id = $1 AND health <> 'healthy'`, app)
	c.one(&dead, `SELECT count(*) FROM grants WHERE app_id = $1 AND health = 'dead'`, app)
	return marked, dead
}

// healthy waits until everybody of an app has a fresh token.
func (c *chaos) healthy(app string, n int, within time.Duration) {
	c.T.Helper()
	var fresh, marked, dead int
	if err := eventually(within, func() bool {
		c.one(&fresh, `SELECT count(*) FROM grants WHERE app_id = $1 AND health = 'healthy' AND access_expires > $2`, app, time.Now().UnixMicro())
		return fresh == n
	}); err != nil {
		marked, dead = c.marked(app)
		c.T.Errorf("after %s %d of %d have a fresh token (%d not healthy, %d dead)", within, fresh, n, marked, dead)
	}
}

// Somebody has changed the app's secret at the provider, and hundreds are due for
// hours: that is nobody's fault but the app's.
func TestAWrongClientSecretMarksNobody(t *testing.T) {
	t.Parallel()
	c := newChaos(t)
	const many = 150
	h := newHostile(t, strict)
	app := c.app(h)
	people := c.crowd(h, app, many)

	neighbour := c.elsewhere(t)
	good := newHostile(t, strict)
	theirs := neighbour.crowd(good, neighbour.app(good), 20)

	now := newToken("secret-")
	h.mu.Lock()
	h.secret = now
	h.mu.Unlock()

	before, began := h.questions(), time.Now()
	const steps = 24 // four hours
	for range steps {
		c.hours(people[0], 10*time.Minute)
		for _, r := range people[:3] {
			a := r.read(2)[1]
			if a.status != http.StatusServiceUnavailable || a.body.Str("code") != "app_misconfigured" {
				t.Fatalf("a caller got %d %v, want to hear that the app's settings are wrong", a.status, a.body)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	calls := h.questions() - before
	t.Logf("%d calls in %d steps of ten minutes with %d due", calls, steps, many)
	if most := 1 + 2*steps + 2*int(time.Since(began)/(30*time.Second)); calls > most { // each probe asks for the secret, and then for one grant
		t.Errorf("%d calls in %d steps of ten minutes with %d due, want %d at most", calls, steps, many, most)
	}
	before = h.questions()
	for range 40 { // and within half a minute none but one
		people[0].read(1)
	}
	if n := h.questions() - before; n > 2 {
		t.Errorf("40 callers within seconds caused %d calls, want one probe", n)
	}
	if marked, dead := c.marked(app); marked+dead > 0 {
		t.Errorf("%d marked, %d called dead; want none", marked, dead)
	}
	neighbour.hours(theirs[0], time.Hour)
	var took []time.Duration
	for _, r := range theirs {
		a := r.read(1)[0]
		if took = append(took, a.took); a.status != http.StatusOK {
			t.Errorf("in another project: got %d, want a token", a.status)
		}
	}
	if slices.Sort(took); took[len(took)/2] > 3*time.Second {
		t.Errorf("in another project it takes %s to renew, want no wait", took[len(took)/2])
	}

	c.OK("PATCH", "/v1/apps/"+app, map[string]any{"client_secret": now})
	c.healthy(app, many, 90*time.Second)
	for _, r := range people {
		if n := r.told(); n > 0 {
			t.Fatalf("%d events said that %s must act, want none", n, r.person)
		}
	}
	c.quiet(t)
}

// elsewhere is the same world as another project sees it.
func (c *chaos) elsewhere(t *testing.T) *chaos {
	t.Helper()
	project := c.Operator(http.MethodPost, "/v1/operator/projects", map[string]any{"name": "Elsewhere"}).Str("id")
	other := c.in(t)
	other.Key = c.Operator(http.MethodPost, "/v1/operator/keys", map[string]any{"project": project, "scopes": lanyard.Scopes}).Str("credential")
	other.Operator(http.MethodPatch, "/v1/project", map[string]any{"allow_custom_provider": true})
	return other
}

// The client id is another one: the provider says invalid_grant to everybody, as if
// all had revoked at once (RFC 6749 §5.2). However few there are, nobody believes it.
func TestAWrongClientIDCallsNobodyDead(t *testing.T) {
	t.Parallel()
	c := newChaos(t)
	t.Run("apps", func(t *testing.T) {
		for _, many := range []int{2, 4, 6, 60} {
			t.Run(fmt.Sprintf("of %d people", many), func(t *testing.T) {
				t.Parallel()
				c := c.in(t)
				h := newHostile(c.whole, reuseKill)
				app := c.app(h)
				people := c.crowd(h, app, many)
				h.mu.Lock()
				h.bad = func(url.Values) bool { return true }
				h.mu.Unlock()
				for range 18 { // three hours
					c.hours(people[0], 10*time.Minute)
					var wg sync.WaitGroup
					for _, r := range people[:min(many, 8)] {
						wg.Go(func() { r.read(1) })
					}
					wg.Wait()
					people[0].settled()
					if _, dead := c.marked(app); dead > 0 {
						t.Fatalf("%d called dead, want none", dead)
					}
				}
				h.mend()
				c.hours(people[0], 10*time.Minute)
				for end := time.Now().Add(60 * time.Second); time.Now().Before(end); {
					if marked, _ := c.marked(app); marked == 0 {
						break
					}
					c.hours(people[0], 10*time.Minute)
					people[0].read(1)
					time.Sleep(200 * time.Millisecond)
				}
				for _, r := range people {
					if a := r.read(1)[0]; a.status != http.StatusOK {
						t.Errorf("after the fix: got %d %v, want a token", a.status, a.body)
					}
					if n := r.told(); n > 0 {
						t.Errorf("%d events said that %s must act, want none", n, r.person)
					}
				}
			})
		}
	})
	c.quiet(t)
}

// One renewal in a hundred is refused for no reason.
func TestAProviderThatIsWrongOnceInAHundredTimes(t *testing.T) {
	t.Parallel()
	c := newChaos(t)
	h := newHostile(t, strict)
	app := c.app(h)
	people := c.crowd(h, app, 25)
	n, flaky := 0, 0
	h.mu.Lock()
	h.bad = func(url.Values) bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		if n++; n%100 != 0 {
			return false
		}
		flaky++
		return true
	}
	h.mu.Unlock()
	for range 24 {
		c.hours(people[0], 40*time.Minute)
		var wg sync.WaitGroup
		for _, r := range people {
			wg.Go(func() {
				if a := r.read(1)[0]; a.status != http.StatusOK && a.body.Str("code") != "refresh_unconfirmed" {
					t.Errorf("got %d %v, want a token, or that it is not confirmed", a.status, a.body)
				}
			})
		}
		wg.Wait()
		if _, dead := c.marked(app); dead > 0 {
			t.Fatalf("%d called dead after %d refusals in %d calls, want none", dead, flaky, n)
		}
	}
	if flaky < 4 {
		t.Fatalf("only %d calls were refused", flaky)
	}
	h.mend()
	c.hours(people[0], 40*time.Minute)
	for _, r := range people {
		if a := r.read(1)[0]; a.status != http.StatusOK || r.told() > 0 {
			t.Errorf("got %d %v and %d events, want a token", a.status, a.body, r.told())
		}
	}
	for _, f := range h.faults() {
		t.Error(f)
	}
}

// One person withdraws access at the provider, and the others do not.
func TestWhoHasWithdrawnIsToldTruly(t *testing.T) {
	t.Parallel()
	c := newChaos(t)
	for _, class := range classes {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			c := c.in(t)
			h := newHostile(c.whole, class)
			app := c.app(h)
			people := c.crowd(h, app, 4)
			gone := people[0]
			h.revoke(gone.person)
			c.hours(gone, time.Hour)
			for _, r := range people[1:] {
				if a := r.read(1)[0]; a.status != http.StatusOK {
					t.Errorf("another person: got %d %v, want a token", a.status, a.body)
				}
			}
			first := gone.read(1)[0]
			if wait, _ := first.body["retry_after"].(float64); first.body.Str("code") != "refresh_unconfirmed" || wait < 60 || first.body.Str("reconnect_url") == "" {
				t.Errorf("one refusal: got %d %v, want it unconfirmed, to come again in a minute, and a link", first.status, first.body)
			}
			gone.alive("after one refusal")
			for range 4 {
				c.hours(gone, 2*time.Minute)
				for _, r := range people {
					r.read(1)
				}
			}
			status, reason := gone.state()
			if status != "needs_reauth" || reason != "user_revoked" || gone.told() != 1 {
				t.Errorf("got %s (%s) and %d events, want needs_reauth, user_revoked, 1", status, reason, gone.told())
			}
			last := gone.read(1)[0]
			if last.status != http.StatusConflict || last.body.Str("code") != "user_revoked" || last.body.Str("reconnect_url") == "" {
				t.Errorf("a caller gets %d %v, want the cause and a link", last.status, last.body)
			}
			for _, r := range people[1:] {
				if status, _ := r.state(); status != "active" || r.told() > 0 {
					t.Errorf("another person is %s, with %d events", status, r.told())
				}
			}
			calls := h.count()
			gone.read(3)
			if n := h.count() - calls; n > 0 {
				t.Errorf("what is dead was asked about %d times by callers, want none", n)
			}
		})
	}
}
