package noticetest_test

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
)

// allEvents reads every event there is, oldest first, page by page.
func allEvents(w *lanyardtest.World, filter string) (out []lanyardtest.JSON) {
	w.T.Helper()
	for cursor := ""; ; {
		page := w.OK("GET", "/v1/events?limit=7&type="+filter+"&cursor="+url.QueryEscape(cursor), nil)
		out = append(out, page.List("data")...)
		if cursor = page.Str("next_cursor"); cursor == "" {
			slices.Reverse(out)
			return out
		}
	}
}

// story is what was told of a connection: each event's type, and what it is worth then.
// Each begins where the one before has ended, so that nothing was left out or told twice.
func story(w *lanyardtest.World, c lanyardtest.JSON) (out []string) {
	w.T.Helper()
	last := ""
	for _, e := range allEvents(w, "connection.*") {
		if e.Str("connection_id") != c.Str("id") {
			continue
		}
		is := strings.TrimPrefix(e.Str("type"), "connection.")
		if was := e.Str("data.was"); was != last && is != "expiring" {
			w.T.Errorf("%s begins with %q, and the event before has ended with %q: %v", is, was, last, e)
		}
		if last = e.Str("data.status"); last == "" || e.Str("data.provider") != "zoom" {
			w.T.Errorf("got %v, want a status and a provider", e)
		}
		out = append(out, is+":"+last)
	}
	return out
}

// Each move that a connection can make, played at the pretend Zoom, with two people of
// the customer's who hold the same account, and one who has nothing to do with it. All
// are told exactly what concerns them, in order, and once.
func TestEveryMoveIsToldOnce(t *testing.T) {
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app, client := hooked(w)
		one, two, ben := w.Connect(app, "u1", "ana"), w.Connect(app, "u2", "ana"), w.Connect(app, "u3", "ben")
		stories := map[string][]string{one.Str("id"): {"created:active"}, two.Str("id"): {"created:active"}, ben.Str("id"): {"created:active"}}
		now := func(what string, of lanyardtest.JSON, want ...string) {
			t.Helper()
			stories[of.Str("id")] = append(stories[of.Str("id")], want...)
			full := stories[of.Str("id")]
			var got []string
			for end := time.Now().Add(15 * time.Second); time.Now().Before(end) && !slices.Equal(got, full); time.Sleep(50 * time.Millisecond) {
				if got = story(w, of); len(got) > len(full) {
					break
				}
			}
			if !slices.Equal(got, full) {
				t.Fatalf("%s: got %q, want %q", what, got, full)
			}
		}
		both := func(what string, want ...string) {
			t.Helper()
			now(what, one, want...)
			now(what, two, want...)
		}
		renew := func() {
			t.Helper()
			w.SQL(`UPDATE grants SET access_expires = $1, retry_at = 0 WHERE id = (SELECT grant_id FROM connections WHERE id = $2)`,
				time.Now().Add(-5*time.Second).UnixMicro(), two.Str("id"))
			w.SQL(`UPDATE attempts SET ended_at = ended_at - 360000000, started_at = started_at - 360000000 WHERE ended_at > 0`)
			w.Call(w.Key, "POST", lanyardtest.TokenPath(two), map[string]any{})
		}
		bar := func() {
			t.Helper()
			if got := notify(w, sandbox.Notice{Client: client, Event: "user.deactivated", Person: "ana"}); !slices.Equal(got, []int{204}) {
				t.Fatalf("got %v, want the notice taken", got)
			}
			settled(t, w)
		}
		reconnect := func(c lanyardtest.JSON) {
			t.Helper()
			link := w.OK("POST", "/v1/connections/"+c.Str("id")+"/reconnect", map[string]any{"return_url": lanyardtest.Return})
			if at := w.Browser().Consent(link.Str("connect_url"), "ana"); at.Query().Get("lanyard_connection") != c.Str("id") {
				t.Fatalf("got %s, want the connection back", at)
			}
		}
		pause := func(c lanyardtest.JSON, is bool) {
			t.Helper()
			w.OK("PATCH", "/v1/connections/"+c.Str("id"), map[string]any{"paused": is})
		}

		// Renewing fails for a cause that is not hers, for longer than once, and works again.
		lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token", GrantType: "refresh_token"}, Action: "status", Status: 503}))
		renew()
		both("the provider is down", "degraded:degraded")
		renew()
		renew()
		both("it is still down")
		w.Sandbox.RemoveFault("")
		renew()
		both("it is back", "recovered:active")

		// The provider says that the account cannot be used, and takes that back.
		bar()
		both("barred", "needs_reauth:needs_reauth")
		bar()
		both("barred again")
		w.SQL(`UPDATE grants SET refresh_at = 1 WHERE health = 'dead'`)
		both("it was tried quietly", "recovered:active")

		// One of them connects again: first where nothing was wrong, then for both.
		reconnect(one)
		now("connected again", one, "reconnected:active")
		now("the other holds it as before", two)
		bar()
		both("barred", "needs_reauth:needs_reauth")
		reconnect(two)
		now("connected again", two, "reconnected:active")
		now("by the other", one, "recovered:active")

		// A pause is a thing of one of them, and hides what happens meanwhile.
		pause(one, true)
		pause(one, true)
		now("paused", one, "paused:paused")
		now("not the other", two)
		bar()
		now("barred", two, "needs_reauth:needs_reauth")
		now("barred while paused", one)
		pause(one, false)
		pause(one, false)
		now("resumed", one, "resumed:needs_reauth")
		reconnect(two)
		now("connected again", two, "reconnected:active")
		now("by the other", one, "recovered:active")

		// Scopes come and go with renewals.
		scopes := func(list ...string) {
			t.Helper()
			lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token", GrantType: "refresh_token"}, Action: "status", Status: 200, Times: 1,
				Body: `{"access_token":"a","refresh_token":"r","token_type":"bearer","expires_in":3600,"scope":"` + strings.Join(list, " ") + `"}`}))
			renew()
		}
		all := lanyardtest.ZoomScopes
		scopes(all[1:]...)
		both("one is gone", "partial:partial")
		scopes(all[2:]...)
		both("another is gone", "scopes_changed:partial")
		scopes(all[2:]...)
		both("the same are gone")
		scopes(all...)
		both("all are back", "scopes_changed:active")
		for _, e := range allEvents(w, "connection.partial") {
			if e.Str("data.scopes_missing") != all[0] || e.Str("data.lost") != all[0] || e.Str("data.gained") != "" {
				t.Errorf("got %v, want the scope that is missing", e)
			}
		}
		scopes(append(slices.Clone(all), "recording:read:admin")...)
		both("more than was asked for", "scopes_changed:active")
		if told := allEvents(w, "security.*"); len(told) != 2 || told[0].Str("type") != "security.granted_beyond_request" {
			t.Errorf("got %v, want an alert for each", told)
		}

		// One lets go; then she takes the app out of her Zoom.
		w.OK("DELETE", "/v1/connections/"+one.Str("id"), nil)
		w.Fails("connection_revoked", "DELETE", "/v1/connections/"+one.Str("id"), nil)
		now("deleted", one, "deleted:revoked")
		now("the other goes on", two)
		if got := notify(w, sandbox.Notice{Client: client, Event: "app_deauthorized", Person: "ana"}); !slices.Equal(got, []int{204}) {
			t.Fatalf("got %v, want the notice taken", got)
		}
		settled(t, w)
		now("deauthorized", two, "revoked:revoked")
		now("deleted long ago", one)
		now("somebody else", ben)
		w.OK("DELETE", "/v1/connections/"+ben.Str("id"), nil)
		now("deleted", ben, "deleted:revoked")

		ends := map[string]string{}
		for _, e := range allEvents(w, "connection.*") {
			if e.Str("data.status") == "revoked" {
				ends[e.Str("connection_id")] = e.Str("data.by") + " " + e.Str("data.last_hold")
			}
		}
		if ends[one.Str("id")] != "customer no" || ends[two.Str("id")] != "provider " || ends[ben.Str("id")] != "customer yes" {
			t.Errorf("got %v, want who has ended it, and whether somebody else holds it", ends)
		}
		for _, wrong := range []string{"connection.updated", "security.alert", "connection", "*"} {
			w.Fails("invalid_request", "GET", "/v1/events?type="+url.QueryEscape(wrong), nil)
		}
	})
}

// A consent that gives what was missing is told with what it has brought.
func TestAReconnectSaysWhatItHasGained(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	c := w.Connect(app, "u", "ana")
	w.SQL(`UPDATE grants SET scopes = '["user:read:user"]'`)
	w.Connect(app, "u", "ana")
	got := allEvents(w, "connection.*")
	last := got[len(got)-1]
	if len(got) != 2 || last.Str("type") != "connection.reconnected" || last.Str("connection_id") != c.Str("id") || last.Str("data.was") != "partial" ||
		last.Str("data.status") != "active" || len(strings.Fields(last.Str("data.gained"))) != len(lanyardtest.ZoomScopes)-1 || last.Str("data.session") == "" {
		t.Errorf("got %v, want it reconnected, with what it has gained", got)
	}
}

// A refresh token will die although everything works: its life was set at the consent,
// and no renewal moves it. Both who hold it are told, once, on whichever node, and a new consent is told when its own end is near.
func TestARefreshTokenThatWillDieIsToldOnce(t *testing.T) {
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		one, two, ben := w.Connect(app, "u1", "ana"), w.Connect(app, "u2", "ana"), w.Connect(app, "u3", "ben")
		var armed, known int
		w.One(&armed, `SELECT count(*) FROM grants WHERE expiring_at > 0`)
		if w.One(&known, `SELECT count(*) FROM grants WHERE refresh_expires > 0`); armed != 2 || known != 2 {
			t.Fatalf("got %d of %d known ends to be told, want both", armed, known)
		}
		time.Sleep(500 * time.Millisecond) // the task runs all the time, by its scale
		if told := allEvents(w, "connection.expiring"); len(told) > 0 {
			t.Fatalf("got %v, and a renewal is to come", told)
		}
		var ana string
		w.One(&ana, `SELECT grant_id FROM connections WHERE id = '`+one.Str("id")+`'`)
		ends := time.Now().Add(4 * time.Minute).Truncate(time.Second)
		near := func() {
			w.SQL(`UPDATE grants SET refresh_expires = $1, expiring_at = $2, refreshed_at = $3 WHERE id = $4`,
				ends.UnixMicro(), time.Now().Add(-time.Minute).UnixMicro(), time.Now().UnixMicro(), ana)
		}
		near()
		lanyardtest.Eventually(t, func() bool { return len(allEvents(w, "connection.expiring")) == 2 }, "both are told")
		if !w.Settings.DatabaseURL.Empty() {
			lanyardtest.Second(t, w)
		}
		time.Sleep(time.Second)
		told := allEvents(w, "connection.expiring")
		who := map[string]bool{}
		for _, e := range told {
			who[e.Str("connection_id")] = true
			if e.Str("data.expires_at") != ends.UTC().Format(time.RFC3339) || e.Str("data.status") != "active" {
				t.Errorf("got %v, want when it dies", e)
			}
		}
		if len(told) != 2 || !who[one.Str("id")] || !who[two.Str("id")] || who[ben.Str("id")] {
			t.Errorf("got %v, want one for each who holds it", told)
		}
		link := w.OK("POST", "/v1/connections/"+one.Str("id")+"/reconnect", map[string]any{"return_url": lanyardtest.Return})
		w.Browser().Consent(link.Str("connect_url"), "ana")
		near()
		lanyardtest.Eventually(t, func() bool { return len(allEvents(w, "connection.expiring")) == 4 }, "the end of the new consent is told")
	}, func(s *server.Settings) { s.TimeScale = 1000 })
}

// A notice that the account cannot be used comes while its token is being renewed. What
// the renewal brings used to make the connection work again without a word, and what it
// did not bring used to undo what had just been told.
func TestANoticeDuringARenewal(t *testing.T) {
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app, client := hooked(w)
		for _, tc := range []struct {
			person string
			fault  sandbox.Fault
			want   []string
		}{
			{"ana", sandbox.Fault{Action: "delay", AfterCommit: true}, []string{"created:active", "needs_reauth:needs_reauth", "recovered:active"}},
			{"ben", sandbox.Fault{Action: "status", Status: 503}, []string{"created:active", "needs_reauth:needs_reauth"}},
		} {
			c := w.Connect(app, "u-"+tc.person, tc.person)
			tc.fault.Match, tc.fault.DelayMS, tc.fault.Times = sandbox.Match{Endpoint: "token", GrantType: "refresh_token"}, 3000, 1
			lanyardtest.Must(t)(w.Sandbox.AddFault(tc.fault))
			w.SQL(`UPDATE grants SET access_expires = $1 WHERE id = (SELECT grant_id FROM connections WHERE id = $2)`,
				time.Now().Add(10*time.Second).UnixMicro(), c.Str("id"))
			lanyardtest.TokenOf(w, c) // waits for a moment only
			open := func() (n int) {
				w.One(&n, `SELECT count(*) FROM attempts WHERE ended_at = 0`)
				return n
			}
			if open() != 1 {
				t.Fatalf("%s: got %d renewals under way, want one", tc.person, open())
			}
			if got := notify(w, sandbox.Notice{Client: client, Event: "user.deactivated", Person: tc.person}); !slices.Equal(got, []int{204}) {
				t.Fatalf("got %v, want the notice taken", got)
			}
			settled(t, w)
			if s := lanyardtest.StatusOf(w, c); s != "needs_reauth" {
				t.Errorf("%s: got %s after the notice, want needs_reauth", tc.person, s)
			}
			lanyardtest.Eventually(t, func() bool { return open() == 0 }, "the renewal ends")
			lanyardtest.Eventually(t, func() bool { return len(story(w, c)) == len(tc.want) }, "all is told")
			if got := story(w, c); !slices.Equal(got, tc.want) || !strings.HasSuffix(tc.want[len(tc.want)-1], ":"+lanyardtest.StatusOf(w, c)) {
				t.Errorf("%s: got %q and %s, want %q", tc.person, got, lanyardtest.StatusOf(w, c), tc.want)
			}
		}
	})
}

// Both who hold a connection's row at a moment, on two nodes: it is let go of while it is
// paused and resumed, as fast as they can. What is gone stays gone, and all of it was
// told in its order.
func TestADeletionIsNotUndoneByAPause(t *testing.T) {
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		ask := []func(string, string, any) (int, lanyardtest.JSON){func(method, path string, body any) (int, lanyardtest.JSON) {
			return w.Call(w.Key, method, path, body)
		}}
		if !w.Settings.DatabaseURL.Empty() {
			ask = append(ask, lanyardtest.Second(t, w))
		}
		for range 5 {
			c := w.Connect(app, "u", "ana")
			path := "/v1/connections/" + c.Str("id")
			var all sync.WaitGroup
			for i := range 6 {
				all.Go(func() {
					for n := range 6 {
						_, _ = ask[i%len(ask)]("PATCH", path, map[string]any{"paused": n%2 == i%2})
					}
				})
			}
			all.Go(func() {
				if status, out := ask[len(ask)-1]("DELETE", path, nil); status != 200 {
					t.Errorf("got %d %v, want it deleted", status, out)
				}
			})
			all.Wait()
			told := story(w, c)
			if s := lanyardtest.StatusOf(w, c); s != "revoked" || told[len(told)-1] != "deleted:revoked" {
				t.Errorf("got %s, after %q", s, told)
			}
		}
	})
}
