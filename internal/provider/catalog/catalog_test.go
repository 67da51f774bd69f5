package catalog_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/provider"
	"lanyard/internal/provider/catalog"
)

func TestEmbedded(t *testing.T) {
	entries, err := catalog.Load("")
	if err != nil {
		t.Fatal(err)
	}
	classes := map[string]provider.Class{}
	for _, e := range entries {
		d := e.Definition
		classes[d.ID] = d.Class
		if len(d.Cannot) < 3 || len(d.Scopes) < 5 || d.ManageURL == "" || d.Category == "" || len(d.DefaultScopes) == 0 {
			t.Errorf("%s: incomplete for people: %d sentences, %d scopes", d.ID, len(d.Cannot), len(d.Scopes))
		}
		for _, s := range d.Scopes {
			if !slices.Contains([]string{"r", "w", "rw"}, s.RW) || !slices.Contains([]string{"low", "medium", "high"}, s.Sens) || strings.HasSuffix(s.Say, ".") {
				t.Errorf("%s: scope %s: rw %q, sens %q, say %q", d.ID, s.Scope, s.RW, s.Sens, s.Say)
			}
		}
	}
	want := map[string]provider.Class{"zoom": provider.ClassStrict, "google": provider.ClassStatic, "microsoft": provider.ClassOverlap, "slack": provider.ClassStrict}
	for id, class := range want {
		if classes[id] != class {
			t.Errorf("%s: class %q, want %q", id, classes[id], class)
		}
	}
}

func load(t *testing.T, files map[string]string) (map[string]provider.Entry, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := catalog.Load(dir)
	out := map[string]provider.Entry{}
	for _, e := range entries {
		out[e.Definition.ID] = e
	}
	return out, err
}

func TestExtend(t *testing.T) {
	got, err := load(t, map[string]string{
		"zoomgov.yaml": "extends: zoom\nid: zoomgov\nname: Zoom for Government\nendpoints:\n  token: https://zoomgov.com/oauth/token\n  api: https://api.zoomgov.com\napi_hosts: [api.zoomgov.com]\nerrors:\n  \"4999\": throttled\ntimes:\n  code: 120\n",
		"google.yaml":  "extends: google\nid: google\nauthorize:\n  params: {hd: example.com}\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	gov := got["zoomgov"]
	d := gov.Definition
	if d.Name != "Zoom for Government" || d.Endpoints.Token != "https://zoomgov.com/oauth/token" || d.Endpoints.Authorize != "https://zoom.us/oauth/authorize" ||
		d.Times.Code != 120 || d.Times.Access != 3600 || d.Class != provider.ClassStrict || !slices.Equal(d.APIHosts, []string{"api.zoomgov.com"}) {
		t.Errorf("extended: %+v", d)
	}
	if d.Errors["4999"] != "throttled" || d.Errors["4741"] != "rejected duplicate_consent" || len(d.Scopes) < 20 {
		t.Errorf("errors and scopes are not those of zoom with one more: %v", d.Errors)
	}
	if _, ok := gov.Code.(provider.IdentityReader); !ok {
		t.Errorf("code of zoom did not come along: %T", gov.Code)
	}
	if p := got["google"].Definition.Authorize.Params; p["hd"] != "example.com" || p["access_type"] != "offline" {
		t.Errorf("google's params: %v", p)
	}
	if _, there := got["zoom"].Definition.Errors["4999"]; there || got["zoom"].Definition.Times.Code != 300 {
		t.Error("extending changed the entry that was extended")
	}
}

func TestMistakesAreNamedByFileAndLine(t *testing.T) {
	const good = "id: crm\nname: CRM\nendpoints:\n  authorize: https://crm.example/authorize\n  token: https://crm.example/token\n  identity: https://crm.example/me\nclient_auth: basic\nidentity:\n  subject: id\n"
	if _, err := load(t, map[string]string{"crm.yaml": good}); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	for _, c := range []struct{ name, text, want string }{
		{"unknown member", good + "colour: blue\n", `crm.yaml:10: .*colour`},
		{"member twice", good + "name: CRM\n", `crm.yaml:10: .*name`},
		{"unknown nested member", strings.Replace(good, "  token:", "  tokens: x\n  token:", 1), `crm.yaml:5: .*tokens`},
		{"http", strings.Replace(good, "https://crm.example/token", "http://crm.example/token", 1), `crm.yaml:5: endpoints.token: must be an absolute https URL`},
		{"missing endpoint", strings.Replace(good, "  token: https://crm.example/token\n", "", 1), `crm.yaml:3: endpoints.token: missing`},
		{"class", good + "class: careless\n", `crm.yaml:10: class: "careless" is not one of static,`},
		{"client authentication", strings.Replace(good, "basic", "detect", 1), `crm.yaml:7: client_auth: "detect"`},
		{"plain PKCE", good + "authorize:\n  pkce: plain\n", `crm.yaml:11: authorize.pkce: "plain"`},
		{"param of ours", good + "authorize:\n  params:\n    state: x\n", `crm.yaml:12: authorize.params.state: is ours`},
		{"verdict", good + "errors:\n  nope: rejectd\n", `crm.yaml:11: errors.nope: "rejectd" is not one of`},
		{"reason", good + "errors:\n  a.b: rejected because\n", `crm.yaml:11: errors.a.b: reason "because"`},
		{"unknown param", strings.Replace(good, "crm.example/token", "{host}.example/token", 1), `crm.yaml:5: endpoints.token: {host} is not among the params`},
		{"bad pattern", good + "params:\n  host: {pattern: \"[\"}\n", `crm.yaml:11: params.host: pattern`},
		{"type", good + "times:\n  access: soon\n", `crm.yaml:11: `},
		{"grace without seconds", good + "class: grace\n", `crm.yaml:\d+: times.grace: `},
		{"scope without words", good + "scopes:\n  - {s: a, say: b}\n  - {s: c}\n", `crm.yaml:12: scopes\[1\]: needs s and say`},
		{"extends nothing", "extends: nobody\nid: crm\n", `crm.yaml:1: extends: there is no provider "nobody"`},
		{"not YAML", "a: [", `crm.yaml:1: `},
		{"two documents", good + "---\n" + good, `crm.yaml: not one YAML document`},
		{"empty", "", `crm.yaml: `},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, map[string]string{"crm.yaml": c.text})
			if err == nil || !regexp.MustCompile(c.want).MatchString(err.Error()) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := load(t, map[string]string{"a.yaml": good, "b.yaml": good}); err == nil || !strings.Contains(err.Error(), `b.yaml: id "crm" is also in a.yaml`) {
		t.Errorf("one id in two files: %v", err)
	}
	if _, err := catalog.Load(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("a directory that is not there was accepted")
	}
}
