package bottest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
)

// botStory is a meeting of Ana's in the sandbox, with Ana and Ben connected.
type botStory struct {
	*lanyardtest.World
	ana, ben, number string
}

// newBotStory begins one; with told, the pretend Zoom sends its notices.
func newBotStory(t *testing.T, told bool, options ...lanyardtest.Option) *botStory {
	t.Helper()
	s := &botStory{World: lanyardtest.New(t, options...)}
	var client string
	app := s.Zoom(func(c *sandbox.Client) { client = c.ID })
	if told {
		const secret = "webhook-secret-of-the-app"
		s.OK("PATCH", "/v1/apps/"+app, map[string]any{"webhook_secret": secret})
		change, err := json.Marshal(map[string]string{"webhook_url": s.URL + "/hooks/zoom/" + app, "webhook_secret": secret})
		lanyardtest.Must(t)(nil, err)
		lanyardtest.Must(t)(s.Sandbox.PatchClient(sandbox.Zoom, client, change))
	}
	s.ana, s.ben = s.Connect(app, "u", "ana").Str("id"), s.Connect(app, "v", "ben").Str("id")
	m, err := s.Sandbox.CreateMeeting("ana", "Weekly", "")
	lanyardtest.Must(t)(nil, err)
	s.number = m.Number
	return s
}

func (s *botStory) here(person string, is bool) {
	s.T.Helper()
	if _, err := s.Sandbox.SetPresent(s.number, person, is); err != nil {
		s.T.Fatal(err)
	}
}

// bot makes a bot for the meeting on behalf of these connections.
func (s *botStory) bot(more map[string]any, who ...string) lanyardtest.JSON {
	s.T.Helper()
	in := map[string]any{"meeting_url": "https://zoom.us/j/" + s.number + "?pwd=sesame.1", "name": "Notes"}
	var list []map[string]any
	for _, id := range who {
		list = append(list, map[string]any{"connection_id": id})
	}
	if list != nil {
		in["candidates"] = list
	}
	for k, v := range more {
		in[k] = v
	}
	return s.OK("POST", "/v1/bots", in)
}

// enter goes to the sandbox's meeting with a token, as the Meeting SDK would.
func (s *botStory) enter(token string) (int, lanyardtest.JSON) {
	s.T.Helper()
	raw, err := json.Marshal(map[string]string{"bot_name": "Notes", "onbehalf_token": token})
	lanyardtest.Must(s.T.(*testing.T))(nil, err)
	resp, err := http.Post(s.SandURL+"/zoom/meetings/"+s.number+"/join", "application/json", bytes.NewReader(raw))
	if err != nil {
		s.T.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	out := lanyardtest.JSON{}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		s.T.Fatal(err)
	}
	return resp.StatusCode, out
}

// tokens asks for a bot's tokens, of which there are to be one on this person's behalf.
func (s *botStory) tokens(id, person string) string {
	s.T.Helper()
	got := s.OK("POST", "/v1/bots/"+id+"/join-tokens", map[string]any{})
	if list := got.List("tokens"); got.Str("connection_id") != person || got.Str("used") != person || len(list) != 1 || list[0].Str("type") != "onbehalf" {
		s.T.Fatalf("got %v, want one on-behalf token of %s", got, person)
	}
	return got.List("tokens")[0].Str("token")
}

func (s *botStory) is(id, state string) lanyardtest.JSON {
	s.T.Helper()
	var got lanyardtest.JSON
	lanyardtest.Within(s.T.(*testing.T), 12*time.Second, "it becomes "+state, func() bool {
		got = s.OK("GET", "/v1/bots/"+id, nil)
		return got.Str("state") == state
	})
	return got
}

// present is whether somebody is known to be in the meeting.
func (s *botStory) present(connection string) bool {
	s.T.Helper()
	for _, c := range s.OK("GET", "/v1/meetings?meeting_number="+s.number+"&connection_id="+connection, nil).List("connections") {
		if c.Str("connection_id") == connection && c.Str("presence") == "present" {
			return true
		}
	}
	return false
}

func (s *botStory) report(id, want string, what map[string]any) {
	s.T.Helper()
	if got := s.OK("POST", "/v1/bots/"+id+"/report", what); got.Str("state") != want {
		s.T.Errorf("report %v: got %v, want it %s", what, got, want)
	}
}

// minted counts the on-behalf tokens that the pretend Zoom gave on behalf of somebody.
func (s *botStory) minted(person string) (n int) {
	for _, e := range s.Sandbox.Ledger(sandbox.Query{Provider: sandbox.Zoom, Kind: "onbehalf", Event: "issued"}) {
		if e.Person == person {
			n++
		}
	}
	return n
}

// The whole of it, on true time: nobody is there and the meeting says so; nobody is
// troubled twice in half a minute; Ana comes, a notice says so, and the bot is woken long
// before the half minute is over; it is let in once with its token; Ana leaves, it is put
// out, and Ben's token lets it in again.
func TestABotIsLetInWhenSomebodyIsThereAndNotOtherwise(t *testing.T) {
	t.Parallel()
	s := newBotStory(t, true)
	id := s.bot(nil, s.ana, s.ben).Str("id")
	began := time.Now()
	for _, who := range []struct{ person, connection string }{{"ana", s.ana}, {"ben", s.ben}} {
		if status, got := s.enter(s.tokens(id, who.connection)); status != http.StatusForbidden || got["code"] != float64(4017) {
			t.Fatalf("on behalf of %s, who is not there: got %d %v, want it kept out", who.person, status, got)
		}
		s.report(id, "waiting_for_person", map[string]any{"code": "4017", "sdk": "web"})
	}
	for range 5 {
		got := s.Fails("person_absent", "POST", "/v1/bots/"+id+"/join-tokens", map[string]any{})
		skipped := got.List("skipped")
		if after, _ := got["retry_after"].(float64); after < 1 || after > 30 || len(skipped) != 2 {
			t.Fatalf("got %v, want it to say when, and why on whose behalf not", got)
		}
		for _, k := range skipped {
			if k.Str("code") != "person_absent" || k.Str("connection_id") == "" || k["retry_after"] == nil || k.Str("detail") == "" {
				t.Errorf("got %v, want who is not there and when they may be tried", k)
			}
		}
	}
	if a, b := s.minted("ana"), s.minted("ben"); a != 1 || b != 1 {
		t.Errorf("got %d tokens of ana and %d of ben within half a minute, want one of each", a, b)
	}
	s.here("ana", true)
	s.is(id, "ready")
	if took := time.Since(began); took > 25*time.Second {
		t.Fatalf("ready after %s; that is no notice, it is the half minute", took)
	}
	token := s.tokens(id, s.ana)
	if status, got := s.enter(token); status != http.StatusOK || got.Str("person") != "ana" {
		t.Fatalf("got %d %v, want it in on behalf of ana", status, got)
	}
	if status, got := s.enter(token); status != http.StatusForbidden || got.Str("reason") != "token_used" {
		t.Errorf("the same token twice: got %d %v, want it refused", status, got)
	}
	s.report(id, "joined", map[string]any{"state": "joined"})

	// Ben's notice comes while the bot is in, and wakes nobody: a bot that began to wait only
	// then was not looked at before the half minute was over.
	s.here("ben", true)
	lanyardtest.Within(t, 12*time.Second, "Ben is known to be there", func() bool { return s.present(s.ben) })
	s.here("ana", false)
	if m, _ := s.Sandbox.Meeting(s.number); len(m.Bots) != 1 || m.Bots[0].Reason != "authorized_user_left" {
		t.Fatalf("got %+v, want the bot put out with ana", m.Bots)
	}
	s.report(id, "waiting_for_person", map[string]any{"code": "8", "sdk": "native_end"})
	s.is(id, "ready") // ben is there
	if status, got := s.enter(s.tokens(id, s.ben)); status != http.StatusOK || got.Str("person") != "ben" {
		t.Fatalf("got %d %v, want it in on behalf of ben", status, got)
	}
	s.report(id, "joined", map[string]any{"state": "joined"})
	s.report(id, "left", map[string]any{"state": "left"})
	s.Fails("bot_over", "POST", "/v1/bots/"+id+"/join-tokens", map[string]any{})

	var line, told []string
	for _, step := range s.OK("GET", "/v1/bots/"+id, nil).List("timeline") {
		line = append(line, step.Str("state"))
	}
	events := s.OK("GET", "/v1/events?type=bot.*&limit=100", nil).List("data")
	for i := len(events) - 1; i >= 0; i-- {
		told = append(told, events[i].Str("type")[len("bot."):])
	}
	want := []string{"scheduled", "ready", "joining", "waiting_for_person", "joining", "waiting_for_person", "ready", "joining", "joined",
		"waiting_for_person", "ready", "joining", "joined", "left"}
	for name, got := range map[string][]string{"time line": line, "events": told} {
		if !sameWords(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func sameWords(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Without notices nothing is known of who is there: while Ana is not, a bot that asks all
// the time gets one token in thirty seconds, and the next of them works when she has come.
// On a clock that runs fast.
func TestWithoutNoticesThereIsOneTryInThirtySeconds(t *testing.T) {
	t.Parallel()
	s := newBotStory(t, false, func(set *server.Settings) { set.TimeScale = 15 }) // 30 s are two
	id := s.bot(map[string]any{"give_up_after_seconds": 3600}, s.ana).Str("id")
	began := time.Now()
	ask := func() bool {
		status, got := s.Call(s.Key, "POST", "/v1/bots/"+id+"/join-tokens", map[string]any{})
		if status != http.StatusOK {
			if got.Str("code") != "person_absent" {
				t.Fatalf("got %d %v", status, got)
			}
			return false
		}
		status, _ = s.enter(got.List("tokens")[0].Str("token"))
		if status != http.StatusOK {
			s.report(id, "waiting_for_person", map[string]any{"code": "4017", "sdk": "web"})
		}
		return status == http.StatusOK
	}
	for time.Since(began) < 5*time.Second {
		if ask() {
			t.Fatal("it is in, and nobody is there")
		}
		time.Sleep(50 * time.Millisecond)
	}
	most := 1 + int(time.Since(began)/(2*time.Second))
	if n := s.minted("ana"); n < 2 || n > most {
		t.Errorf("got %d tokens in %s, want one in two seconds", n, time.Since(began))
	}
	s.here("ana", true)
	lanyardtest.Within(t, 10*time.Second, "it is let in", ask)
	s.report(id, "joined", map[string]any{"state": "joined"})
}

// One candidate is paused, one is nobody, one is not there at all: the answer says who was
// used and why the others were not; where nobody is left the error says it of each.
func TestWhoWasUsedAndWhyOthersWereNot(t *testing.T) {
	t.Parallel()
	s := newBotStory(t, false)
	s.OK("PATCH", "/v1/connections/"+s.ana, map[string]any{"paused": true})
	who := []map[string]any{{"connection_id": s.ana}, {"label": "nobody-has-it"}, {"end_user_id": "stranger"}, {"end_user_id": "v"}}
	said := func(where string, got lanyardtest.JSON, want ...string) {
		t.Helper()
		var codes []string
		for _, k := range got.List("skipped") {
			codes = append(codes, k.Str("code"))
			if k.Str("detail") == "" || (k.Str("connection_id") == "") != (k.Str("code") != "connection_paused" && k.Str("code") != "connection_revoked") {
				t.Errorf("%s: got %v, want a sentence, and the connection where there is one", where, k)
			}
		}
		if !sameWords(codes, want) {
			t.Errorf("%s: got %q, want %q", where, codes, want)
		}
	}
	mint := map[string]any{"candidates": who, "meeting_number": s.number, "types": []string{"onbehalf"}}
	got := s.OK("POST", "/v1/join-tokens", mint)
	if got.Str("used") != s.ben || len(got.List("tokens")) != 1 {
		t.Errorf("got %v, want ben's token", got)
	}
	said("join tokens", got, "connection_paused", "connection_needed", "not_found")
	id := s.bot(map[string]any{"candidates": who}).Str("id")
	got = s.OK("POST", "/v1/bots/"+id+"/join-tokens", map[string]any{})
	if got.Str("used") != s.ben {
		t.Errorf("got %v, want ben's token", got)
	}
	said("bot", got, "connection_paused", "connection_needed")

	s.OK("DELETE", "/v1/connections/"+s.ben, nil)
	mint["candidates"] = []map[string]any{{"connection_id": s.ana}, {"connection_id": s.ben}, {"label": "nobody-has-it"}, {"account_id": "stranger"}}
	said("nobody is left", s.Fails("connection_paused", "POST", "/v1/join-tokens", mint), "connection_paused", "connection_revoked", "connection_needed", "not_found")
	other := s.bot(map[string]any{"candidates": mint["candidates"]}).Str("id")
	said("no bot can", s.Fails("connection_paused", "POST", "/v1/bots/"+other+"/join-tokens", map[string]any{}), "connection_paused", "connection_revoked", "connection_needed")
	mint["candidates"] = []map[string]any{{"end_user_id": "stranger"}, {"connection_id": string(lanyard.NewID[lanyard.ConnectionID]("con_"))}}
	said("strangers alone", s.Fails("not_found", "POST", "/v1/join-tokens", mint), "not_found", "not_found")
	mint["connection_id"] = s.ana
	s.Fails("invalid_request", "POST", "/v1/join-tokens", mint)
	delete(mint, "connection_id")
	reader := s.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"read"}}).Str("credential")
	s.FailsAs(reader, "scope_missing", "POST", "/v1/join-tokens", mint)
}
