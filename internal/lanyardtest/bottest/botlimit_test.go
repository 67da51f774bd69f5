package bottest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// A key that reaches the sales group alone used to be able to send the bot of somebody
// else, which may join as a director, to a meeting of its own, and to call it off.
func TestALimitedKeyTurnsNoBotBeyondItsReach(t *testing.T) {
	w := lanyardtest.New(t)
	app := w.Zoom()
	director, seller := w.Connect(app, "u", "ana").Str("id"), w.Connect(app, "v", "ben").Str("id")
	w.OK("PATCH", "/v1/connections/"+director, map[string]any{"label": "board"})
	w.OK("PATCH", "/v1/connections/"+seller, map[string]any{"label": "sales"})
	limited := w.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"read", "connect", "join:onbehalf", "join:zak"}, "labels": []string{"sales"}}).Str("credential")
	elsewhere := w.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"read", "connect"}, "providers": []string{"google"}}).Str("credential")
	zoom := w.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"read", "connect"}, "providers": []string{"zoom"}}).Str("credential")

	b := w.OK("POST", "/v1/bots", map[string]any{"meeting_url": "https://zoom.us/j/81234567890", "join_at": "2027-01-02T03:04:05Z",
		"candidates": []map[string]any{{"connection_id": director}}, "allow": map[string]any{"types": []string{"zak"}}}).Str("id")
	at := "/v1/bots/" + b
	for _, key := range []string{limited, elsewhere} {
		w.FailsAs(key, "key_limited", "PATCH", at, map[string]any{"meeting_url": "https://zoom.us/j/89999999999"})
		w.FailsAs(key, "key_limited", "POST", at+"/cancel", nil)
		w.FailsAs(key, "key_limited", "POST", at+"/leave", nil)
		w.FailsAs(key, "key_limited", "DELETE", at, nil)
		if key == limited { // the other has no scope for it
			w.FailsAs(key, "key_limited", "POST", at+"/report", map[string]any{"state": "failed"})
		}
	}
	if status, out := w.Call(limited, "PATCH", "/meetstream/api/v1/bots/"+b, map[string]any{}); status < 400 {
		t.Errorf("through a vendor's path: got %v", out)
	}
	for _, key := range []string{limited, elsewhere} { // a link is as good as its passcode
		w.FailsAs(key, "key_limited", "GET", at, nil)
		if _, got := w.Call(key, "GET", "/v1/bots", nil); len(got.List("data")) != 0 {
			t.Errorf("listed: got %v", got)
		}
	}
	shared := w.OK("POST", "/v1/bots", map[string]any{"meeting_url": "https://zoom.us/j/81234567890", "candidates": []map[string]any{{"connection_id": director}, {"end_user_id": "v"}}}).Str("id")
	if status, got := w.Call(limited, "GET", "/v1/bots/"+shared, nil); status != http.StatusOK {
		t.Errorf("a bot that joins on behalf of the seller, too: got %v", got)
	}
	w.FailsAs(limited, "key_limited", "PATCH", "/v1/bots/"+shared, map[string]any{"metadata": map[string]string{"a": "b"}})
	if got := w.OK("GET", at, nil); got.Str("state") != "scheduled" || !strings.HasSuffix(got.Str("meeting_url"), "/81234567890") {
		t.Errorf("got %v, want it as it was", got)
	}
	if status, out := w.Call(zoom, "PATCH", at, map[string]any{"name": "Notes"}); status != http.StatusOK {
		t.Errorf("a key for the provider of the meeting: got %v", out)
	}

	mine := map[string]any{"meeting_url": "https://zoom.us/j/81234567890", "candidates": []map[string]any{{"connection_id": seller}}}
	_, out := w.Call(limited, "POST", "/v1/bots", mine)
	if status, out := w.Call(limited, "POST", "/v1/bots/"+out.Str("id")+"/cancel", nil); status != http.StatusOK {
		t.Errorf("a bot of its own: got %v", out)
	}
}

// A bot reaches no further than the key that made it, whichever key asks for its tokens: a
// key for the sales group used to make a bot for the board, and whoever runs all bots with
// a key without limits joined with it.
func TestABotReachesNoFurtherThanTheKeyThatMadeIt(t *testing.T) {
	w := lanyardtest.New(t)
	director := w.Connect(w.Zoom(), "u", "ana").Str("id")
	w.OK("PATCH", "/v1/connections/"+director, map[string]any{"label": "board"})
	limited := w.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"connect", "join:onbehalf"}, "labels": []string{"sales"}}).Str("credential")
	m, err := w.Sandbox.CreateMeeting("ana", "Board", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []map[string]any{{"label": "board"}, {"end_user_id": "u"}, {"host": true}} {
		status, b := w.Call(limited, "POST", "/v1/bots", map[string]any{"meeting_url": "https://zoom.us/j/" + m.Number, "candidates": []map[string]any{who}})
		if status != http.StatusCreated {
			continue // as good
		}
		if status, out := w.Call(w.Key, "POST", "/v1/bots/"+b.Str("id")+"/join-tokens", map[string]any{}); status < 400 {
			t.Errorf("%v: got %v, want no token", who, out)
		}
	}
}

// Who may not have a token of the type used to make the bot ready by asking for it.
func TestAskingForWhatOneMayNotHaveMovesNoBot(t *testing.T) {
	w := lanyardtest.New(t)
	c := w.Connect(w.Zoom(), "u", "ana").Str("id")
	reader := w.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"read"}}).Str("credential")
	b := w.OK("POST", "/v1/bots", map[string]any{"meeting_url": "https://zoom.us/j/81234567890", "join_at": time.Now().Add(2*time.Minute + 2*time.Second).UTC().Format(time.RFC3339),
		"candidates": []map[string]any{{"connection_id": c}}}).Str("id")
	for _, body := range []map[string]any{{"types": []string{"onbehalf"}}, {}} {
		w.FailsAs(reader, "scope_missing", "POST", "/v1/bots/"+b+"/join-tokens", body)
	}
}

// What a caller puts into a query or a path goes to the database: texts that it cannot hold
// and more conditions than it takes used to be a 500.
func TestOddQuestionsAboutBots(t *testing.T) {
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		var many, states []string
		for i := range 1100 {
			many = append(many, fmt.Sprintf("custom_attr[%x]", i))
			states = append(states, "states=ended")
		}
		for _, path := range []string{"/v1/bots/%00", "/v1/bots/%ff", "/v1/bots?deduplication_key=%00", "/v1/bots?deduplication_key=%ff", "/v1/bots?provider=%00", "/v1/bots?state=%00",
			"/attendee/api/v1/bots?deduplication_key=a%00", "/meetstream/api/v1/bots/%00/detail", "/meetstream/api/v1/bots?custom_attr[%00]=1", "/meetstream/api/v1/bots?custom_attr[a]=%ff",
			"/meetstream/api/v1/bots?cursor=%00", "/meetstream/api/v1/bots?" + strings.Join(many, "&"), "/attendee/api/v1/bots?" + strings.Join(states, "&"),
			"/meetstream/api/v1/zoom/oauth/connections/%00", "/attendee/api/v1/zoom_oauth_connections/%00"} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", w.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Token "+w.Key)
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode >= 500 {
				t.Errorf("%.60s: got %d", path, resp.StatusCode)
			}
		}
	})
}

// Whoever runs a bot can report without end, and each report used to be a line for ever.
func TestATimeLineKeepsWhatIsShown(t *testing.T) {
	w := lanyardtest.New(t)
	c := w.Connect(w.Zoom(), "u", "ana").Str("id")
	b := w.OK("POST", "/v1/bots", map[string]any{"meeting_url": "https://zoom.us/j/81234567890", "candidates": []map[string]any{{"connection_id": c}}}).Str("id")
	for range lanyard.MostBotSteps + 20 {
		w.OK("POST", "/v1/bots/"+b+"/report", map[string]any{"code": "4017", "sdk": "web"})
	}
	var n int
	if w.One(&n, `SELECT count(*) FROM bot_steps`); n != lanyard.MostBotSteps {
		t.Errorf("got %d lines, want %d", n, lanyard.MostBotSteps)
	}
}

// A token that the provider was asked for is on the log, though who asked has hung up: a
// caller who always does used to leave no trace.
func TestWhoHangsUpIsOnTheLog(t *testing.T) {
	w := lanyardtest.New(t)
	c := w.Connect(w.Zoom(), "u", "ana").Str("id")
	m, err := w.Sandbox.CreateMeeting("ana", "Weekly", "")
	if err != nil {
		t.Fatal(err)
	}
	made := w.OK("POST", "/v1/token-urls", map[string]any{"types": []string{"onbehalf"}, "candidates": []map[string]any{{"connection_id": c}}})
	lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Provider: "zoom", Endpoint: "api"}, Action: "delay", DelayMS: 600, AfterCommit: true, Times: 1}))
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, "GET", made.Str("url")+"?meeting_number="+m.Number, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(r); err == nil {
		_ = resp.Body.Close()
		t.Fatalf("got %d, want no answer in time", resp.StatusCode)
	}
	lanyardtest.Eventually(t, func() bool {
		return len(w.OK("GET", "/v1/audit/entries?what=join_token.minted", nil).List("data")) == 1
	}, "the token is on the log")
}

// The token URL of a bot that is called for another meeting than the bot's used to mint a
// token and throw it away.
func TestABotsTokenURLIsForItsMeetingAlone(t *testing.T) {
	w := lanyardtest.New(t)
	c := w.Connect(w.Zoom(), "u", "ana").Str("id")
	m, err := w.Sandbox.CreateMeeting("ana", "Weekly", "")
	if err != nil {
		t.Fatal(err)
	}
	b := w.OK("POST", "/v1/bots", map[string]any{"meeting_url": "https://zoom.us/j/" + m.Number, "candidates": []map[string]any{{"connection_id": c}}}).Str("id")
	made := w.OK("POST", "/v1/token-urls", map[string]any{"contract": "meetstream", "types": []string{"onbehalf"}, "candidates": []map[string]any{{"connection_id": c}}})
	w.SQL(`UPDATE token_urls SET candidates = '', bot_id = $1`, b) // as runners are given theirs
	ask := func(query string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", made.Str("url")+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	for _, query := range []string{"?meeting_number=89999999999", "?meeting_url=https%3A%2F%2Fzoom.us%2Fj%2F89999999999"} {
		if got := ask(query); got != http.StatusForbidden {
			t.Errorf("%s: got %d, want 403", query, got)
		}
	}
	if n := len(w.OK("GET", "/v1/audit/entries?what=join_token.minted", nil).List("data")); n != 0 {
		t.Errorf("%d tokens were minted for a meeting that the bot is not for", n)
	}
	if got := ask("?meeting_number=" + m.Number); got != http.StatusOK {
		t.Errorf("its own meeting: got %d", got)
	}
}
