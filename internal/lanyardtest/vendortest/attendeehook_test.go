package vendortest_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// atHook is a receiver of Attendee's webhooks: it reads the body, writes it again with sorted
// keys, no spaces and every character as it is, and compares the signature of that.
type atHook struct {
	mu     sync.Mutex
	secret []byte
	got    []lanyardtest.JSON
	wrong  []string
}

func (h *atHook) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	var body map[string]any
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if json.Unmarshal(raw, &body) != nil || enc.Encode(body) != nil {
		h.wrong = append(h.wrong, "not an object: "+string(raw))
		return
	}
	mac := hmac.New(sha256.New, h.secret)
	mac.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	if want := base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("X-Webhook-Signature") != want || r.Header.Get("Content-Type") != "application/json" ||
		r.Header.Get("User-Agent") != "Attendee-Webhook/1.0" {
		h.wrong = append(h.wrong, "signature or headers: "+string(raw))
	}
	h.got = append(h.got, body)
}

// last waits for the n-th message.
func (h *atHook) last(t *testing.T, n int) lanyardtest.JSON {
	t.Helper()
	var out lanyardtest.JSON
	lanyardtest.Eventually(t, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.got) < n {
			return false
		}
		out = h.got[n-1]
		return true
	}, "a message")
	return out
}

// A person takes the app out of their Zoom, and consents again. Attendee's clients are told
// of the first; here of both, and the list says the same.
func TestAttendeeStateChange(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	const secret = "webhook-secret-of-the-app"
	client := "zc_" + c.app[4:16]
	c.w.OK("PATCH", "/v1/apps/"+c.app, map[string]any{"webhook_secret": secret})
	change, err := json.Marshal(map[string]string{"webhook_url": c.w.URL + "/hooks/zoom/" + c.app, "webhook_secret": secret})
	if err == nil {
		_, err = c.w.Sandbox.PatchClient(sandbox.Zoom, client, change)
	}
	if err != nil {
		t.Fatal(err)
	}
	if wrong, err := c.w.Sandbox.ValidateWebhook(client); err != nil || wrong != "" {
		t.Fatalf("validate: %s %v", wrong, err)
	}
	h := &atHook{}
	at := httptest.NewServer(h)
	t.Cleanup(at.Close)
	made := c.w.OK("POST", "/v1/webhook-endpoints", map[string]any{"url": at.URL, "format": "attendee"})
	h.mu.Lock()
	h.secret, err = base64.StdEncoding.DecodeString(made.Str("secret"))
	h.mu.Unlock()
	if err != nil || len(h.secret) != 32 {
		t.Fatalf("got a secret of %d bytes, %v", len(h.secret), err)
	}
	a := c.connect("ana", map[string]any{"metadata": map[string]string{"tenant": "<7> ä"}})
	if _, err := c.w.Sandbox.Revoke(sandbox.Target{Provider: sandbox.Zoom, Client: client, Person: "ana"}); err != nil {
		t.Fatal(err)
	}
	m := h.last(t, 1)
	if m.Str("trigger") != "zoom_oauth_connection.state_change" || m.Str("zoom_oauth_connection_id") != a.Str("id") || m.Str("zoom_oauth_connection_metadata.tenant") != "<7> ä" ||
		m.Str("user_id") != a.Str("user_id") || m.Str("data.state") != "disconnected" || m.Str("data.connection_failure_data.timestamp") == "" ||
		!regexp.MustCompile(`^Zoom Authentication error: \S`).MatchString(m.Str("data.connection_failure_data.error")) ||
		!regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(m.Str("idempotency_key")) {
		t.Errorf("got %v", m)
	}
	data, _ := m["data"].(map[string]any)
	is := c.call("GET", "/zoom_oauth_connections/"+a.Str("id"), nil)
	if is.status != 200 || is.Str("state") != "disconnected" || is.Str("user_id") != a.Str("user_id") || is.Str("connection_failure_data.error") == "" {
		t.Errorf("got %d %s, want it listed, and why it is lost", is.status, is.raw)
	}
	// Every member is there, also those of which nothing is known any more; the time of the
	// failure has six digits and an offset, as in the list.
	for _, field := range []string{"last_successful_sync_at", "last_attempted_sync_at"} {
		if v, there := data[field]; !there || v != nil {
			t.Errorf("got %v, want %s null", data, field)
		}
	}
	if _, there := m["account_id"]; !there || len(m) != 7 || len(data) != 4 {
		t.Errorf("got %v, want the envelope's seven members", m)
	}
	if at := m.Str("data.connection_failure_data.timestamp"); !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$`).MatchString(at) {
		t.Errorf("got the timestamp %q", at)
	}
	c.call("DELETE", "/zoom_oauth_connections/"+a.Str("id"), nil).says(t, "delete what has ended", 200, "")
	c.call("GET", "/zoom_oauth_connections", nil).says(t, "list", 200, `{"next":null,"previous":null,"results":[]}`)

	// Lost and back: paused is neither, and is told when it is over.
	b := c.connect("ben", nil)
	c.w.SQL(`UPDATE listings SET listed_at = 1764324000100000`) // whose meetings were listed
	for _, paused := range []bool{true, false} {
		c.w.OK("PATCH", "/v1/connections/con_"+b.Str("id")[4:], map[string]any{"paused": paused})
	}
	back := c.call("GET", "/zoom_oauth_connections/"+b.Str("id"), nil)
	for _, field := range []string{"last_successful_sync_at", "last_attempted_sync_at"} {
		if at := h.last(t, 2).Str("data." + field); at != "2025-11-28T10:00:00.100000Z" || back.Str(field) != at {
			t.Errorf("%s: told %q, listed %q", field, at, back.Str(field))
		}
	}
	if m := h.last(t, 2); m.Str("zoom_oauth_connection_id") != b.Str("id") || m.Str("data.state") != "connected" || m["zoom_oauth_connection_metadata"] != nil ||
		m.Str("account_id") != b.Str("account_id") {
		t.Errorf("got %v, want it told that it works again", m)
	}

	// A bot, that joins at once and is told to leave.
	link, _ := c.meeting()
	bot := c.call("POST", "/bots", map[string]any{"meeting_url": link, "bot_name": "Notes", "metadata": map[string]string{"k": "v"}})
	c.call("POST", "/bots/"+bot.Str("id")+"/leave", nil)
	seen := map[string]lanyardtest.JSON{}
	for i := 3; i <= 4; i++ { // in whatever order
		m := h.last(t, i)
		if m.Str("trigger") != "bot.state_change" || m.Str("bot_id") != bot.Str("id") || m.Str("bot_metadata.k") != "v" || m.Str("data.created_at") == "" {
			t.Errorf("got %v", m)
		}
		seen[m.Str("data.new_state")] = m
	}
	if m := seen["joining"]; m.Str("data.old_state") != "scheduled" || m.Str("data.event_type") != "join_requested" {
		t.Errorf("got %v", seen)
	}
	if m := seen["ended"]; m.Str("data.old_state") != "joining" || m.Str("data.event_type") != "leave_requested" || m.Str("data.event_sub_type") != "user_requested" {
		t.Errorf("got %v", seen)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.wrong) > 0 {
		t.Errorf("got %q", h.wrong)
	}
}
