package lanyardtest_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// api METHOD PATH [as KEY] [NAME:VALUE header…] [BODY] asks the API. Without as,
// it is the first key; "as operator" goes through the socket, "as nobody" without
// a key. PATH may be a whole address. BODY begins with { or @FILE.
func cmdAPI(p *play, ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: api METHOD PATH [as KEY] [HEADER:VALUE…] [BODY]")
	}
	method, path, args := args[0], args[1], args[2:]
	key, client := p.w.Key, http.DefaultClient
	if len(args) > 1 && args[0] == "as" {
		key, args = args[1], args[2:]
	}
	switch key {
	case "operator":
		key, client = "", p.operator()
	case "nobody":
		key = ""
	}
	header, body := http.Header{}, ""
	for _, a := range args {
		name, value, ok := strings.Cut(a, ":")
		switch {
		case strings.HasPrefix(a, "@"):
			body = os.Expand(strings.TrimSpace(ts.ReadFile(a[1:])), ts.Getenv)
		case strings.HasPrefix(a, "{") || strings.HasPrefix(a, "["):
			body = a
		case ok:
			header.Add(name, value)
		default:
			ts.Fatalf("%q is no body, @FILE or HEADER:VALUE", a)
		}
	}
	if !strings.HasPrefix(path, "http") {
		path = p.w.URL + path
	}
	r, err := http.NewRequestWithContext(context.Background(), method, path, strings.NewReader(unfold(ts, body)))
	ts.Check(err)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	p.do(ts, client, r)
}

// unfold writes out what a script cannot: <deep N> nested lists, <long N> letters,
// <bytes HH…> by their hexadecimal digits.
func unfold(ts *testscript.TestScript, body string) string {
	for {
		from := strings.IndexByte(body, '<')
		to := strings.IndexByte(body, '>')
		if from < 0 || to < from {
			return body
		}
		what, arg, ok := strings.Cut(body[from+1:to], "-")
		n, err := strconv.Atoi(arg)
		var text string
		switch {
		case ok && what == "deep" && err == nil:
			text = strings.Repeat("[", n) + strings.Repeat("]", n)
		case ok && what == "long" && err == nil:
			text = strings.Repeat("a", n)
		case ok && what == "byte":
			b, err := strconv.ParseUint(arg, 16, 8)
			ts.Check(err)
			text = string([]byte{byte(b)})
		default:
			return body
		}
		body = body[:from] + text + body[to+1:]
	}
}

// operator is the client at the operator's socket.
func (p *play) operator() *http.Client {
	socket := p.w.Socket
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
}

// jsonAt returns the value at a path such as data.0.id as text; "" if there is none.
func jsonAt(body, path string) string {
	var at any
	if json.Unmarshal([]byte(body), &at) != nil {
		return ""
	}
	for part := range strings.SplitSeq(path, ".") {
		switch v := at.(type) {
		case map[string]any:
			at = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(v) {
				return ""
			}
			at = v[i]
		default:
			return ""
		}
	}
	switch v := at.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	raw, err := json.Marshal(at)
	if err != nil {
		return ""
	}
	return string(raw)
}

// call is api for commands that need its answer and must have success.
func (p *play) call(ts *testscript.TestScript, key, method, path string, body any) lanyardtest.JSON {
	status, out := p.w.Call(key, method, path, body)
	if status >= 300 {
		ts.Fatalf("%s %s: got %d %v", method, path, status, out)
	}
	return out
}

// project NAME makes another customer; $NAME is then their key, with every scope.
func cmdProject(p *play, ts *testscript.TestScript, _ bool, args []string) {
	post := func(path, body string) string {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, p.w.URL+path, strings.NewReader(body))
		ts.Check(err)
		r.Header.Set("Content-Type", "application/json")
		p.do(ts, p.operator(), r)
		if p.last.status != http.StatusCreated {
			ts.Fatalf("%s: got %d %s", path, p.last.status, p.last.body)
		}
		return p.last.body
	}
	id := jsonAt(post("/v1/operator/projects", `{"name":"`+args[0]+`"}`), "id")
	scopes, err := json.Marshal(lanyard.Scopes)
	ts.Check(err)
	ts.Setenv(args[0], jsonAt(post("/v1/operator/keys", `{"project":"`+id+`","scopes":`+string(scopes)+`}`), "credential"))
	ts.Setenv(args[0]+"_ID", id)
}

// app NAME PROVIDER [OPTION=VALUE…] registers a client at the pretend provider and
// the app for it here; $NAME is its id. Options: as (a key), scopes, optional,
// pkce, secret, webhook_secret, next_secret; of the client: require_pkce,
// access_ttl. Provider oidc is a custom one.
func cmdApp(p *play, ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: app NAME PROVIDER [OPTION=VALUE…]")
	}
	o := pairs(ts, args[2:])
	key := or(o["as"], p.w.Key)
	p.call(ts, key, "PATCH", "/v1/project", map[string]any{"return_urls": []string{lanyardtest.Return}, "display_name": "Harbour Notes"})
	spec := map[string]any{"provider": args[1], "endpoints": p.endpoints(args[1])}
	scopes := map[string][]string{"zoom": lanyardtest.ZoomScopes, "oidc": {"openid", "email", "offline_access"},
		"google": {"openid", "email", "https://www.googleapis.com/auth/calendar.readonly"}}[args[1]]
	if o["scopes"] != "" {
		scopes = strings.Split(o["scopes"], ",")
	}
	spec["scopes"] = scopes
	if o["optional"] != "" {
		spec["scopes_optional"] = strings.Split(o["optional"], ",")
		scopes = append(scopes[:len(scopes):len(scopes)], strings.Split(o["optional"], ",")...)
	}
	if args[1] == "oidc" {
		spec["provider"], spec["custom"] = "custom", p.oidc()
		delete(spec, "endpoints")
	}
	for _, name := range []string{"pkce", "webhook_secret"} {
		if o[name] != "" {
			spec[name] = o[name]
		}
	}
	made := p.call(ts, key, "POST", "/v1/apps", spec)
	id := made.Str("id")
	c := sandbox.Client{Provider: args[1], ID: "client_" + id[4:], Secret: or(o["secret"], "client-secret-of-"+id), Name: "Harbour Notes",
		RedirectURIs: []string{made.Str("redirect_uri"), "http://localhost:7000/own"}, Scopes: scopes, RequirePKCE: o["require_pkce"] == "true"}
	if o["access_ttl"] != "" {
		n, err := strconv.Atoi(o["access_ttl"])
		ts.Check(err)
		c.AccessTTL = n
	}
	_, err := p.w.Sandbox.RegisterClient(c)
	ts.Check(err)
	change := map[string]any{"client_id": c.ID, "client_secret": c.Secret, "redirect_uris": []string{"http://localhost:7000/own"}}
	if o["next_secret"] != "" {
		change["next_client_secret"] = o["next_secret"]
	}
	p.call(ts, key, "PATCH", "/v1/apps/"+id, change)
	ts.Setenv(args[0], id)
}

func (p *play) endpoints(provider string) map[string]string {
	s := p.w.SandURL
	switch provider {
	case "zoom":
		return p.w.ZoomEndpoints()
	case "google":
		return map[string]string{"authorize": s + "/google/o/oauth2/v2/auth", "token": s + "/google/token", "revoke": s + "/google/revoke",
			"identity": s + "/google/userinfo", "issuer": s + "/google", "jwks": s + "/google/jwks"}
	}
	return nil
}

// oidc is the definition of the sandbox's strict provider, as a customer writes it.
func (p *play) oidc() map[string]any {
	s := p.w.SandURL + "/oidc"
	return map[string]any{"id": "custom", "name": "Harbour Sign-in", "client_auth": "basic", "class": "reuse_kill",
		"endpoints": map[string]string{"authorize": s + "/authorize", "token": s + "/token", "revoke": s + "/revoke", "identity": s + "/userinfo",
			"issuer": s, "jwks": s + "/jwks"},
		"authorize": map[string]any{"pkce": "required", "issuer_returned": true},
		"times":     map[string]any{"access": 600, "code": 60},
		"rules":     map[string]any{},
		"identity":  map[string]any{"subject": "sub", "email": "email", "name": "name", "claims": map[string]string{"subject": "sub", "email": "email"}},
		"revoke":    map[string]any{"style": "rfc7009"},
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// invite NAME app=APP user=USER [as=KEY] [scopes=…] invites a person; $NAME is the
// link, $NAME_SESSION the invitation's id.
func cmdInvite(p *play, ts *testscript.TestScript, _ bool, args []string) {
	o := pairs(ts, args[1:])
	body := map[string]any{"app_id": o["app"], "end_user": map[string]any{"id": o["user"]}, "return_url": lanyardtest.Return}
	if o["scopes"] != "" {
		body["scopes"] = strings.Split(o["scopes"], ",")
	}
	if o["email"] != "" {
		body["end_user"] = map[string]any{"id": o["user"], "email": o["email"], "display_name": o["name"]}
	}
	made := p.call(ts, or(o["as"], p.w.Key), "POST", "/v1/connect-sessions", body)
	ts.Setenv(args[0], made.Str("connect_url"))
	ts.Setenv(args[0]+"_SESSION", made.Str("id"))
}

// connect NAME app=APP user=USER person=PERSON [as=KEY] is the whole journey, as
// it should go; $NAME is the connection's id.
func cmdConnect(p *play, ts *testscript.TestScript, _ bool, args []string) {
	o := pairs(ts, args[1:])
	key := or(o["as"], p.w.Key)
	made := p.call(ts, key, "POST", "/v1/connect-sessions", map[string]any{"app_id": o["app"], "end_user": map[string]any{"id": o["user"]}, "return_url": lanyardtest.Return})
	at := p.w.Browser().Consent(made.Str("connect_url"), o["person"])
	done := p.call(ts, key, "POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": o["user"]})
	ts.Setenv(args[0], done.Str("id"))
	ts.Setenv(args[0]+"_SESSION", made.Str("id"))
}

// forge NAME wrong-secret|unknown-id|wrong-mark KEY makes a key that is none, with
// a checksum that is right.
func cmdForge(_ *play, ts *testscript.TestScript, _ bool, args []string) {
	k := []byte(args[2])
	const idEnd, secretEnd = 30, 31 + 43
	flip := func(i int) {
		if k[i] == 'a' {
			k[i] = 'b'
		} else {
			k[i] = 'a'
		}
	}
	switch args[1] {
	case "wrong-secret":
		flip(idEnd + 5)
	case "unknown-id":
		flip(idEnd - 2)
	case "wrong-mark":
		flip(secretEnd + 2)
	default:
		ts.Fatalf("usage: forge NAME wrong-secret|unknown-id|wrong-mark KEY")
	}
	whole := string(k[:len(k)-6])
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.ChecksumIEEE([]byte(whole)))
	ts.Setenv(args[0], whole+base64.RawURLEncoding.EncodeToString(sum[:]))
}

// fault JSON makes the pretend provider fail, as package sandbox describes; fault
// off ends all of it.
func cmdFault(p *play, ts *testscript.TestScript, _ bool, args []string) {
	if args[0] == "off" {
		p.w.Sandbox.RemoveFault("")
		return
	}
	var f sandbox.Fault
	ts.Check(json.Unmarshal([]byte(strings.Join(args, " ")), &f))
	_, err := p.w.Sandbox.AddFault(f)
	ts.Check(err)
}

// ledger N FIELD=VALUE… counts what the pretend providers issued, saw and refused.
func cmdLedger(p *play, ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	o := pairs(ts, args[1:])
	got := p.w.Sandbox.Ledger(sandbox.Query{Provider: o["provider"], Person: o["person"], Event: o["event"], Kind: o["kind"]})
	if (len(got) == want) == neg {
		ts.Fatalf("the ledger has %d such entries, want %d: %s", len(got), want, fmt.Sprint(got))
	}
}
