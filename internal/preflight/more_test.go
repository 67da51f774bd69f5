package preflight_test

import (
	"strings"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// All of it is proved, and then one thing after the other is not.
func TestYes(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.OK("PATCH", "/v1/apps/"+s.app, map[string]any{"published": "yes"})
	s.present("ana", true, "present")
	out := s.ask(nil)
	if out.Str("can") != "yes" || out.Str("best_connection_id") != s.ana.Str("id") || !strings.Contains(out.Str("summary"), "Ana Torres") {
		t.Errorf("got %v, want yes, on behalf of Ana", out)
	}
	if out.Str("meeting_number") != s.number || out["has_passcode"] != true || out.Str("provider") != "zoom" {
		t.Errorf("got %v, want the meeting", out)
	}
	if out := s.ask(map[string]any{"trial": false}); out.Str("can") != "unknown" {
		t.Errorf("without a trial: got %s, want unknown: nobody was asked", out.Str("can"))
	}
	if out := s.ask(map[string]any{"at": soon}); out.Str("can") != "unknown" {
		t.Errorf("in three hours: got %s, want unknown", out.Str("can"))
	}
	if out := s.ask(map[string]any{"types": []string{"zak"}}); out.Str("can") != "yes" || find(out, "presence proved zoom") != nil {
		t.Errorf("as if it were Ana: got %v, want yes, wherever she is", all(out))
	}
	if out := s.ask(map[string]any{"types": []string{"local_recording"}}); out.Str("can") != "yes" || !strings.Contains(out.Str("summary"), "record without asking") {
		t.Errorf("to record: got %s, want yes", out.Str("summary"))
	}
	s.present("ana", false, "absent")
	both := s.ask(map[string]any{"types": []string{"onbehalf", "zak"}})
	if both.Str("can") != "yes" {
		t.Errorf("with two ways in, of which one is closed: got %s %v", both.Str("can"), all(both))
	}
	// A recording is no way in: the bot gets in, and has to ask.
	with := s.ask(map[string]any{"types": []string{"zak", "local_recording"}, "meeting_url": "https://zoom.us/j/" + s.meeting("ben") + "?pwd=a"})
	if with.Str("can") != "yes" || find(with, "mint refused zoom meeting_not_found") == nil {
		t.Errorf("got %s %v, want yes, and that it cannot record", with.Str("can"), all(with))
	}
}

// Several candidates: each has lines, the best is named, and Zoom is asked until one works.
func TestCandidates(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	ben := s.Connect(s.app, "v", "ben")
	chidi := s.Connect(s.app, "w", "chidi")
	for _, c := range []lanyardtest.JSON{ben, chidi} {
		s.OK("PATCH", "/v1/connections/"+c.Str("id"), map[string]any{"label": "sales"})
	}
	s.OK("PATCH", "/v1/connections/"+ben.Str("id"), map[string]any{"paused": true})
	account := s.ana.Str("account.id")
	ask := func(who ...map[string]any) lanyardtest.JSON {
		t.Helper()
		return s.ask(map[string]any{"connection_id": nil, "candidates": who})
	}
	out := ask(map[string]any{"end_user_id": "nobody"}, map[string]any{"label": "sales"}, map[string]any{"account_id": account}, map[string]any{"end_user_id": "u"})
	if out.Str("best_connection_id") != chidi.Str("id") || out.Str("can") != "unknown" {
		t.Errorf("got %s for %s, want the first who can be used: %v", out.Str("can"), out.Str("best_connection_id"), all(out))
	}
	about := map[string]int{}
	for _, l := range out.List("lines") {
		about[l.Str("about")+" "+l.Str("verdict")]++
		if l.Str("code") == "connection_needed" && l.Str("end_user_id") != "nobody" {
			t.Errorf("got %v, want to be told who that is", l)
		}
	}
	if about["connection refused"] != 2 || about["connection proved"] != 2 || about["mint proved"] != 1 || about["credentials proved"] != 1 {
		t.Errorf("got %v, want nobody and ben refused, chidi and ana once, one trial that worked, and the app once", about)
	}
	if find(s.ask(map[string]any{"connection_id": nil, "candidates": []map[string]any{{"end_user_id": "u"}, {"end_user_id": "w"}}, "types": []string{"onbehalf", "zak"}}), "mint proved zoom") == nil {
		t.Error("got no trial that worked")
	}
	// A provider that does not answer is asked once, and not for everybody.
	var before, after int
	s.One(&before, `SELECT count(*) FROM entries WHERE what = 'join_token.tried'`)
	fault, err := s.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "api"}, Action: "status", Status: 503})
	if err != nil {
		t.Fatal(err)
	}
	ask(map[string]any{"end_user_id": "u"}, map[string]any{"end_user_id": "w"})
	if s.One(&after, `SELECT count(*) FROM entries WHERE what = 'join_token.tried'`); after != before+1 {
		t.Errorf("got %d trials of a provider that is out of order, want one", after-before)
	}
	s.Sandbox.RemoveFault(fault.ID)
	s.present("ana", true, "present")
	if out := ask(map[string]any{"label": "sales"}, map[string]any{"end_user_id": "u"}); out.Str("best_connection_id") != s.ana.Str("id") {
		t.Errorf("got %s, want Ana, who is there", out.Str("best_connection_id"))
	}
	if out := ask(map[string]any{"host": true}); out.Str("best_connection_id") != s.ana.Str("id") {
		t.Errorf("the host: got %s, want Ana: %v", out.Str("best_connection_id"), all(out))
	}
	if out := s.ask(map[string]any{"connection_id": nil}); out.Str("best_connection_id") != s.ana.Str("id") {
		t.Errorf("without a candidate: got %s, want the host, Ana", out.Str("best_connection_id"))
	}
	s.Fails("invalid_request", "POST", "/v1/preflight", map[string]any{"meeting_number": s.number, "candidates": []map[string]any{{"host": true, "label": "x"}}})
	s.Fails("invalid_request", "POST", "/v1/preflight", map[string]any{"meeting_number": s.number, "types": []string{"obf"}})
	s.Fails("invalid_request", "POST", "/v1/preflight", map[string]any{"meeting_number": s.number, "types": []string{"zak", "zak"}})
	s.Fails("not_found", "POST", "/v1/preflight", map[string]any{"meeting_number": s.number, "connection_id": "con_00000000000000000000000000"})
}

// A trial has no effect: what was made before still works, nobody is told, no token is
// anywhere, and the log says that it was one.
func TestATrialHasNoEffect(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.present("ana", true, "present")
	before := s.OK("POST", "/v1/join-tokens", map[string]any{"connection_id": s.ana.Str("id"), "meeting_number": s.number, "types": []string{"onbehalf", "local_recording"}}).List("tokens")
	bots := func() int { m, _ := s.Sandbox.Meeting(s.number); return len(m.Bots) }
	renewed := lanyardtest.Renewals(s.World)
	for range 3 {
		s.ask(map[string]any{"types": []string{"onbehalf", "zak", "local_recording"}})
	}
	if bots() != 0 || lanyardtest.Renewals(s.World) != renewed {
		t.Errorf("got %d bots at the door and %d renewals, want none", bots(), lanyardtest.Renewals(s.World)-renewed)
	}
	status, out := joined(s, map[string]string{"bot_name": "b", "onbehalf_token": before[0].Str("token"), "recording_token": before[1].Str("token")})
	if status != 200 {
		t.Errorf("the tokens that were made before: got %d %s, want the bot let in", status, out)
	}
	var tried, minted int
	s.One(&tried, `SELECT count(*) FROM entries WHERE what = 'join_token.tried'`)
	s.One(&minted, `SELECT count(*) FROM entries WHERE what = 'join_token.minted'`)
	if tried != 9 || minted != 2 {
		t.Errorf("the log: got %d trials and %d hand-outs, want 9 and 2", tried, minted)
	}
	mints := s.Sandbox.Ledger(sandbox.Query{Provider: sandbox.Zoom, Kind: "onbehalf"})
	if len(mints) < 4 {
		t.Fatalf("got %d on-behalf tokens in Zoom's ledger, want the trials among them", len(mints))
	}
	// Without a trial Zoom is not asked at all.
	asked := func() (n int) {
		for _, e := range s.Sandbox.Ledger(sandbox.Query{}) {
			if e.Event != "webhook" { // that is Zoom telling us
				n++
			}
		}
		return n
	}
	calls := asked()
	s.ask(map[string]any{"trial": false})
	if n := asked(); n != calls {
		t.Errorf("got %d more entries at Zoom, want none", n-calls)
	}
}

// What a key may not read it is not told: neither names, nor what its limits keep from it.
func TestKeys(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	key := func(body map[string]any) string { return s.OK("POST", "/v1/keys", body).Str("credential") }
	out := s.askAs(key(map[string]any{"scopes": []string{"connect"}}), nil)
	text := strings.Join(all(out), "\n") + out.Str("summary")
	if strings.Contains(text, "Ana") || !strings.Contains(text, "The person of "+s.ana.Str("id")) {
		t.Errorf("a key that does not read: got %s, want no name", text)
	}
	if find(out, "key refused operator scope_missing") == nil || find(out, "mint proved zoom") != nil {
		t.Errorf("got %v, want nothing tried for a key that may not have the token", all(out))
	}
	ask := map[string]any{"meeting_number": s.number, "connection_id": s.ana.Str("id")}
	s.FailsAs(key(map[string]any{"scopes": []string{"token", "join:onbehalf"}}), "scope_missing", "POST", "/v1/preflight", ask)
	s.FailsAs(key(map[string]any{"scopes": []string{"read"}, "labels": []string{"sales"}}), "key_limited", "POST", "/v1/preflight", ask)
	s.FailsAs(key(map[string]any{"scopes": []string{"read"}, "providers": []string{"google"}}), "key_limited", "POST", "/v1/preflight", ask)
	limited := s.askAs(key(map[string]any{"scopes": []string{"read"}, "labels": []string{"sales"}}), map[string]any{"connection_id": nil, "candidates": []map[string]any{{"end_user_id": "u"}}})
	if strings.Contains(strings.Join(all(limited), " "), "Ana") {
		t.Errorf("a limited key, by end user: got %v, want nothing of Ana", all(limited))
	}
	raw := s.Log.String()
	if strings.Contains(raw, "Pass.1") || strings.Contains(raw, "pwd=") {
		t.Error("the server's log has the link")
	}
}

// The hour of a bot that is to come counts from the server's clock.
func TestItsHour(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.present("ana", true, "present")
	near := s.ask(map[string]any{"at": time.Now().Add(30 * time.Second).UTC().Format(time.RFC3339)})
	if find(near, "presence proved zoom") == nil || find(near, "hour unknown person") != nil {
		t.Errorf("in half a minute: got %v, want what is now", all(near))
	}
	past := s.ask(map[string]any{"at": "2020-01-01T00:00:00Z"})
	if find(past, "presence proved zoom") == nil {
		t.Errorf("in the past: got %v, want what is now", all(past))
	}
}
