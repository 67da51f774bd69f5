package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/sandbox"
)

func (w *world) obf(access, number string) string {
	w.Helper()
	a := w.get("/zoom/v2/users/me/token?type=onbehalf&meeting_id="+number, access)
	if a.status != 200 || a.str("token") == "" {
		w.Fatalf("on-behalf token: got %d %s", a.status, a.text)
	}
	return a.str("token")
}

func (w *world) join(number string, fields ...string) answer {
	w.Helper()
	body := map[string]string{"bot_name": "Notetaker"}
	for i := 0; i+1 < len(fields); i += 2 {
		body[fields[i]] = fields[i+1]
	}
	return w.postJSON("/zoom/meetings/"+number+"/join", body)
}

// Ana's bot comes too early, comes in once with the same token, and goes when she goes.
func TestBotAtTheDoor(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	m, _ := w.CreateMeeting("ben", "Review", "")
	n := m.Number
	token := w.connect(sandbox.Zoom).str("access_token")
	obf := w.obf(token, n)

	w.wantStatus("Ana absent", w.join(n, "onbehalf_token", obf), 403, `"reason":"authorized_user_not_in_meeting"`)
	w.wantStatus("Ben is not Ana", w.postJSON("/admin/meetings/"+n+"/present", map[string]string{"person": "ben"}), 200, `"started"`)
	w.wantStatus("Ana still absent", w.join(n, "onbehalf_token", obf), 403, `"code":4017`)
	w.wantStatus("Ana comes", w.postJSON("/admin/meetings/"+n+"/present", map[string]string{"person": "ana"}), 200, "")
	w.wantStatus("the refusals spent nothing", w.join(n, "onbehalf_token", obf), 200, `"status":"in_meeting"`)
	w.wantStatus("single use", w.join(n, "onbehalf_token", obf), 403, `"reason":"token_used"`)
	second := w.join(n, "onbehalf_token", w.obf(token, n))
	w.wantStatus("another token, another bot", second, 200, "")
	w.wantStatus("it leaves by itself", w.postJSON("/zoom/meetings/"+n+"/leave", map[string]string{"participant_id": second.str("participant_id")}), 200, "left")

	w.wantStatus("Ana goes", w.postJSON("/admin/meetings/"+n+"/absent", map[string]string{"person": "ana"}), 200, `"reason":"authorized_user_left"`)
	state, _ := w.Meeting(n)
	if len(state.Bots) != 2 || state.Bots[0].Status != "ended" || state.Bots[1].Reason != "left" || len(state.Present) != 1 {
		t.Errorf("meeting: got %+v", state)
	}
	if got := strings.Join(w.events(sandbox.Query{Meeting: n, Kind: "bot"}), " "); got != "join_refused join_refused joined join_refused joined left thrown_out" {
		t.Errorf("ledger: got %s", got)
	}
}

func TestJoinRefusals(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	m, _ := w.CreateMeeting("ana", "", "")
	other, _ := w.CreateMeeting("ana", "", "")
	access := w.connect(sandbox.Zoom).str("access_token")
	w.SetPresent(m.Number, "ana", true)
	zak := w.get("/zoom/v2/users/me/zak", access).str("token")
	rec := w.get("/zoom/v2/meetings/"+m.Number+"/jointoken/local_recording", access).str("token")
	recOther := w.get("/zoom/v2/meetings/"+other.Number+"/jointoken/local_recording", access).str("token")
	good := w.obf(access, m.Number)
	tests := []struct {
		name   string
		fields []string
		status int
		want   string
	}{
		{"nothing", nil, 403, "authentication_required"},
		{"both", []string{"onbehalf_token", good, "zak", zak}, 403, "on_behalf_conflict"},
		{"rubbish", []string{"onbehalf_token", "rubbish"}, 403, "token_invalid"},
		{"an access token", []string{"onbehalf_token", access}, 403, "token_invalid"},
		{"a ZAK as on-behalf token", []string{"onbehalf_token", zak}, 403, "token_invalid"},
		{"for another meeting", []string{"onbehalf_token", w.obf(access, other.Number)}, 403, "meeting_mismatch"},
		{"recording token for another meeting", []string{"onbehalf_token", good, "recording_token", recOther}, 403, `"code":500`},
		{"good after all that", []string{"onbehalf_token", good, "recording_token", rec}, 200, `"recording":true`},
		{"recording token twice", []string{"onbehalf_token", w.obf(access, m.Number), "recording_token", rec}, 403, "token_used"},
		{"ZAK", []string{"zak", zak}, 200, "in_meeting"},
		{"unknown member", []string{"onbehalf", good}, 400, "invalid_request"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := w.join(m.Number, tt.fields...)
			if a.status != tt.status || !strings.Contains(a.text, tt.want) {
				t.Errorf("got %d %s, want %d %s", a.status, a.text, tt.status, tt.want)
			}
		})
	}
	w.wantStatus("no such meeting", w.join("999999999", "onbehalf_token", "x"), 404, `"code":3001`)
	w.wantStatus("ttl", w.get("/zoom/v2/users/me/token?type=onbehalf&ttl=0&meeting_id="+m.Number, access), 400, `"code":300`)
	w.wantStatus("no meeting_id", w.get("/zoom/v2/users/me/token?type=onbehalf", access), 400, `"code":300`)
	w.wantStatus("type", w.get("/zoom/v2/users/me/token?type=zpk", access), 400, `"code":300`)
}

func TestJoinTokensEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t, app(sandbox.Zoom))
		m, _ := w.CreateMeeting("ana", "", "123456789")
		w.SetPresent(m.Number, "ana", true)
		access := w.connect(sandbox.Zoom).str("access_token")
		obf := w.get("/zoom/v2/users/me/token?type=onbehalf&ttl=60&meeting_id=123456789", access).str("token")
		time.Sleep(time.Minute)
		w.wantStatus("after its ttl", w.join(m.Number, "onbehalf_token", obf), 403, "token_expired")

		inside := w.join(m.Number, "onbehalf_token", w.obf(access, m.Number))
		waiting := w.obf(access, m.Number)
		if n, err := w.Revoke(sandbox.Target{Provider: sandbox.Zoom, Person: "ana"}); n != 1 || err != nil {
			t.Errorf("revoke: got %d, %v", n, err)
		}
		w.wantStatus("of a grant that ended", w.join(m.Number, "onbehalf_token", waiting), 403, "token_invalid")
		state, _ := w.Meeting(m.Number)
		if inside.status != 200 || state.Bots[0].Reason != "authorization_revoked" {
			t.Errorf("the bot inside: got %+v", state.Bots)
		}
	})
}

func TestMeetingPage(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	m, _ := w.CreateMeeting("ana", "Plans & <risks>", "")
	w.SetPresent(m.Number, "ana", true)
	w.join(m.Number, "onbehalf_token", w.obf(w.connect(sandbox.Zoom).str("access_token"), m.Number))
	page := w.get("/zoom/meetings/"+m.Number, "")
	for _, want := range []string{"Plans &amp; &lt;risks&gt;", "Ana Torres", "Notetaker", "in the meeting", "pretend Zoom"} {
		if !strings.Contains(page.text, want) {
			t.Errorf("page: no %q", want)
		}
	}
	r, _ := http.NewRequest("GET", w.url+"/zoom/meetings/"+m.Number, nil)
	r.Header.Set("Accept", "application/json")
	w.wantStatus("as JSON", w.do(r), 200, `"bot_name":"Notetaker"`)
	w.wantStatus("none", w.get("/zoom/meetings/1", ""), 404, "No such meeting")
}

// Dana plans a meeting for Ana, deletes it again, and Ana gets another personal meeting:
// who hosts and who does it are told apart.
func TestWhoPlansAndWhoHosts(t *testing.T) {
	at, got := receiver(t, "hook-key")
	w := start(t, app(sandbox.Zoom, func(c *sandbox.Client) { c.WebhookURL, c.WebhookKey = at, "hook-key" }))
	access := w.connect(sandbox.Zoom).str("access_token")
	m := w.postJSON("/admin/meetings", map[string]string{"host": "ana", "operator": "dana", "topic": "Review"})
	number := m.str("number")
	people := map[string]sandbox.Person{}
	for _, p := range w.People(sandbox.Zoom) {
		people[p.Handle] = p.Person
	}
	next := func(event string) string {
		t.Helper()
		n := <-got
		if n.event != event || !n.good {
			t.Fatalf("got %+v, want %s, signed", n, event)
		}
		return n.body
	}
	planned := next("meeting.created")
	if !strings.Contains(planned, `"host_id":"`+people["ana"].ID+`"`) || !strings.Contains(planned, `"operator_id":"`+people["dana"].ID+`"`) {
		t.Errorf("got %s, want Ana as host and Dana as operator", planned)
	}
	w.wantStatus("Ana's list", w.get("/zoom/v2/users/me/meetings?type=scheduled", access), 200, `"id":`+number)
	if err := w.DeleteMeeting(number, "dana"); err != nil {
		t.Fatal(err)
	}
	if gone := next("meeting.deleted"); !strings.Contains(gone, `"host_id":"`+people["ana"].ID+`"`) {
		t.Errorf("got %s, want Ana as host", gone)
	}
	w.wantStatus("after it was deleted", w.get("/zoom/v2/users/me/meetings", access), 200, `"total_records":0`)
	if err := w.DeleteMeeting(number, ""); err == nil {
		t.Error("deleted twice")
	}
	if _, err := w.SetPMI("ana", 2123456789); err != nil {
		t.Fatal(err)
	}
	if changed := next("user.updated"); !strings.Contains(changed, `"pmi":2123456789`) || !strings.Contains(changed, `"old_object":{"id":"`+people["ana"].ID) {
		t.Errorf("got %s, want the new number and the old", changed)
	}
	w.wantStatus("her account", w.get("/zoom/v2/users/me", access), 200, `"pmi":2123456789`)
	if _, err := w.SetPMI("ana", 12); err == nil {
		t.Error("got a personal meeting of two digits")
	}
	if _, err := w.PlanMeeting(sandbox.Plan{Host: "ana", Operator: "nobody"}); err == nil {
		t.Error("nobody has planned a meeting")
	}
}
