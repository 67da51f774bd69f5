package bottest_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
)

// A bot is made although it cannot join as things are, and the answer says what is wrong
// and who mends it; it is refused only where it can never work.
func TestABotIsMadeAndSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newBotStory(t, false)
	line := func(made lanyardtest.JSON, about, verdict, code string) bool {
		report, _ := made["preflight"].(map[string]any)
		return slices.ContainsFunc(lanyardtest.JSON(report).List("lines"), func(l lanyardtest.JSON) bool {
			return l.Str("about") == about && l.Str("verdict") == verdict && l.Str("code") == code && l.Str("say") != ""
		})
	}
	good := s.bot(nil, s.ana)
	if good.Str("preflight.can") != "unknown" || good.Str("preflight.best_connection_id") != s.ana || !line(good, "connection", "proved", "") || line(good, "mint", "proved", "") {
		t.Errorf("got %v, want nothing to keep it out, and no trial", good)
	}
	if n := s.minted("ana"); n != 0 {
		t.Errorf("got %d tokens of the pretend Zoom for a bot that has not asked", n)
	}
	tried := s.bot(map[string]any{"trial": true}, s.ana)
	if !line(tried, "mint", "proved", "") || s.minted("ana") == 0 {
		t.Errorf("got %v, want it tried", tried)
	}
	later := s.bot(map[string]any{"join_at": time.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)}, s.ana)
	if later.Str("state") != "scheduled" || later.Str("preflight.can") == "yes" {
		t.Errorf("got %v, want nobody to be sure of the day after tomorrow", later)
	}
	if got := s.OK("GET", "/v1/bots/"+good.Str("id"), nil); got["preflight"] != nil {
		t.Errorf("got %v, want how it looked in the answer to making it alone", got)
	}
	// A key that may make bots, and none of their tokens: another asks for those.
	maker := s.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"connect"}}).Str("credential")
	in := map[string]any{"meeting_url": "https://zoom.us/j/" + s.number, "candidates": []map[string]any{{"connection_id": s.ana}}}
	if status, got := s.Call(maker, "POST", "/v1/bots", in); status != http.StatusCreated || got.Str("preflight.can") != "unknown" || strings.Contains(got.Str("preflight.summary"), "Ana") {
		t.Errorf("got %d %v, want it made, and nobody named to a key that does not read", status, got)
	}

	s.OK("PATCH", "/v1/connections/"+s.ana, map[string]any{"paused": true})
	paused := s.bot(nil, s.ana)
	if paused.Str("state") != "ready" || paused.Str("preflight.can") != "no" || !line(paused, "connection", "refused", "connection_paused") {
		t.Errorf("got %v, want it made, and said why it cannot join", paused)
	}
	group := s.bot(map[string]any{"candidates": []map[string]any{{"label": "sales"}}})
	if group.Str("preflight.can") != "no" || !line(group, "connection", "refused", "connection_needed") {
		t.Errorf("got %v, want it said that nobody is in the group yet", group)
	}
	one := s.bot(map[string]any{"candidates": []map[string]any{{"end_user_id": "stranger"}, {"connection_id": s.ben}}})
	if one.Str("preflight.can") != "unknown" || !line(one, "connection", "refused", "not_found") || len(one.List("candidates")) != 1 {
		t.Errorf("got %v, want it made without the stranger, and said so", one)
	}
	alone := s.bot(nil)
	if alone.Str("preflight.can") != "unknown" || !line(alone, "connection", "unknown", "bot_no_candidates") {
		t.Errorf("got %v, want it said that it gets no tokens", alone)
	}
	if meet := s.bot(map[string]any{"meeting_url": "https://meet.google.com/abc-defg-hij"}); meet.Str("preflight.can") != "unknown" || !strings.Contains(meet.Str("preflight.summary"), "Google Meet") {
		t.Errorf("got %v, want it said that nothing is needed there", meet)
	}
	if other := s.bot(map[string]any{"meeting_url": "https://meet.example.com/room"}); other["preflight"] != nil {
		t.Errorf("got %v, want nothing said of what is not known", other)
	}

	for code, in := range map[string]map[string]any{
		"invalid_meeting_link":  {"meeting_url": "https://zoom.us.evil.example/j/" + s.number, "candidates": in["candidates"]},
		"personal_meeting_link": {"meeting_url": "https://zoom.us/my/ana", "candidates": in["candidates"]},
		"not_found":             {"meeting_url": "https://zoom.us/j/" + s.number, "candidates": []map[string]any{{"end_user_id": "stranger"}, {"account_id": "stranger"}}},
		"invalid_request":       {"meeting_url": "https://zoom.us/j/" + s.number, "candidates": []map[string]any{{"host": true, "end_user_id": "u"}}},
	} {
		s.Fails(code, "POST", "/v1/bots", in)
	}
}

// Bots are found by what they were given, in whose words, and by their hour.
func TestBotsAreFound(t *testing.T) {
	t.Parallel()
	s := newBotStory(t, false)
	day := time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second)
	at := func(d time.Duration) string { return day.Add(d).Format(time.RFC3339) }
	a := s.bot(map[string]any{"metadata": map[string]string{"order": "17", "a b&c": "ü=1"}, "join_at": at(0)}, s.ana).Str("id")
	b := s.bot(map[string]any{"metadata": map[string]string{"order": "18"}, "join_at": at(time.Hour), "deduplication_key": "k"}, s.ana).Str("id")
	c := s.bot(map[string]any{"metadata": map[string]string{"order": "17"}}, s.ana).Str("id")
	meet := s.bot(map[string]any{"meeting_url": "https://meet.google.com/abc-defg-hij"}).Str("id")
	for query, want := range map[string][]string{
		"":                       {meet, c, b, a},
		"metadata[order]=17":     {c, a},
		"metadata%5Border%5D=18": {b},
		"metadata[order]=1":      nil,
		"metadata[order]=17&" + url.Values{"metadata[a b&c]": {"ü=1"}}.Encode(): {a},
		"metadata[Order]=17":                     nil,
		"from=" + at(0):                          {b, a},
		"from=" + at(time.Second):                {b},
		"to=" + at(0):                            {meet, c},
		"from=" + at(0) + "&to=" + at(time.Hour): {a},
		"dialect=attendee":                       nil,
		"provider=zoom&state=scheduled":          {b, a},
		"deduplication_key=k":                    {b},
	} {
		var got []string
		for _, one := range s.OK("GET", "/v1/bots?"+query, nil).List("data") {
			got = append(got, one.Str("id"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", query, got, want)
		}
	}
	for _, query := range []string{"state=gone", "dialect=french", "from=tomorrow", "to=2026-13-01T00:00:00Z"} {
		s.Fails("invalid_request", "GET", "/v1/bots?"+query, nil)
	}
}
