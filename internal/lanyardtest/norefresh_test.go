package lanyardtest_test

import (
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
)

// A provider gave no refresh token. The connection used to be shown as active for ever
// after its access token had ended; it ends with it, is told once, by its cause, and
// nobody is called for it. Connecting again mends it.
func TestWithoutARefreshTokenAConnectionEndsWithItsAccessToken(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		c := w.Connect(app, "u", "ana")
		before := lanyardtest.Renewals(w)
		ends := time.Now().Add(2 * time.Second).UnixMicro()
		w.SQL(`UPDATE grants SET has_refresh = 0, access_expires = $1, refresh_at = 1`, ends)
		var planned int64
		lanyardtest.Within(t, 10*time.Second, "a plan for its end", func() bool {
			w.One(&planned, `SELECT refresh_at FROM grants`)
			return planned != 1
		})
		if s := lanyardtest.StatusOf(w, c); planned == ends && s != "active" {
			t.Errorf("got %s while its token lives, want active", s)
		}
		lanyardtest.Within(t, 10*time.Second, "the end", func() bool { return lanyardtest.StatusOf(w, c) == "needs_reauth" })
		if is := w.OK("GET", "/v1/connections/"+c.Str("id"), nil); is.Str("reason") != "no_refresh_token" || is.Str("reconnect_url") == "" {
			t.Errorf("got %v, want the cause and a link", is)
		}
		if status, e := w.Call(w.Key, "POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{}); status != 409 || e.Str("code") != "no_refresh_token" || e.Str("reconnect_url") == "" {
			t.Errorf("a read got %d %v, want 409 no_refresh_token with a link", status, e)
		}
		time.Sleep(1500 * time.Millisecond)
		var told int
		if w.One(&told, `SELECT count(*) FROM events WHERE type = 'connection.needs_reauth'`); told != 1 {
			t.Errorf("%d events said so, want 1", told)
		}
		if n := lanyardtest.Renewals(w); n != before {
			t.Errorf("the provider was called %d times", n-before)
		}
		w.Connect(app, "u", "ana")
		if s := lanyardtest.StatusOf(w, c); s != "active" {
			t.Errorf("connected again, it is %s", s)
		}
	})
}
