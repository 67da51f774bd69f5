package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"lanyard/wire"
)

func TestRefreshIsShownStoppedAndStarted(t *testing.T) {
	p := newPlace(t)
	if out := p.ok("refresh", "status"); !strings.Contains(out, "no server is running here") {
		t.Errorf("got %s, want it said that nothing runs", out)
	}
	p.ok("refresh", "stop") // a stop that is made while nothing runs holds at the start
	p.serve("--listen", "localhost:0")
	if out := p.ok("refresh", "status"); !strings.Contains(out, "stopped by operator") || !strings.Contains(out, "for callers, yes") {
		t.Errorf("got %s, want the stop", out)
	}
	if out := p.ok("refresh", "stop", "--callers"); !strings.Contains(out, "for callers too") {
		t.Errorf("got %s, want callers stopped too", out)
	}
	var st wire.Refresh
	if err := json.Unmarshal([]byte(p.ok("refresh", "start", "--json")), &st); err != nil || st.Stopped != nil || st.Places != 200 || st.Rate != 50 || st.Nodes != 1 {
		t.Errorf("got %+v, %v, want nothing stopped", st, err)
	}
	if out := p.ok("refresh", "status"); !strings.Contains(out, "renews:") || !strings.Contains(out, "yes") || !strings.Contains(out, "0 of 200 on this node") {
		t.Errorf("got %s", out)
	}
}

func TestRefreshStatusSaysWhatHoldsAnAppBack(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	st := wire.Refresh{Places: 200, InFlight: 3, Nodes: 2, OldestDue: &at, Calls: map[string]int64{"ok": 7, "app_error": 1}, Apps: []wire.RefreshApp{
		{App: "app_1", Project: "prj_1", Due: 12, Since: &at, Rate: 12.5, FullRate: 25, PausedUntil: &at, LastOutcome: "throttled", LastAt: &at},
		{App: "app_2", Project: "prj_1", Due: 10_000, Since: &at, Breaker: &wire.AppBreaker{State: "open", Reason: "app_misconfigured", Error: "invalid_client", OpenedAt: at, ProbeAt: at}},
		{App: "app_3", Project: "prj_2", Breaker: &wire.AppBreaker{State: "wary", OpenedAt: at}, Rate: 25, FullRate: 25},
	}, Hosts: []wire.RefreshHost{{Host: "zoom.us", Row: 9, Until: at}}}
	var b strings.Builder
	printRefresh(&b, st, false)
	for _, want := range []string{"since 2026-03-01 12:00:00Z", "3 of 200", "app_error 1, ok 7", "12.5 of 25", "the provider asks to wait until",
		"app_misconfigured (invalid_client) since", "watched since", "throttled 12:00:00", "zoom.us has not answered 9 times in a row"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("got\n%s\nwant %q in it", b.String(), want)
		}
	}
}
