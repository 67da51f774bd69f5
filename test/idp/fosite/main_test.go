package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const redirectURI = "http://127.0.0.1:9/callback"

// TestMain lets the test binary be the program, so that the tests start a real
// child process without building a second binary.
func TestMain(m *testing.M) {
	if os.Getenv("FOSITE_TEST_CHILD") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is the program running beside the test.
type child struct {
	ready
	in  io.WriteCloser
	out *bufio.Scanner
}

func startChild(t *testing.T, first string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "FOSITE_TEST_CHILD=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{in: in, out: bufio.NewScanner(out)}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("after its input ended: %v", err)
		}
	})
	if err := json.Unmarshal([]byte(c.tell(t, first)), &c.ready); err != nil || c.Issuer == "" {
		t.Fatalf("not ready: %v %s", err, c.out.Text())
	}
	return c
}

func (c *child) tell(t *testing.T, line string) string {
	t.Helper()
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		t.Fatal(err)
	}
	if !c.out.Scan() {
		t.Fatalf("no answer: %v", c.out.Err())
	}
	return c.out.Text()
}

func (c *child) authorizeURL(extra url.Values) string {
	v := url.Values{"client_id": {"lanyard"}, "redirect_uri": {redirectURI}, "response_type": {"code"},
		"scope": {"offline_access calls.read"}, "state": {"a-state-of-some-length"}}
	for k := range extra {
		v.Set(k, extra.Get(k))
	}
	return c.AuthorizationEndpoint + "?" + v.Encode()
}

// signIn opens u, fills in the form and returns what came to the redirect URI.
func signIn(t *testing.T, u, decision string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: 10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := browser.Get(u)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode == http.StatusOK {
		r, err = browser.PostForm(u, url.Values{"login": {"ana"}, "password": {"x"}, "decision": {decision}})
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
	}
	to, err := r.Location()
	if err != nil {
		t.Fatalf("%s: %v", r.Status, err)
	}
	return to.Query()
}

func (c *child) post(t *testing.T, endpoint string, form url.Values) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequest("POST", endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("lanyard", "secret")
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if len(b) > 0 {
		if err := json.Unmarshal(b, &out); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
	}
	return r.StatusCode, out
}

const verifier = "a-verifier-that-is-long-enough-for-the-rule-of-43-characters"

func challenge() url.Values {
	sum := sha256.Sum256([]byte(verifier))
	return url.Values{"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
}

func (c *child) connect(t *testing.T) (access, refresh string) {
	t.Helper()
	code := signIn(t, c.authorizeURL(challenge()), "allow").Get("code")
	status, first := c.post(t, c.TokenEndpoint, url.Values{"grant_type": {"authorization_code"}, "code": {code},
		"redirect_uri": {redirectURI}, "code_verifier": {verifier}})
	if status != http.StatusOK {
		t.Fatalf("code not traded: %d %v", status, first)
	}
	return first["access_token"].(string), first["refresh_token"].(string)
}

func (c *child) who(t *testing.T, access string) (int, string) {
	t.Helper()
	req, err := http.NewRequest("GET", c.UserinfoEndpoint, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+access)
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

func TestServer(t *testing.T) {
	c := startChild(t, `{"client_id":"lanyard","client_secret":"secret","scopes":["calls.read"]}`)

	t.Run("redirect URI told later", func(t *testing.T) {
		r, err := http.Get(c.authorizeURL(challenge()))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusBadRequest {
			t.Errorf("an unknown redirect URI: got %s, want 400", r.Status)
		}
		c.tell(t, `{"redirect_uris":["`+redirectURI+`"]}`)
	})

	t.Run("no challenge, no code", func(t *testing.T) {
		if got := signIn(t, c.authorizeURL(nil), "allow"); got.Get("error") != "invalid_request" {
			t.Errorf("got %v, want invalid_request", got)
		}
	})

	t.Run("person says no", func(t *testing.T) {
		if got := signIn(t, c.authorizeURL(challenge()), "deny"); got.Get("error") != "access_denied" {
			t.Errorf("got %v, want access_denied", got)
		}
	})

	t.Run("a spent refresh token ends its family", func(t *testing.T) {
		access, refresh := c.connect(t)
		if status, body := c.who(t, access); status != 200 || !strings.Contains(body, `"ana@example.com"`) {
			t.Errorf("userinfo: got %d %s", status, body)
		}
		if status, in := c.post(t, c.IntrospectionEndpoint, url.Values{"token": {access}}); status != 200 || in["active"] != true {
			t.Errorf("introspection: got %d %v", status, in)
		}
		status, second := c.post(t, c.TokenEndpoint, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
		if status != 200 || second["refresh_token"] == refresh {
			t.Fatalf("rotation: got %d %v", status, second)
		}
		for _, token := range []string{refresh, second["refresh_token"].(string)} {
			status, out := c.post(t, c.TokenEndpoint, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
			if status != 400 || out["error"] != "invalid_grant" {
				t.Errorf("after reuse: got %d %v, want invalid_grant", status, out)
			}
		}
	})

	t.Run("revocation", func(t *testing.T) {
		access, refresh := c.connect(t)
		if status, _ := c.post(t, c.RevocationEndpoint, url.Values{"token": {refresh}}); status != 200 {
			t.Fatalf("revoke: got %d", status)
		}
		if status, _ := c.who(t, access); status != http.StatusUnauthorized {
			t.Errorf("userinfo after revocation: got %d, want 401", status)
		}
	})
}

func TestBadSettingsAreToldAndEndIt(t *testing.T) {
	for name, line := range map[string]string{
		"no client":      `{}`,
		"unknown member": `{"client_id":"a","client_secret":"b","colour":"red"}`,
		"not JSON":       `client`,
	} {
		var out strings.Builder
		if err := run(strings.NewReader(line+"\n"), &out); err == nil || !strings.HasPrefix(out.String(), `{"error":"`) {
			t.Errorf("%s: got %v and told %q, want an error in both", name, err, out.String())
		}
	}
	if err := run(strings.NewReader(""), io.Discard); err == nil {
		t.Error("no line at all: want an error")
	}
}
