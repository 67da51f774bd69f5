package noticetest_test

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
)

// listing is a server that lists meetings.
func listing(s *server.Settings) { s.MeetingsStop = false }

// asked is what is known of a meeting, and of a connection in it.
func asked(w *lanyardtest.World, number string, about ...lanyardtest.JSON) lanyardtest.JSON {
	w.T.Helper()
	path := "/v1/meetings?meeting_number=" + number
	if len(about) > 0 {
		path += "&connection_id=" + about[0].Str("id")
	}
	return w.OK("GET", path, nil)
}

// hostIs says which connections host a meeting, as far as is known.
func hostIs(w *lanyardtest.World, number string) string {
	w.T.Helper()
	var out []string
	for _, c := range asked(w, number).List("connections") {
		if c["host"] == true {
			out = append(out, c.Str("connection_id"))
		}
	}
	return strings.Join(out, " ")
}

// presence is that of a connection in a meeting.
func presence(w *lanyardtest.World, number string, c lanyardtest.JSON) string {
	w.T.Helper()
	for _, one := range asked(w, number, c).List("connections") {
		if one.Str("connection_id") == c.Str("id") {
			return one.Str("presence")
		}
	}
	return "not in the answer"
}

func planned(w *lanyardtest.World, p sandbox.Plan) string {
	w.T.Helper()
	m, err := w.Sandbox.PlanMeeting(p)
	if err != nil {
		w.T.Fatal(err)
	}
	return m.Number
}

func here(w *lanyardtest.World, number, person string, is bool) {
	w.T.Helper()
	if _, err := w.Sandbox.SetPresent(number, person, is); err != nil {
		w.T.Fatal(err)
	}
}

func pmiOf(t *testing.T, w *lanyardtest.World, handle string) string {
	t.Helper()
	for _, p := range w.Sandbox.People(sandbox.Zoom) {
		if p.Handle == handle {
			return strconv.FormatInt(p.PMI, 10)
		}
	}
	t.Fatalf("nobody is called %s", handle)
	return ""
}

// What somebody has planned before they connected is theirs when they have, and their
// personal meeting too; nothing of it is anybody else's, and no number is stored.
func TestMeetingsAreListedAtConnect(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		mine, bens := planned(w, sandbox.Plan{Host: "ana", Topic: "Layoffs"}), planned(w, sandbox.Plan{Host: "ben"})
		if got := asked(w, mine); got.Str("host") != "not_known" || len(got.List("connections")) != 0 {
			t.Errorf("before anybody connects: got %v, want nothing known", got)
		}
		ana := w.Connect(app, "u", "ana")
		lanyardtest.Eventually(t, func() bool { return hostIs(w, mine) == ana.Str("id") }, "ana's meeting is known as hers")
		if got := hostIs(w, pmiOf(t, w, "ana")); got != ana.Str("id") {
			t.Errorf("her personal meeting: got %q, want %s", got, ana.Str("id"))
		}
		if got := asked(w, pmiOf(t, w, "ana")); got["personal"] != true {
			t.Errorf("got %v, want it personal", got)
		}
		if got := asked(w, bens, ana); got.Str("host") != "not_known" || got.List("connections")[0].Str("presence") != "not_knowable" {
			t.Errorf("ben's: got %v, want nothing known", got)
		}
		entries := w.OK("GET", "/v1/audit/entries?what=meetings.listed", nil).List("data")
		if len(entries) != 1 || entries[0].Str("outcome") != "ok" || entries[0].Str("detail.meetings") != "1" {
			t.Errorf("got %v, want one entry about one meeting", entries)
		}
		var there int
		w.One(&there, `SELECT count(*) FROM meetings WHERE listed = 1`)
		if there != 2 {
			t.Errorf("got %d meetings, want ana's two", there)
		}
	}, listing)
}

// The host counts, and not who has made the meeting.
func TestTheHostAndNotTheOperator(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app, _ := hooked(w)
		ana, ben := w.Connect(app, "u", "ana"), w.Connect(app, "v", "ben")
		listed(t, w, 2)
		number := planned(w, sandbox.Plan{Host: "ben", Operator: "ana"})
		lanyardtest.Eventually(t, func() bool { return hostIs(w, number) == ben.Str("id") }, "ben hosts what ana has planned for him")
		lanyardtest.Must(t)(nil, w.Sandbox.DeleteMeeting(number, "ana"))
		lanyardtest.Eventually(t, func() bool { return asked(w, number).Str("host") == "not_known" }, "a deleted meeting is nobody's")

		number = planned(w, sandbox.Plan{Host: "chidi", Operator: "ana"}) // who is not connected
		settled(t, w)
		if got := asked(w, number, ana); got.Str("host") != "not_known" {
			t.Errorf("got %v, want a stranger's meeting not known", got)
		}
	}, listing)
}

// listed waits until so many lists were made.
func listed(t *testing.T, w *lanyardtest.World, n int) {
	t.Helper()
	lanyardtest.Eventually(t, func() bool {
		var done int
		w.One(&done, `SELECT count(*) FROM listings WHERE listed_at > 0`)
		return done == n
	}, "everybody's meetings are listed")
}

// Present, absent, and what cannot be known.
func TestPresence(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app, _ := hooked(w)
		ana, ben := w.Connect(app, "u", "ana"), w.Connect(app, "v", "ben")
		listed(t, w, 2)
		number := planned(w, sandbox.Plan{Host: "ana"})
		is := func(c lanyardtest.JSON, want string) {
			t.Helper()
			lanyardtest.Eventually(t, func() bool { return presence(w, number, c) == want }, want)
		}
		is(ana, "not_knowable") // it has not begun, as far as we were told
		here(w, number, "ana", true)
		is(ana, "present")
		is(ben, "absent")
		here(w, number, "ben", true)
		is(ben, "present")
		here(w, number, "ben", false)
		is(ben, "absent")
		is(ana, "present")
		here(w, number, "ana", false) // and so it ends
		is(ana, "absent")
		lanyardtest.Eventually(t, func() bool { return asked(w, number).Str("state") == "ended" }, "it has ended")
		var stays int
		w.One(&stays, `SELECT count(*) FROM attendances`)
		if stays != 0 {
			t.Errorf("got %d stays, want none of a run that is over", stays)
		}
		is(ana, "absent")

		foreign := planned(w, sandbox.Plan{Host: "chidi"})
		here(w, foreign, "ana", true) // who is there, and nobody tells us
		settled(t, w)
		if got := presence(w, foreign, ana); got != "not_knowable" {
			t.Errorf("at a stranger's: got %s, want not_knowable", got)
		}
	}, listing)
}

func meetingNotice(event, number, run, host string, at time.Time, more string) string {
	return fmt.Sprintf(`{"event":%q,"event_ts":%d,"payload":{"account_id":"acc","operator_id":"op","object":{"id":%q,"uuid":%q,"host_id":%q,"type":2%s}}}`,
		event, at.UnixMilli(), number, run, host, more)
}

// What is late, doubled, or in another order than things happened, changes nothing that
// is later.
func TestMeetingNoticesInAnyOrder(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app, _ := hooked(w)
		ana, ben := w.Connect(app, "u", "ana"), w.Connect(app, "v", "ben")
		listed(t, w, 2)
		host, guest := ana.Str("account.id"), ben.Str("account.id")
		const number = "81234567890"
		began := time.Now().Add(-time.Hour)
		who := func(id, stay string) string {
			return fmt.Sprintf(`,"participant":{"id":%q,"user_id":%q,"user_name":"x","email":"x@example.com"}`, id, stay)
		}
		send := func(body string) {
			t.Helper()
			if status, out := post(t, w.URL+"/hooks/zoom/"+app, hookSecret, body, time.Now()); status != http.StatusNoContent {
				t.Fatalf("got %d %s, want 204", status, out)
			}
			settled(t, w)
		}
		at := func(minute int) time.Time { return began.Add(time.Duration(minute) * time.Minute) }
		want := func(state, presentBen string) {
			t.Helper()
			if got := asked(w, number).Str("state"); got != state {
				t.Errorf("got state %s, want %s", got, state)
			}
			if got := presence(w, number, ben); got != presentBen {
				t.Errorf("got ben %s, want %s", got, presentBen)
			}
		}
		joined := meetingNotice("meeting.participant_joined", number, "run1", host, at(2), who(guest, "s1"))
		send(joined) // before the start
		want("started", "present")
		send(meetingNotice("meeting.participant_joined", number, "run1", host, at(3), who("", "guest1")))
		send(meetingNotice("meeting.started", number, "run1", host, at(1), ""))
		send(meetingNotice("meeting.participant_left", number, "run1", host, at(5), who(guest, "s1")))
		want("started", "absent") // he was named before, whoever else is there
		send(joined)              // again
		want("started", "absent")
		send(meetingNotice("meeting.participant_joined", number, "run1", host, at(6), who(guest, "s2")))
		want("started", "present")
		send(meetingNotice("meeting.ended", number, "run1", host, at(7), ""))
		want("ended", "absent")
		send(meetingNotice("meeting.participant_joined", number, "run1", host, at(6), who(guest, "s3")))
		send(meetingNotice("meeting.started", number, "run1", host, at(8), "")) // later by its time, of the run that is over
		want("ended", "absent")
		send(meetingNotice("meeting.started", number, "run0", host, at(0), "")) // the run before
		want("ended", "absent")
		send(meetingNotice("meeting.started", number, "run2", host, at(10), ""))
		want("started", "absent")
		send(meetingNotice("meeting.participant_joined", number, "run2", host, at(11), who("", "guest2")))
		want("started", "not_knowable") // it may be him, and Zoom does not say

		send(meetingNotice("meeting.deleted", number, "run2", host, at(20), ""))
		if got := asked(w, number); got.Str("host") != "not_known" {
			t.Errorf("deleted: got %v", got)
		}
		send(meetingNotice("meeting.created", number, "run2", host, at(0), "")) // was on its way for long
		if got := asked(w, number); got.Str("host") != "not_known" {
			t.Errorf("a late notice brings it back: got %v", got)
		}
		send(meetingNotice("meeting.created", number, "run3", guest, at(30), ""))
		if got := hostIs(w, number); got != ben.Str("id") {
			t.Errorf("got %s, want the new host %s", got, ben.Str("id"))
		}
		send(meetingNotice("meeting.updated", number, "run3", "a stranger's id", at(31), ""))
		send(meetingNotice("meeting.updated", number, "run3", "stranger", at(31), ""))
		if got := asked(w, number); got.Str("host") != "not_known" {
			t.Errorf("given to a stranger: got %v, want it not known", got)
		}
	}, listing)
}

// Who takes the app out takes along what was known of their meetings.
func TestDeauthorizedMeetings(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app, client := hooked(w)
		ana, ben := w.Connect(app, "u", "ana"), w.Connect(app, "v", "ben")
		number := planned(w, sandbox.Plan{Host: "ana"})
		bens := planned(w, sandbox.Plan{Host: "ben"})
		listed(t, w, 2)
		for _, person := range []string{"ana", "ben"} {
			here(w, number, person, true)
			here(w, bens, person, true)
		}
		lanyardtest.Eventually(t, func() bool { return presence(w, bens, ana) == "present" && presence(w, number, ben) == "present" }, "both are there")
		if _, err := w.Sandbox.Revoke(sandbox.Target{Provider: sandbox.Zoom, Client: client, Person: "ana"}); err != nil {
			t.Fatal(err)
		}
		lanyardtest.Eventually(t, func() bool { return asked(w, number).Str("host") == "not_known" }, "her meeting is not known any more")
		settled(t, w)
		var left int
		w.One(&left, `SELECT (SELECT count(*) FROM listings) * 100 + (SELECT count(*) FROM attendances)`)
		if left != 101 {
			t.Errorf("got %d lists and %d stays, want ben's one in his own meeting", left/100, left%100)
		}
		if got := hostIs(w, bens); got != ben.Str("id") {
			t.Errorf("got %q, want ben's meeting known as before", got)
		}
		status, _ := post(t, w.URL+"/hooks/zoom/"+app, hookSecret, meetingNotice("meeting.created", number, "r", ana.Str("account.id"), time.Now(), ""), time.Now())
		settled(t, w)
		var hers int
		w.One(&hers, `SELECT count(*) FROM meetings WHERE gone = 0`)
		if status != http.StatusNoContent || hers != 2 { // ben's, and his personal one
			t.Errorf("got %d and %d meetings, want nothing of hers to come back", status, hers)
		}
	}, listing)
}

// Scopes that were not granted are no reason to fail, and it is said.
func TestMeetingsWithoutTheScope(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t, listing)
	app := w.Zoom()
	number := planned(w, sandbox.Plan{Host: "ana"})
	link := w.OK("POST", "/v1/connect-sessions", map[string]any{"app_id": app, "end_user": map[string]any{"id": "u"},
		"return_url": lanyardtest.Return, "scopes": []string{"user:read:user", "user:read:token"}}).Str("connect_url")
	at := w.Browser().Consent(link, "ana")
	c := w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "u"})
	listed(t, w, 1)
	got := asked(w, number, c)
	if one := got.List("connections")[0]; got.Str("host") != "not_known" || one.Str("list_problem") != "scopes_missing" {
		t.Errorf("got %v, want it not known, and why", got)
	}
	if got := hostIs(w, pmiOf(t, w, "ana")); got != c.Str("id") {
		t.Errorf("her personal meeting: got %q, want %s", got, c.Str("id"))
	}
}

// Another personal meeting, by a notice.
func TestAnotherPersonalMeeting(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t, listing)
	app, _ := hooked(w)
	ana := w.Connect(app, "u", "ana")
	listed(t, w, 1)
	old := pmiOf(t, w, "ana")
	if _, err := w.Sandbox.SetPMI("ana", 2123456789); err != nil {
		t.Fatal(err)
	}
	lanyardtest.Eventually(t, func() bool { return hostIs(w, "2123456789") == ana.Str("id") && hostIs(w, old) == "" }, "the new one is hers, and the old one is not")
}

// A recording is the host's to allow: theirs is the connection that is taken, and
// somebody else's is told whose it is.
func TestRecordingByTheHost(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t, listing)
	app, _ := hooked(w)
	ana, ben, dana := w.Connect(app, "u", "ana"), w.Connect(app, "v", "ben"), w.Connect(app, "x", "dana")
	listed(t, w, 3)
	number := planned(w, sandbox.Plan{Host: "ben", Operator: "ana"})
	lanyardtest.Eventually(t, func() bool { return hostIs(w, number) == ben.Str("id") }, "it is ben's")
	mint := func(c string, types ...string) map[string]any {
		b := map[string]any{"meeting_number": number, "types": types}
		if c != "" {
			b["connection_id"] = c
		}
		return b
	}
	if got := w.OK("POST", "/v1/join-tokens", mint("", "local_recording")).List("tokens"); len(got) != 1 {
		t.Errorf("got %v, want the host's token", got)
	}
	entry := w.OK("GET", "/v1/audit/entries?what=join_token.minted", nil).List("data")[0]
	if entry.Str("connection_id") != ben.Str("id") {
		t.Errorf("got %v, want it minted by ben's connection", entry)
	}
	out := w.Fails("host_required", "POST", "/v1/join-tokens", mint(ana.Str("id"), "local_recording"))
	if !strings.Contains(out.Str("detail"), ben.Str("id")) {
		t.Errorf("got %v, want the host's connection named", out)
	}
	// An administrator of the host's account may, and is not refused by us.
	if got := w.OK("POST", "/v1/join-tokens", mint(dana.Str("id"), "local_recording")).List("tokens"); len(got) != 1 {
		t.Errorf("got %v, want a token", got)
	}
	w.Fails("invalid_request", "POST", "/v1/join-tokens", mint("", "zak"))
	w.Fails("invalid_request", "POST", "/v1/join-tokens", mint("", "local_recording", "onbehalf"))
	number = planned(w, sandbox.Plan{Host: "chidi"})
	w.Fails("host_not_known", "POST", "/v1/join-tokens", mint("", "local_recording"))
}

// What is over goes by itself, and what is listed comes again: lists are made once a
// day, and soon after a notice; what they do not have any more is nobody's.
func TestMeetingsAreListedAgainAndForgotten(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t, listing, func(s *server.Settings) { s.TimeScale = 20_000 }) // a day is 4.3 s
	app := w.Zoom()
	number := planned(w, sandbox.Plan{Host: "ana"})
	ana := w.Connect(app, "u", "ana")
	lanyardtest.Eventually(t, func() bool { return hostIs(w, number) == ana.Str("id") }, "it is hers")
	w.SQL(`UPDATE meetings SET said_at = said_at - 3600000000`)
	lanyardtest.Must(t)(nil, w.Sandbox.DeleteMeeting(number, "")) // without a webhook nobody tells us
	later := planned(w, sandbox.Plan{Host: "ana"})
	lanyardtest.Eventually(t, func() bool { return hostIs(w, number) == "" && hostIs(w, later) == ana.Str("id") }, "the next list says it")
	w.SQL(`UPDATE meetings SET keep_until = 1 WHERE gone = 1`)
	lanyardtest.Eventually(t, func() bool {
		var n int
		w.One(&n, `SELECT count(*) FROM meetings WHERE gone = 1`)
		return n == 0
	}, "what is gone is forgotten")
}

// What asks for a list is in the database: a server that stops before it has made one
// makes it after its next start.
func TestAListThatWasNotMadeIsMadeAfterARestart(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t) // which makes none
	number := planned(w, sandbox.Plan{Host: "ana"})
	ana := w.Connect(w.Zoom(), "u", "ana")
	w.Stop()
	w.Restart(listing)
	lanyardtest.Eventually(t, func() bool { return hostIs(w, number) == ana.Str("id") }, "it is hers")
}

// A provider that asks to wait is left alone, by notices too; a list that says whose it
// is, and it is somebody else, is not believed.
func TestListsThatDoNotWork(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t, listing)
	app, _ := hooked(w)
	lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Provider: sandbox.Zoom, Endpoint: "meetings"}, Action: "status", Status: 429,
		Headers: map[string]string{"Retry-After": time.Now().UTC().Add(10 * time.Minute).Format(time.RFC3339)}}))
	number := planned(w, sandbox.Plan{Host: "ana"})
	ana := w.Connect(app, "u", "ana")
	problem := func(c lanyardtest.JSON) string { return asked(w, number, c).List("connections")[0].Str("list_problem") }
	lanyardtest.Eventually(t, func() bool { return problem(ana) == "rate_limited" }, "it is said why not")
	planned(w, sandbox.Plan{Host: "ana"}) // and a notice
	settled(t, w)
	var wait int64
	w.One(&wait, `SELECT (list_at - $1) / 1000000 FROM listings`, time.Now().UnixMicro())
	if wait < 8*60 || wait > 20*60 {
		t.Errorf("got the next list in %d s, want it as late as was asked", wait)
	}
	w.Sandbox.RemoveFault("")
	w.SQL(`UPDATE listings SET list_at = 1`)
	lanyardtest.Eventually(t, func() bool { return hostIs(w, number) == ana.Str("id") && problem(ana) == "" }, "then it works")

	lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Provider: sandbox.Zoom, Endpoint: "userinfo"}, Action: "status", Status: 200,
		Headers: map[string]string{"Content-Type": "application/json"}, Body: `{"id":"somebody-else","pmi":2999999999}`}))
	w.SQL(`UPDATE listings SET list_at = 1`)
	lanyardtest.Eventually(t, func() bool { return problem(ana) == "provider_answer_invalid" }, "it is not believed")
	if got := asked(w, "2999999999"); got.Str("host") != "not_known" {
		t.Errorf("got %v, want nothing of it kept", got)
	}
	entries := w.OK("GET", "/v1/audit/entries?what=meetings.listed", nil).List("data")
	var outcomes []string
	for _, e := range entries {
		outcomes = append(outcomes, e.Str("outcome")+" "+e.Str("code"))
	}
	if got := strings.Join(outcomes, ", "); got != "failed provider_answer_invalid, ok , failed rate_limited" {
		t.Errorf("got %s, want one entry for each that is news", got)
	}
}

// Two nodes, one database: each list is made once.
func TestOneListerAtATime(t *testing.T) {
	t.Parallel()
	if os.Getenv("LANYARD_TEST_POSTGRES") == "off" {
		t.Skip("LANYARD_TEST_POSTGRES=off")
	}
	w := lanyardtest.New(t, listing, func(s *server.Settings) { s.DatabaseURL = lanyard.NewSecret(storetest.PostgreSQL(t).URL) })
	app := w.Zoom()
	stop, _ := node(t, w, t.TempDir())
	t.Cleanup(func() { lanyardtest.Must(t)(nil, stop()) })
	for i, person := range []string{"ana", "ben", "chidi", "dana"} {
		w.Connect(app, strconv.Itoa(i), person)
	}
	listed(t, w, 4)
	if n := len(w.OK("GET", "/v1/audit/entries?what=meetings.listed", nil).List("data")); n != 4 {
		t.Errorf("got %d lists of four people, want 4", n)
	}
}

// T22: two customers have the same person connected, each by an app of their own. What
// one of them knows of a meeting the other does not learn, nor do their keys that are
// limited to other people.
func TestAnotherProjectSeesNoMeeting(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t, listing)
	app, _ := hooked(w)
	ana := w.Connect(app, "u", "ana")
	w.OK("PATCH", "/v1/connections/"+ana.Str("id"), map[string]any{"label": "sales"})
	listed(t, w, 1)
	number := planned(w, sandbox.Plan{Host: "ana"})
	here(w, number, "ana", true)
	lanyardtest.Eventually(t, func() bool { return presence(w, number, ana) == "present" }, "ana is there")

	mallory := w.In(t) // a view of the same server
	project := w.Operator("POST", "/v1/operator/projects", map[string]any{"name": "mallory"}).Str("id")
	mallory.Key = w.Operator("POST", "/v1/operator/keys", map[string]any{"project": project, "scopes": lanyard.Scopes}).Str("credential")
	his := mallory.Connect(mallory.Zoom(), "v", "ben")
	got := asked(mallory, number, his)
	if got.Str("host") != "not_known" || got.Str("state") != "not_known" || len(got.List("connections")) != 1 ||
		got.List("connections")[0].Str("presence") != "not_knowable" {
		t.Errorf("got %v, want nothing of hers", got)
	}
	foreign := mallory.Fails("not_found", "GET", "/v1/meetings?meeting_number="+number+"&connection_id="+ana.Str("id"), nil)
	nobody := mallory.Fails("not_found", "GET", "/v1/meetings?meeting_number="+number+"&connection_id=con_00000000000000000000000000", nil)
	if foreign.Str("detail") != nobody.Str("detail") {
		t.Errorf("got %v for hers and %v for nobody's, want them alike", foreign, nobody)
	}
	mallory.Fails("host_not_known", "POST", "/v1/join-tokens", map[string]any{"meeting_number": number, "types": []string{"local_recording"}})

	limited := w.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"read", "join:recording"}, "labels": []string{"support"}}).Str("credential")
	status, out := w.Call(limited, "GET", "/v1/meetings?meeting_number="+number, nil)
	if status != http.StatusOK || out.Str("host") != "not_known" || out.Str("state") != "not_known" || len(out.List("connections")) != 0 {
		t.Errorf("a limited key: got %d %v, want nothing", status, out)
	}
	w.FailsAs(limited, "host_not_known", "POST", "/v1/join-tokens", map[string]any{"meeting_number": number, "types": []string{"local_recording"}})
	unread := w.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"token"}}).Str("credential")
	w.FailsAs(unread, "scope_missing", "GET", "/v1/meetings?meeting_number="+number, nil)
	for query, code := range map[string]string{"": "invalid_meeting_link", "?meeting_number=12": "invalid_meeting_link", "?meeting_number=" + number + "&provider=slack": "ability_missing",
		"?meeting_number=" + number + "&meeting_url=https://zoom.us/j/" + number: "invalid_request", "?meeting_url=https://zoom.us/my/ana": "personal_meeting_link"} {
		w.Fails(code, "GET", "/v1/meetings"+query, nil)
	}
	if got := w.OK("GET", "/v1/meetings?meeting_url=https://us02web.zoom.us/j/"+number+"?pwd=x", nil); got.Str("host") != "connected" || got.Str("meeting_number") != number {
		t.Errorf("by a link: got %v", got)
	}
}
