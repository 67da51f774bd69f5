package lanyardtest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Foreign is an OAuth server that we did not write, running as a child process:
// test/idp/README.md says what there is and how to talk to it.
type Foreign struct {
	Issuer     string `json:"issuer"`
	Authorize  string `json:"authorization_endpoint"`
	Token      string `json:"token_endpoint"`
	Userinfo   string `json:"userinfo_endpoint"`
	Revoke     string `json:"revocation_endpoint"`
	Introspect string `json:"introspection_endpoint"`
	Error      string `json:"error"`

	ClientID, Secret string
	Tap              *Tap // stands before the token endpoint; apps registered by App go through it

	t    testing.TB
	in   io.Writer
	out  *bufio.Scanner
	oidc bool
}

// OIDCProvider starts the certified OpenID provider. It ends with the test.
func OIDCProvider(t testing.TB) *Foreign {
	t.Helper()
	node, dir := Node(t, "idp")
	return startForeign(t, true, node, filepath.Join(dir, "op.mjs"))
}

// Node returns the node program, and a folder of test/ whose npm packages are there.
func Node(t testing.TB, folder string) (program, dir string) {
	t.Helper()
	dir = folderOf(t, folder)
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		t.Fatalf("test/%[1]s has no node_modules: run `npm ci --ignore-scripts` in test/%[1]s, or ./check, which does (%[2]v)", folder, err)
	}
	program, err := exec.LookPath("node")
	if err != nil {
		t.Fatalf("Node ≥ 20 is needed for test/%s: install it, or run ./check, which does (%v)", folder, err)
	}
	return program, dir
}

// Fosite builds the fosite server from its own module and starts it. It ends
// with the test.
func Fosite(t testing.TB) *Foreign {
	t.Helper()
	program := filepath.Join(t.TempDir(), "fosite")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = filepath.Join(folderOf(t, "idp"), "fosite")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build test/idp/fosite: %v\n%s", err, out)
	}
	return startForeign(t, false, program)
}

// folderOf finds a folder of test/ from wherever the test runs in this repository.
func folderOf(t testing.TB, name string) string {
	t.Helper()
	at, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir := at; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "test", name, "package.json")); err == nil {
			return filepath.Join(dir, "test", name)
		}
		if dir == filepath.Dir(dir) {
			t.Fatalf("there is no test/%s above %s", name, at)
		}
	}
}

func startForeign(t testing.TB, oidc bool, program string, args ...string) *Foreign {
	t.Helper()
	// Characters that differ between the spellings of HTTP Basic (RFC 6749 §2.3.1).
	f := &Foreign{t: t, oidc: oidc, ClientID: "lanyard:at/home", Secret: "a secret: of+more than 32 characters, 100% sure"}
	cmd := exec.CommandContext(context.Background(), program, args...) // it ends when its input does
	cmd.Stderr = t.Output()
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
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s ended with: %v", program, err)
		}
	})
	f.in, f.out = in, bufio.NewScanner(out)
	f.tell(map[string]any{"client_id": f.ClientID, "client_secret": f.Secret, "redirect_uris": []string{},
		"scopes": []string{"calls.read"}, "access_token_seconds": 3600})
	f.Tap = newTap(t, f.Token)
	return f
}

// tell sends one line and reads the answer into f.
func (f *Foreign) tell(line any) {
	f.t.Helper()
	raw, err := json.Marshal(line)
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.in.Write(append(raw, '\n')); err != nil {
		f.t.Fatal(err)
	}
	if !f.out.Scan() {
		f.t.Fatalf("the foreign server does not answer: %v", f.out.Err())
	}
	if err := json.Unmarshal(f.out.Bytes(), f); err != nil || f.Error != "" {
		f.t.Fatalf("the foreign server answers %s (%v)", f.out.Bytes(), err)
	}
}

// Definition describes the server in the words of the catalogue, as a customer
// would who reads its documentation.
func (f *Foreign) Definition() map[string]any {
	d := map[string]any{
		"name": "Calls Inc",
		"endpoints": map[string]string{"authorize": f.Authorize, "token": f.Tap.URL, "revoke": f.Revoke, "identity": f.Userinfo,
			"api": f.Issuer},
		"client_auth": "basic",
		"probe":       "bogus_refresh",
		"authorize":   map[string]any{"pkce": "required", "scopes_always": []string{"offline_access", "email", "profile"}},
		"class":       "reuse_kill",
		"rules":       map[string]any{"rotation_kills_access": true},
		"identity":    map[string]any{"subject": "sub", "email": "email", "name": "name"},
		"revoke":      map[string]any{"style": "rfc7009"},
		"scopes":      []map[string]string{{"scope": "calls.read", "say": "See your calls"}},
	}
	if !f.oidc {
		return d
	}
	delete(d, "class") // nothing said: the most careful one
	delete(d, "rules") // an access token outlives the renewal
	e := d["endpoints"].(map[string]string)
	e["issuer"], e["discovery"] = f.Issuer, f.Issuer+"/.well-known/openid-configuration"
	d["authorize"] = map[string]any{"pkce": "required", "scopes_always": []string{"openid", "offline_access", "email", "profile"},
		"params": map[string]string{"prompt": "consent"}, "issuer_returned": true}
	d["identity"] = map[string]any{"subject": "sub", "email": "email", "name": "name",
		"claims": map[string]string{"subject": "sub", "email": "email", "name": "name"}}
	return d
}

// OwnCallback is the callback of the customer's own at foreign servers.
const OwnCallback = "http://localhost:7000/own"

// App registers the server as a custom provider, with the operator's leave, and
// the app's redirect URI at the server. It returns the app's id.
func (f *Foreign) App(w *World) string {
	w.T.Helper()
	w.OK("PATCH", "/v1/project", map[string]any{"return_urls": []string{Return}, "display_name": "Harbour Notes"})
	w.Operator("PATCH", "/v1/project", map[string]any{"allow_custom_provider": true})
	app := w.OK("POST", "/v1/apps", map[string]any{"provider": "custom", "custom": f.Definition(), "scopes": []string{"calls.read"},
		"client_id": f.ClientID, "client_secret": f.Secret, "redirect_uris": []string{OwnCallback}})
	f.tell(map[string]any{"redirect_uris": []string{app.Str("redirect_uri"), OwnCallback}})
	return app.Str("id")
}

// Ask posts a form to one of the server's endpoints as its client, past the tap.
func (f *Foreign) Ask(endpoint string, form url.Values) (int, JSON) {
	f.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(f.ClientID), url.QueryEscape(f.Secret))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	out := JSON{}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil && !errors.Is(err, io.EOF) {
		f.t.Fatalf("%s: %v", endpoint, err)
	}
	return resp.StatusCode, out
}

// Lives says what the server itself thinks of a token (RFC 7662).
func (f *Foreign) Lives(token string) bool {
	f.t.Helper()
	status, out := f.Ask(f.Introspect, url.Values{"token": {token}})
	if status != http.StatusOK {
		f.t.Fatalf("introspection: got %d %v", status, out)
	}
	active, _ := out["active"].(bool)
	return active
}

// Spend presents a refresh token as somebody would who stole it together with
// the client's secret.
func (f *Foreign) Spend(refresh string) (int, JSON) {
	f.t.Helper()
	return f.Ask(f.Token, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
}
