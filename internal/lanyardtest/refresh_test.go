package lanyardtest_test

import (
	"strings"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
)

// makeDue is as if the time for every grant's renewal had come.
func makeDue(w *lanyardtest.World) {
	w.T.Helper()
	w.SQL(`UPDATE grants SET refresh_at = 1, rank = 2`)
}

func TestWhatIsDueIsRenewedWithoutAnybodyAsking(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		c := w.Connect(app, "u", "ana")
		w.Connect(app, "v", "ben")
		first := lanyardtest.TokenOf(w, c).Str("fingerprint")
		makeDue(w)
		lanyardtest.Within(t, 10*time.Second, "two renewals", func() bool { return lanyardtest.Renewals(w) == 2 })
		lanyardtest.Within(t, 5*time.Second, "a fresh token", func() bool { return lanyardtest.TokenOf(w, c).Str("fingerprint") != first })
		var st lanyardtest.JSON
		lanyardtest.Within(t, 5*time.Second, "everything done", func() bool {
			st = w.Operator("GET", "/v1/operator/refresh", nil)
			return st["in_flight"] == 0.0 && st["oldest_due"] == nil
		})
		apps := st.List("apps")
		if len(apps) != 1 || apps[0].Str("app_id") != app || apps[0].Str("last_outcome") != "ok" || apps[0]["due"] != 0.0 || apps[0]["full_rate"] != 50.0 ||
			st["calls"].(map[string]any)["ok"] != 2.0 || st["stopped"] != nil {
			t.Errorf("got %v, want two calls that went well", st)
		}
		time.Sleep(1500 * time.Millisecond)
		if n := lanyardtest.Renewals(w); n != 2 {
			t.Errorf("got %d renewals, want no more than were due", n)
		}
		text := lanyardtest.Metrics(w)
		for _, want := range []string{`lanyard_refresh_total{class="strict",outcome="ok"} 2`, "lanyard_refresh_inflight 0", "lanyard_refresh_stopped 0",
			"lanyard_refresh_apps_due 0", `lanyard_breaker_state{state="open"} 0`} {
			if !strings.Contains(text, want+"\n") {
				t.Errorf("got no %s in the metrics", want)
			}
		}
	})
}

// A person takes the app out of their account: one grant is lost, with its cause.
func TestALostGrantIsCountedByItsCause(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	c := w.Connect(w.Zoom(), "u", "ana")
	w.SQL(`UPDATE grants SET access_expires = $1`, time.Now().Add(time.Hour).UnixMicro())
	lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "status", Status: 400,
		Body: `{"error":"invalid_grant"}`}))
	tries := func() (n int) {
		w.One(&n, `SELECT count(*) FROM attempts WHERE kind = 'refresh' AND ended_at > 0`)
		return n
	}
	for range 8 { // two or three refusals that lie far enough apart
		w.SQL(`UPDATE attempts SET started_at = started_at - 900000000, deadline = deadline - 900000000, ended_at = ended_at - 900000000 WHERE ended_at > 0`)
		before := tries()
		w.SQL(`UPDATE grants SET refresh_at = 1, retry_at = 0, rejected_at = CASE WHEN rejected_at > 0 THEN rejected_at - 900000000 ELSE 0 END`)
		lanyardtest.Within(t, 10*time.Second, "another try", func() bool { return tries() > before })
		if lanyardtest.StatusOf(w, c) == "needs_reauth" {
			break
		}
	}
	if s := lanyardtest.StatusOf(w, c); s != "needs_reauth" {
		t.Fatalf("got %s, want needs_reauth", s)
	}
	reason := w.OK("GET", "/v1/connections/"+c.Str("id"), nil).Str("reason")
	if text := lanyardtest.Metrics(w); !strings.Contains(text, `lanyard_grants_lost_total{cause="`+reason+`"} 1`) || !strings.Contains(text, `outcome="rejected"`) {
		t.Errorf("got no count of a grant lost for %q", reason)
	}
}

func TestTheOperatorStopsRenewalsAndStartsThem(t *testing.T) {
	t.Parallel()
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
		if n := lanyardtest.Renewals(w); n != 0 {
			t.Fatalf("got %d renewals while it was stopped", n)
		}
		w.Expire(-5)
		lanyardtest.TokenOf(w, c) // who asks is served
		if n := lanyardtest.Renewals(w); n != 1 {
			t.Errorf("got %d renewals for a caller, want 1", n)
		}
		w.Operator("POST", "/v1/operator/refresh/stop", map[string]any{"callers": true})
		lanyardtest.Within(t, 5*time.Second, "callers refused", func() bool {
			w.Expire(-5)
			status, out := w.Call(w.Key, "POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
			return status == 503 && out.Str("code") == "refresh_failed" && out["retry_after"] != nil
		})
		before := lanyardtest.Renewals(w)
		makeDue(w)
		if st := w.Operator("POST", "/v1/operator/refresh/start", nil); st["stopped"] != nil {
			t.Errorf("got %v, want nothing stopped", st)
		}
		lanyardtest.Within(t, 10*time.Second, "renewals again", func() bool { return lanyardtest.Renewals(w) == before+1 })
		var stops, starts int
		w.One(&stops, `SELECT count(*) FROM entries WHERE what = 'refresh.stopped' AND outcome = 'ok'`)
		w.One(&starts, `SELECT count(*) FROM entries WHERE what = 'refresh.started'`)
		if stops != 2 || starts != 1 {
			t.Errorf("got %d stops and %d starts in the log, want 2 and 1", stops, starts)
		}
	})
}

func TestANodeWithTheSettingRenewsNothingOnItsOwn(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t, func(s *server.Settings) { s.RefreshStop, s.MetricsListen = true, "127.0.0.1:0" })
	w.Connect(w.Zoom(), "u", "ana")
	makeDue(w)
	time.Sleep(3 * time.Second)
	st := w.Operator("GET", "/v1/operator/refresh", nil)
	if n := lanyardtest.Renewals(w); n != 0 || st.Str("stopped.by") != "refresh_stop" || st.Str("oldest_due") == "" {
		t.Errorf("got %d renewals and %v, want none, and why", n, st)
	}
	if apps := st.List("apps"); len(apps) != 1 || apps[0]["due"] != 1.0 || !strings.HasPrefix(apps[0].Str("project_id"), "prj_") {
		t.Errorf("got %v, want one grant due", apps)
	}
}
