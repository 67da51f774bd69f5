package jointoken_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
)

// Who may have which token of what: one world, one row a request.
func TestWhoGetsWhat(t *testing.T) {
	w := lanyardtest.New(t)
	app := w.Zoom()
	c := w.Connect(app, "u", "ana")
	gone := w.Connect(app, "w", "chidi")
	w.OK("DELETE", "/v1/connections/"+gone.Str("id"), nil)
	paused := w.Connect(app, "x", "ben")
	w.OK("PATCH", "/v1/connections/"+paused.Str("id"), map[string]any{"paused": true})
	meeting, err := w.Sandbox.CreateMeeting("ana", "Weekly", "")
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{"all": w.Key}
	for _, scope := range []string{"token", "join:onbehalf", "join:zak", "join:recording"} {
		keys[scope] = w.OK("POST", "/v1/keys", map[string]any{"scopes": []string{scope}}).Str("credential")
	}
	id, number := c.Str("id"), meeting.Number
	body := func(connection string, more map[string]any, types ...string) map[string]any {
		b := map[string]any{"connection_id": connection, "types": types}
		for k, v := range more {
			b[k] = v
		}
		return b
	}
	num := map[string]any{"meeting_number": number}
	for name, tc := range map[string]struct {
		key  string
		body map[string]any
		code string // "": it works
		got  []string
	}{
		"all three":                   {"all", body(id, num, "onbehalf", "zak", "local_recording"), "", []string{"onbehalf", "zak", "local_recording"}},
		"one, with a key for it":      {"join:onbehalf", body(id, num, "onbehalf"), "", []string{"onbehalf"}},
		"a ZAK acts as the user":      {"join:onbehalf", body(id, num, "zak"), "scope_missing", nil},
		"all or nothing of the key":   {"join:zak", body(id, num, "zak", "onbehalf"), "scope_missing", nil},
		"a recording is its own":      {"join:zak", body(id, num, "local_recording"), "scope_missing", nil},
		"token is another thing":      {"token", body(id, num, "onbehalf"), "scope_missing", nil},
		"a link":                      {"all", body(id, map[string]any{"meeting_url": "https://us02web.zoom.us/j/" + number + "?pwd=a.1"}, "onbehalf"), "", []string{"onbehalf"}},
		"a number as people write it": {"all", body(id, map[string]any{"meeting_number": number[:3] + " " + number[3:7] + "-" + number[7:]}, "onbehalf"), "", []string{"onbehalf"}},
		"no type":                     {"all", map[string]any{"connection_id": id, "meeting_number": number, "types": []string{}}, "invalid_request", nil},
		"an unknown type":             {"all", body(id, num, "obf"), "invalid_request", nil},
		"a type twice":                {"all", body(id, num, "zak", "zak"), "invalid_request", nil},
		"link and number":             {"all", body(id, map[string]any{"meeting_number": number, "meeting_url": "https://zoom.us/j/" + number}, "zak"), "invalid_request", nil},
		"neither":                     {"all", body(id, nil, "zak"), "invalid_meeting_link", nil},
		"too short a number":          {"all", body(id, map[string]any{"meeting_number": "12345678"}, "zak"), "invalid_meeting_link", nil},
		"letters":                     {"all", body(id, map[string]any{"meeting_number": "12345678x"}, "zak"), "invalid_meeting_link", nil},
		"two links":                   {"all", body(id, map[string]any{"meeting_url": "https://zoom.us/j/" + number + " https://zoom.us/j/987654321"}, "zak"), "ambiguous_meeting_link", nil},
		"a personal link":             {"all", body(id, map[string]any{"meeting_url": "https://zoom.us/my/ana"}, "zak"), "personal_meeting_link", nil},
		"no such connection":          {"all", body("con_00000000000000000000000000", num, "zak"), "not_found", nil},
		"let go of":                   {"all", body(gone.Str("id"), num, "zak"), "connection_revoked", nil},
		"paused":                      {"all", body(paused.Str("id"), num, "zak"), "connection_paused", nil},
	} {
		status, out := w.Call(keys[tc.key], "POST", "/v1/join-tokens", tc.body)
		var got []string
		for _, token := range out.List("tokens") {
			if token.Str("token") == "" || token["parameters"] == nil {
				t.Errorf("%s: got %v, want a token and the SDK's name for it", name, token)
			}
			got = append(got, token.Str("type"))
		}
		if out.Str("code") != tc.code || tc.code == "" && status != http.StatusOK || !slices.Equal(got, tc.got) {
			t.Errorf("%s: got %d %s %v, want %q %v", name, status, out.Str("code"), got, tc.code, tc.got)
		}
	}
}

// Some types can be had and others not: what there is comes, the rest says why.
func TestSomeWorkAndOthersDoNot(t *testing.T) {
	w := lanyardtest.New(t)
	app := w.Zoom()
	link := w.OK("POST", "/v1/connect-sessions", map[string]any{"app_id": app, "end_user": map[string]any{"id": "u"},
		"return_url": lanyardtest.Return, "scopes": []string{"user:read:user", "user:read:token"}}).Str("connect_url")
	at := w.Browser().Consent(link, "ana")
	c := w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "u"})
	m, err := w.Sandbox.CreateMeeting("ana", "", "")
	if err != nil {
		t.Fatal(err)
	}
	both := w.OK("POST", "/v1/join-tokens", map[string]any{"connection_id": c.Str("id"), "meeting_number": m.Number, "types": []string{"zak", "onbehalf"}})
	failed := both.List("failed")
	if len(both.List("tokens")) != 1 || len(failed) != 1 || failed[0].Str("type") != "zak" || failed[0].Str("code") != "scopes_missing" {
		t.Errorf("got %v, want the one and why not the other", both)
	}
	alone := w.Fails("scopes_missing", "POST", "/v1/join-tokens", map[string]any{"connection_id": c.Str("id"), "meeting_number": m.Number, "types": []string{"zak"}})
	if alone.Str("reconnect_url") == "" || alone["missing_scopes"] == nil {
		t.Errorf("got %v, want the missing scope and a link to mend it", alone)
	}
}

// T21: a token refused by the provider costs one renewal, the second refusal none;
// every mint and every refusal is on the log, and no token is.
func TestTheLogHasEveryMintAndNoToken(t *testing.T) {
	w := lanyardtest.New(t, func(s *server.Settings) { s.TimeScale = 1000 }) // the least time between two renewals is 30 ms then
	c := w.Connect(w.Zoom(), "u", "ana")
	m, err := w.Sandbox.CreateMeeting("ana", "", "")
	if err != nil {
		t.Fatal(err)
	}
	mint := map[string]any{"connection_id": c.Str("id"), "meeting_number": m.Number, "types": []string{"onbehalf"}}
	renewals := func() int {
		return len(w.Sandbox.Ledger(sandbox.Query{Provider: sandbox.Zoom, Kind: "refresh", Event: "used"}))
	}
	if _, err := w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "api"}, Action: "status", Status: 401, Body: `{"code":124,"message":"Invalid access token."}`, Times: 1}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	token := w.OK("POST", "/v1/join-tokens", mint).List("tokens")[0].Str("token")
	if n := renewals(); n != 1 {
		t.Errorf("refused once: got %d renewals, want 1", n)
	}
	refused, err := w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "api"}, Action: "status", Status: 401, Body: `{"code":124,"message":"Invalid access token."}`})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	w.Fails("provider_refused", "POST", "/v1/join-tokens", mint)
	if n := renewals(); n != 2 {
		t.Errorf("refused again and again: got %d renewals, want 2", n)
	}
	w.Sandbox.RemoveFault(refused.ID)
	entries := w.OK("GET", "/v1/audit/entries?what=join_token.minted", nil).List("data")
	var outcomes []string
	for _, e := range entries {
		outcomes = append(outcomes, e.Str("outcome")+" "+e.Str("detail.type"))
	}
	if !slices.Equal(outcomes, []string{"failed onbehalf", "ok onbehalf"}) {
		t.Errorf("got %q, want one entry each, the last first", outcomes)
	}
	raw, err := json.Marshal(w.OK("GET", "/v1/audit/entries?limit=200", nil))
	if err != nil {
		t.Fatal(err)
	}
	var stored int
	w.One(&stored, `SELECT count(*) FROM entries WHERE detail LIKE $1`, "%"+token[:16]+"%")
	if strings.Contains(string(raw), token[:16]) || strings.Contains(w.Log.String(), token) || stored != 0 {
		t.Error("the log has the token")
	}
}
