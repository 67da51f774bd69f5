package lanyardtest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
)

// A customer makes an endpoint, tests it, and is told of what happens, through the
// whole product.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	told := make(chan string, 20)
	receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told <- r.Header.Get("Webhook-Id") + " " + string(body)
		_, _ = io.WriteString(rw, "thank you")
	}))
	t.Cleanup(receiver.Close)

	made := w.OK("POST", "/v1/webhook-endpoints", map[string]any{"url": receiver.URL, "types": []string{"connection.*"}})
	id := made.Str("id")
	if secret := made.Str("secret"); len(secret) != 50 || made.Str("state") != "enabled" || made.Str("format") != "standard" {
		t.Errorf("got %v", made)
	}
	if one := w.OK("GET", "/v1/webhook-endpoints/"+id, nil); one.Str("secret") != "" || one.Str("url") != receiver.URL {
		t.Errorf("got %v, want no secret", one)
	}
	w.Fails("unknown_member", "POST", "/v1/webhook-endpoints", map[string]any{"url": receiver.URL, "secret": "mine"})
	w.Fails("invalid_request", "POST", "/v1/webhook-endpoints", map[string]any{"url": "https://192.168.0.1/"})
	w.Fails("invalid_request", "PATCH", "/v1/webhook-endpoints/"+id, map[string]any{"types": []string{"no.such"}})
	w.Fails("not_found", "GET", "/v1/deliveries/dlv_none", nil)

	delivery := w.OK("POST", "/v1/webhook-endpoints/"+id+"/test", nil)
	wait := func() string {
		t.Helper()
		select {
		case one := <-told:
			return one
		case <-time.After(10 * time.Second):
			t.Fatal("nobody was told within ten seconds")
			return ""
		}
	}
	first := wait()
	for end := time.Now().Add(10 * time.Second); delivery.Str("state") != "delivered"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got %v", delivery)
		}
		delivery = w.OK("GET", "/v1/deliveries/"+delivery.Str("id"), nil)
	}
	if delivery.Str("answer") != "thank you" || delivery["status"] != 200.0 {
		t.Errorf("got %v", delivery)
	}
	w.OK("POST", "/v1/deliveries/"+delivery.Str("id")+"/redeliver", nil)
	if again := wait(); again != first {
		t.Errorf("got %s, want %s again", again, first)
	}
	if list := w.OK("GET", "/v1/deliveries?endpoint_id="+id, nil).List("data"); len(list) != 1 {
		t.Errorf("got %v", list)
	}
	if more := w.OK("POST", "/v1/webhook-endpoints/"+id+"/rotate", map[string]any{}); more.Str("secret") == made.Str("secret") || len(more["public_keys"].([]any)) != 2 {
		t.Errorf("got %v", more)
	}
	w.OK("PATCH", "/v1/webhook-endpoints/"+id, map[string]any{"state": "disabled"})
	w.Fails("webhook_disabled", "POST", "/v1/webhook-endpoints/"+id+"/test", nil)
	w.Fails("webhook_disabled", "POST", "/v1/webhook-endpoints/"+id+"/redeliver", map[string]any{"since": time.Now().Add(-time.Hour)})
	w.OK("DELETE", "/v1/webhook-endpoints/"+id, nil)
	w.Fails("not_found", "GET", "/v1/webhook-endpoints/"+id, nil)
}
