package vendortest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

const msCallback = "http://localhost:7000/own"

// msCustomer is a customer of MeetStream's, whose code knows a base address and a key.
type msCustomer struct {
	t    testing.TB
	w    *lanyardtest.World
	base string // where MeetStream's is https://api.meetstream.ai/api/v1
	key  string
	app  string
}

// msWorld has a customer who has put our address and key where MeetStream's were.
func msWorld(t *testing.T, options ...lanyardtest.Option) *msCustomer {
	t.Helper()
	return msOn(lanyardtest.New(t, options...))
}

// msOn is msWorld in a world that is there.
func msOn(w *lanyardtest.World) *msCustomer {
	w.T.Helper()
	app := w.Zoom()
	w.OK("PATCH", "/v1/project", map[string]any{"allow_unbound_codes": true})
	return &msCustomer{t: w.T, w: w, base: w.URL + "/meetstream/api/v1", key: msKey(w, w.Key, "meetstream"), app: app}
}

// msKey makes a key with every scope that joining needs.
func msKey(w *lanyardtest.World, with, dialect string) string {
	w.T.Helper()
	body := map[string]any{"scopes": []string{"connect", "read", "join:onbehalf"}}
	if dialect != "" {
		body["dialect"] = dialect
	}
	status, made := w.Call(with, "POST", "/v1/keys", body)
	if status != 201 {
		w.T.Fatalf("make a key: got %d %v", status, made)
	}
	return made.Str("credential")
}

// msAnswer is what a client of MeetStream's gets to see.
type msAnswer struct {
	status int
	header http.Header
	raw    string
	lanyardtest.JSON
}

func (c *msCustomer) call(method, path string, body any, headers ...string) msAnswer {
	c.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, in)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.key != "" {
		r.Header.Set("Authorization", "Token "+c.key)
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	a := msAnswer{status: resp.StatusCode, header: resp.Header, raw: string(raw), JSON: lanyardtest.JSON{}}
	_ = json.Unmarshal(raw, &a.JSON) // an array has no members
	return a
}

func (c *msCustomer) ok(method, path string, body any) msAnswer {
	c.t.Helper()
	a := c.call(method, path, body)
	if a.status >= 300 {
		c.t.Fatalf("%s %s: got %d %s, want success", method, path, a.status, a.raw)
	}
	return a
}

// refused is a call that has this status and message. Clients read message first.
func (c *msCustomer) refused(status int, message, method, path string, body any) msAnswer {
	c.t.Helper()
	a := c.call(method, path, body)
	if a.status != status || a.Str("message") != message {
		c.t.Errorf("%s %s: got %d %s, want %d with the message %q", method, path, a.status, a.raw, status, message)
	}
	return a
}

// code does what the guide says: the authorize URL, the person's browser, and what arrives
// at the customer's callback.
func (c *msCustomer) code(person, state string) url.Values {
	c.t.Helper()
	q := url.Values{"redirect_uri": {msCallback}}
	if state != "" {
		q.Set("state", state)
	}
	to := c.ok("GET", "/zoom/oauth/authorize-url?"+q.Encode(), nil).Str("authorize_url")
	b := c.w.Browser().Go("GET", to+"&sandbox_consent=allow&sandbox_person="+person, nil)
	at, err := url.Parse(b.Next())
	if err != nil || !strings.HasPrefix(b.Next(), msCallback) || at.Query().Get("code") == "" {
		c.t.Fatalf("the person arrived at %s with %v, want a code", b.Next(), err)
	}
	return at.Query()
}

// connect is the whole of the guide's step 2.
func (c *msCustomer) connect(person string) msAnswer {
	c.t.Helper()
	return c.ok("POST", "/zoom/oauth/connections", map[string]any{"code": c.code(person, "").Get("code"), "redirect_uri": msCallback,
		"metadata": map[string]string{"tenant_user_id": person}})
}

func (c *msCustomer) list() (out []lanyardtest.JSON) {
	c.t.Helper()
	a := c.ok("GET", "/zoom/oauth/connections", nil)
	if err := json.Unmarshal([]byte(a.raw), &out); err != nil {
		c.t.Fatalf("got %s, want a bare array: %v", a.raw, err)
	}
	return out
}

func msUser(w *lanyardtest.World, handle string) sandbox.Person {
	for _, p := range w.Sandbox.People(sandbox.Zoom) {
		if p.Handle == handle {
			return p.Person
		}
	}
	w.T.Fatalf("nobody is called %s", handle)
	return sandbox.Person{}
}

// msOther is a customer of another project of the same server, with an app of its own.
func msOther(c *msCustomer) *msCustomer {
	c.t.Helper()
	other := *c
	project := c.w.Operator("POST", "/v1/operator/projects", map[string]any{"name": "other"}).Str("id")
	scopes := []string{"admin", "connect", "read", "join:onbehalf"}
	admin := c.w.Operator("POST", "/v1/operator/keys", map[string]any{"project": project, "scopes": scopes}).Str("credential")
	if status, out := c.w.Call(admin, "PATCH", "/v1/project", map[string]any{"allow_unbound_codes": true}); status != 200 {
		c.t.Fatalf("got %d %v", status, out)
	}
	other.key = msKey(c.w, admin, "meetstream")
	return &other
}

// same compares two refusals, but for the id in the sentence and the request's own.
func same(t *testing.T, what string, a, b msAnswer, idA, idB string) {
	t.Helper()
	clean := func(x msAnswer, id string) string {
		raw := strings.ReplaceAll(strings.ReplaceAll(x.raw, id, "ID"), x.header.Get("X-Request-Id"), "REQ")
		names := []string{}
		for n := range x.header {
			names = append(names, n)
		}
		slices.Sort(names)
		return raw + strings.Join(names, " ")
	}
	if a.status != b.status || a.status < 400 || clean(a, idA) != clean(b, idB) {
		t.Errorf("%s: another project's: %d %s; nobody's: %d %s", what, a.status, a.raw, b.status, b.raw)
	}
}
