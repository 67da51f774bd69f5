package lanyardtest_test

import (
	"net/http"
	"strings"
	"testing"

	"lanyard/internal/lanyardtest"
)

// The main path, end to end: a person connects Zoom, and a bot joins on their behalf.
func TestAPersonConnectsZoomAndABotJoins(t *testing.T) {
	w := lanyardtest.New(t)
	app := w.Zoom()
	c := w.Connect(app, "user-42", "ana")
	if c.Str("status") != "active" || c.Str("account.email") == "" || c.Str("end_user.id") != "user-42" {
		t.Fatalf("got %v, want an active connection of user-42", c)
	}
	token := w.OK("POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
	if token.Str("access_token") == "" || token.Str("fingerprint") == "" {
		t.Fatalf("got %v, want an access token", token)
	}
	m, err := w.Sandbox.CreateMeeting("ana", "Weekly", "")
	if err != nil {
		t.Fatal(err)
	}
	join := func() lanyardtest.JSON {
		return w.OK("POST", "/v1/join-tokens", map[string]any{"connection_id": c.Str("id"),
			"meeting_url": "https://us02web.zoom.us/j/" + m.Number + "?pwd=abc.1", "types": []string{"onbehalf"}})
	}
	obf := join().List("tokens")[0].Str("token")
	if status, why := knock(t, w, m.Number, obf); status != http.StatusForbidden || !strings.Contains(why, "authorized_user_not_in_meeting") {
		t.Fatalf("absent: got %d %s, want refused", status, why)
	}
	if _, err := w.Sandbox.SetPresent(m.Number, "ana", true); err != nil {
		t.Fatal(err)
	}
	if status, why := knock(t, w, m.Number, obf); status != http.StatusOK {
		t.Fatalf("present: got %d %s, want in the meeting", status, why)
	}
	if status, why := knock(t, w, m.Number, obf); status != http.StatusForbidden || !strings.Contains(why, "token_used") {
		t.Fatalf("used twice: got %d %s, want refused", status, why)
	}
	entries := w.OK("GET", "/v1/audit/entries?connection_id="+c.Str("id"), nil).List("data")
	var acts []string
	for _, e := range entries {
		acts = append(acts, e.Str("what"))
	}
	if got := strings.Join(acts, " "); got != "join_token.minted token.read connection.created" {
		t.Errorf("got the log %q, want consent, read and mint", got)
	}
	gone := w.OK("DELETE", "/v1/connections/"+c.Str("id"), nil)
	if gone.Str("outcome") != "revoked" {
		t.Errorf("got %v, want revoked at the provider", gone)
	}
	w.Fails("connection_revoked", "POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
}

// knock is a bot at the door of a meeting.
func knock(t *testing.T, w *lanyardtest.World, number, obf string) (int, string) {
	t.Helper()
	resp, err := http.Post(w.SandURL+"/zoom/meetings/"+number+"/join", "application/json",
		strings.NewReader(`{"bot_name":"Notes","onbehalf_token":"`+obf+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw := make([]byte, 4096)
	n, _ := resp.Body.Read(raw)
	return resp.StatusCode, string(raw[:n])
}
