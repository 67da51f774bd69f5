package foreigntest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
)

// sent is a webhook as test/webhook/verify.mjs takes it.
type sent struct {
	Secret  string            `json:"secret"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// verify asks the reference library about each: true, or why not.
func verify(t *testing.T, messages ...sent) (out []any) {
	t.Helper()
	node, dir := lanyardtest.Node(t, "webhook")
	in, err := json.Marshal(map[string]any{"messages": messages})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "verify.mjs")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(in)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	raw, err := cmd.Output()
	if err != nil {
		t.Fatalf("verify.mjs: %v\n%s", err, complaint.String())
	}
	if err := json.Unmarshal(raw, &out); err != nil || len(out) != len(messages) {
		t.Fatalf("verify.mjs said %s (%v)", raw, err)
	}
	return out
}

// What the product really sends is taken by the reference library of Standard Webhooks,
// with the new and the old secret during a rotation, and nothing that was changed is.
func TestTheReferenceLibraryTakesOurWebhooks(t *testing.T) {
	w := lanyardtest.New(t)
	got := make(chan sent, 20)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		m := sent{Headers: map[string]string{}, Body: string(body)}
		for name := range r.Header {
			m.Headers[strings.ToLower(name)] = r.Header.Get(name)
		}
		got <- m
	}))
	t.Cleanup(receiver.Close)
	next := func() sent {
		t.Helper()
		select {
		case m := <-got:
			return m
		case <-time.After(15 * time.Second):
			t.Fatal("nobody was told within fifteen seconds")
			return sent{}
		}
	}
	made := w.OK("POST", "/v1/webhook-endpoints", map[string]any{"url": receiver.URL})
	id, secret := made.Str("id"), made.Str("secret")
	w.OK("POST", "/v1/webhook-endpoints/"+id+"/test", nil)
	m := next()
	m.Secret = secret

	changed := func(what func(*sent)) sent {
		c := m
		c.Headers = map[string]string{}
		for name, v := range m.Headers {
			c.Headers[name] = v
		}
		what(&c)
		return c
	}
	other := w.OK("POST", "/v1/webhook-endpoints", map[string]any{"url": receiver.URL, "types": []string{"app.*"}}).Str("secret")
	old := time.Now().Add(-6 * time.Minute).Unix()
	out := verify(t, m,
		changed(func(c *sent) { c.Body = strings.Replace(c.Body, "endpoint.test", "endpoint.tess", 1) }),
		changed(func(c *sent) { c.Headers["webhook-id"] += "x" }),
		changed(func(c *sent) { c.Headers["webhook-timestamp"] = strconv.FormatInt(old, 10) }),
		changed(func(c *sent) { c.Secret = other }))
	if out[0] != true {
		t.Errorf("the library says %v of what was sent, want it taken", out[0])
	}
	for i, said := range out[1:] {
		if said == true {
			t.Errorf("the library takes changed message %d", i+1)
		}
	}

	rotated := w.OK("POST", "/v1/webhook-endpoints/"+id+"/rotate", map[string]any{}).Str("secret")
	w.OK("POST", "/v1/webhook-endpoints/"+id+"/test", nil)
	during := next()
	before, after := during, during
	before.Secret, after.Secret = secret, rotated
	for i, said := range verify(t, before, after) {
		if said != true || secret == rotated {
			t.Errorf("during a rotation the library says %v with secret %d of two, want it taken", said, i+1)
		}
	}
}
