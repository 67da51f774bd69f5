package vendortest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/server"
)

// Attack: what no client sends. Nothing of it is an error of the server's, on either database,
// and none of it is a way to see or to do what is another's.
func TestOddRequestsAreNobodysFault(t *testing.T) {
	lanyardtest.Each(t, oddRequests, func(s *server.Settings) { s.LimitKeyPerSecond = 1_000_000 })
}

func oddRequests(t *testing.T, w *lanyardtest.World) {
	app := w.Zoom()
	w.OK("PATCH", "/v1/project", map[string]any{"allow_unbound_codes": true})
	c := w.Connect(app, "zoom:"+msUser(w, "ana").ID, "ana")
	m, err := w.Sandbox.CreateMeeting("ana", "Weekly", "")
	if err != nil {
		t.Fatal(err)
	}
	link := "https://us02web.zoom.us/j/" + m.Number + "?pwd=a.1"
	bot := w.OK("POST", "/v1/bots", map[string]any{"meeting_url": link, "candidates": of(c), "metadata": map[string]string{"a": "b"}}).Str("id")
	made := w.OK("POST", "/v1/token-urls", map[string]any{"types": []string{"onbehalf"}, "candidates": of(c)})
	odd := []string{"%00", "%ff", "a%00b", "%F0%9F%8E%A5", "..%2f..", strings.Repeat("a", 3000), "zoc_%00", "bot_00000000000000000000000000", "-1", "9223372036854775808", "%7B%22%24ne%22%3A1%7D", "1e400", "%27%20OR%201%3D1--", "+", "%20"}
	ask := func(method, path, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, strings.NewReader(body))
		if err != nil {
			return // not a request
		}
		r.Header.Set("Authorization", "Token "+w.Key)
		r.Header.Set("Content-Type", "application/json")
		client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		res, err := client.Do(r)
		if err != nil {
			t.Errorf("%s %.200s: %v", method, path, err)
			return
		}
		raw, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode >= 500 && res.StatusCode != http.StatusBadGateway {
			t.Errorf("%s %.200s %.200q: got %d %.300s", method, path, body, res.StatusCode, raw)
		}
	}
	for _, v := range odd {
		for _, p := range []string{
			"GET /attendee/api/v1/zoom_oauth_connections/?", "DELETE /attendee/api/v1/zoom_oauth_connections/?", "GET /attendee/api/v1/zoom_oauth_connections?cursor=?",
			"GET /attendee/api/v1/bots/?", "PATCH /attendee/api/v1/bots/?", "DELETE /attendee/api/v1/bots/?", "POST /attendee/api/v1/bots/?/leave", "GET /attendee/api/v1/bots/?/transcript",
			"GET /attendee/api/v1/bots?cursor=?", "GET /attendee/api/v1/bots?states=?", "GET /attendee/api/v1/bots?join_at_after=?", "GET /attendee/api/v1/bots?join_at_before=?",
			"GET /attendee/api/v1/bots?deduplication_key=?", "GET /attendee/api/v1/bots?meeting_url=?",
			"GET /meetstream/api/v1/zoom/oauth/connections/?", "DELETE /meetstream/api/v1/zoom/oauth/connections/?", "GET /meetstream/api/v1/zoom/oauth/authorize-url?redirect_uri=?&state=?",
			"GET /meetstream/api/v1/zoom/oauth/authorize-url?redirect_uri=http://localhost:7000/own&state=?",
			"GET /meetstream/api/v1/bots?cursor=?", "GET /meetstream/api/v1/bots?custom_attr[?]=?", "GET /meetstream/api/v1/bots?custom_attr[a]=?", "GET /meetstream/api/v1/bots?status=?", "GET /meetstream/api/v1/bots?from=?",
			"GET /meetstream/api/v1/bots?limit=?", "GET /meetstream/api/v1/bots?platform=?", "GET /meetstream/api/v1/bots/?/status", "GET /meetstream/api/v1/bots/?/detail", "GET /meetstream/api/v1/bots/?/remove_bot", "DELETE /meetstream/api/v1/bots/?/delete",
			"GET /api/v1/bots?cursor=?", "GET /api/v1/bots?status=?&states=?", "GET /api/v1/bots/?", "GET /api/v1/?", "DELETE /api/v1/bots/?",
			"GET /v1/token-urls?key_id=?", "DELETE /v1/token-urls?key_id=?", "DELETE /v1/token-urls/?", "DELETE /v1/keys/?", "DELETE /v1/keys/?token_urls=true", "GET /v1/token-urls?cursor=?",
			"GET /t/?", "GET /connect/cl.?", "POST /connect/cl.?", "GET /connect/rc.?", "GET /connect/cl.?.?.?.?.?.?", "POST /v1/connections/?/token", "GET /v1/bots/?", "GET /v1/bots?cursor=?", "GET /v1/proxy/?/v2/users/me",
		} {
			method, path, _ := strings.Cut(p, " ")
			path, query, has := strings.Cut(path, "?")
			if !has || !strings.Contains(query, "=") {
				path, query, has = strings.Replace(p[len(method)+1:], "?", v, 10), "", false
			}
			if has {
				path += "?" + strings.ReplaceAll(query, "?", v)
			}
			ask(method, path, "{}")
		}
		text, _ := url.PathUnescape(v)
		for _, tail := range []string{"", "?meeting_number=" + v, "?meeting_url=" + v, "?connection=" + v} {
			at := strings.TrimPrefix(made.Str("url"), w.URL)
			ask("GET", at+tail, "")
			ask("POST", at+tail, `{}`)
		}
		quoted, _ := json.Marshal(text)
		for _, value := range []string{string(quoted), "null", "1e999", "-0", `{"a":{"b":[]}}`, "[]", `["x",1,null]`, "true", `"9999-12-31T23:59:59.999999999+14:00"`, `"0000-01-01T00:00:00Z"`, `"\u0000"`} {
			for _, field := range []string{"meeting_url", "bot_name", "join_at", "metadata", "deduplication_key", "zoom_settings", "callback_settings", "webhooks", "automatic_leave_settings", "calendar_event_id"} {
				body := map[string]json.RawMessage{"meeting_url": json.RawMessage(`"` + link + `"`), "bot_name": json.RawMessage(`"N"`)}
				body[field] = json.RawMessage(value)
				ask("POST", "/attendee/api/v1/bots", bodyOf(body))
				ask("PATCH", "/attendee/api/v1/bots/"+bot, bodyOf(map[string]json.RawMessage{field: json.RawMessage(value)}))
			}
			for _, field := range []string{"meeting_link", "bot_name", "join_at", "custom_attributes", "deduplication_key", "zoom", "callback_url"} {
				body := map[string]json.RawMessage{"meeting_link": json.RawMessage(`"` + link + `"`), "bot_name": json.RawMessage(`"N"`)}
				body[field] = json.RawMessage(value)
				ask("POST", "/meetstream/api/v1/bots/create_bot", bodyOf(body))
			}
			for _, field := range []string{"authorization_code", "redirect_uri", "zoom_oauth_app_id", "metadata", "is_onbehalf_token_supported"} {
				body := map[string]json.RawMessage{"authorization_code": json.RawMessage(`"x"`), "redirect_uri": json.RawMessage(`"https://example.com/cb"`)}
				body[field] = json.RawMessage(value)
				ask("POST", "/attendee/api/v1/zoom_oauth_connections", bodyOf(body))
			}
			for _, field := range []string{"code", "redirect_uri", "metadata"} {
				body := map[string]json.RawMessage{"code": json.RawMessage(`"x"`), "redirect_uri": json.RawMessage(`"https://example.com/cb"`)}
				body[field] = json.RawMessage(value)
				ask("POST", "/meetstream/api/v1/zoom/oauth/connections", bodyOf(body))
			}
		}
	}
}

func bodyOf(m map[string]json.RawMessage) string {
	var b strings.Builder
	b.WriteString("{")
	for k, v := range m {
		if b.Len() > 1 {
			b.WriteString(",")
		}
		b.WriteString(`"` + k + `":` + string(v))
	}
	return b.String() + "}"
}
