package lanyardtest_test

import (
	"strings"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/server"
)

// within waits for something that is to become true by itself.
func within(t *testing.T, d time.Duration, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, d)
		}
	}
}

// makeDue is as if the time for every grant's renewal had come.
func makeDue(w *lanyardtest.World) {
	w.T.Helper()
	w.SQL(`UPDATE grants SET refresh_at = 1, rank = 2`)
}

func TestWhatIsDueIsRenewedWithoutAnybodyAsking(t *testing.T) {
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		c := w.Connect(app, "u", "ana")
		w.Connect(app, "v", "ben")
		first := tokenOf(w, c).Str("fingerprint")
		makeDue(w)
		within(t, 10*time.Second, "two renewals", func() bool { return renewals(w) == 2 })
		within(t, 5*time.Second, "a fresh token", func() bool { return tokenOf(w, c).Str("fingerprint") != first })
		var st lanyardtest.JSON
		within(t, 5*time.Second, "everything done", func() bool {
			st = w.Operator("GET", "/v1/operator/refresh", nil)
			return st["in_flight"] == 0.0 && st["oldest_due"] == nil
		})
		apps := st.List("apps")
		if len(apps) != 1 || apps[0].Str("app_id") != app || apps[0].Str("last_outcome") != "ok" || apps[0]["due"] != 0.0 || apps[0]["full_rate"] != 50.0 ||
			st["calls"].(map[string]any)["ok"] != 2.0 || st["stopped"] != nil {
			t.Errorf("got %v, want two calls that went well", st)
		}
		time.Sleep(1500 * time.Millisecond)
		if n := renewals(w); n != 2 {
			t.Errorf("got %d renewals, want no more than were due", n)
		}
	})
}

func TestTheOperatorStopsRenewalsAndStartsThem(t *testing.T) {
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		c := w.Connect(w.Zoom(), "u", "ana")
		w.Fails("operator_only", "POST", "/v1/operator/refresh/stop", map[string]any{})
		w.Fails("operator_only", "GET", "/v1/operator/refresh", nil)
		if st := w.Operator("POST", "/v1/operator/refresh/stop", map[string]any{}); st.Str("stopped.by") != "operator" || st.Str("stopped.at") == "" {
			t.Errorf("got %v, want it said who has stopped what", st)
		}
		time.Sleep(1500 * time.Millisecond) // for the last look before
		makeDue(w)
		time.Sleep(3 * time.Second)
		if n := renewals(w); n != 0 {
			t.Fatalf("got %d renewals while it was stopped", n)
		}
		w.Expire(-5)
		tokenOf(w, c) // who asks is served
		if n := renewals(w); n != 1 {
			t.Errorf("got %d renewals for a caller, want 1", n)
		}
		w.Operator("POST", "/v1/operator/refresh/stop", map[string]any{"callers": true})
		within(t, 5*time.Second, "callers refused", func() bool {
			w.Expire(-5)
			status, out := w.Call(w.Key, "POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
			return status == 503 && out.Str("code") == "refresh_failed" && out["retry_after"] != nil
		})
		before := renewals(w)
		makeDue(w)
		if st := w.Operator("POST", "/v1/operator/refresh/start", nil); st["stopped"] != nil {
			t.Errorf("got %v, want nothing stopped", st)
		}
		within(t, 10*time.Second, "renewals again", func() bool { return renewals(w) == before+1 })
		var stops, starts int
		w.One(&stops, `SELECT count(*) FROM entries WHERE what = 'refresh.stopped' AND outcome = 'ok'`)
		w.One(&starts, `SELECT count(*) FROM entries WHERE what = 'refresh.started'`)
		if stops != 2 || starts != 1 {
			t.Errorf("got %d stops and %d starts in the log, want 2 and 1", stops, starts)
		}
	})
}

func TestANodeWithTheSettingRenewsNothingOnItsOwn(t *testing.T) {
	w := lanyardtest.New(t, func(s *server.Settings) { s.RefreshStop, s.MetricsListen = true, "127.0.0.1:0" })
	w.Connect(w.Zoom(), "u", "ana")
	makeDue(w)
	time.Sleep(3 * time.Second)
	st := w.Operator("GET", "/v1/operator/refresh", nil)
	if n := renewals(w); n != 0 || st.Str("stopped.by") != "refresh_stop" || st.Str("oldest_due") == "" {
		t.Errorf("got %d renewals and %v, want none, and why", n, st)
	}
	if apps := st.List("apps"); len(apps) != 1 || apps[0]["due"] != 1.0 || !strings.HasPrefix(apps[0].Str("project_id"), "prj_") {
		t.Errorf("got %v, want one grant due", apps)
	}
}
