package catalog_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/provider/catalog"
)

const docs = "../../../docs/providers"

// What the pages say of a provider is what the catalogue does.
func TestDocs(t *testing.T) {
	entries, err := catalog.Load("")
	if err != nil {
		t.Fatal(err)
	}
	known := []string{provider.Custom + ".md"}
	for _, e := range entries {
		d := e.Definition
		known = append(known, d.ID+".md")
		raw, err := os.ReadFile(filepath.Join(docs, d.ID+".md"))
		if err != nil {
			t.Error(err)
			continue
		}
		text := string(raw)
		want := []string{"# " + d.Name, "## Class: `" + string(d.Class) + "`", "/oauth/callback/<app id>", "Entry `" + d.ID + "`", d.ManageURL, "## Withdrawing access", "lanyard app create " + d.ID}
		for _, s := range d.DefaultScopes {
			want = append(want, "`"+s+"`")
		}
		for name := range d.Params {
			want = append(want, "`"+name+"`")
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s.md does not say %q", d.ID, w)
			}
		}
		// Codes that the table of failures names have a verdict, or a standard meaning.
		for _, code := range regexp.MustCompile("AADSTS([0-9]+)").FindAllString(text, -1) {
			if d.Errors[code] == "" {
				t.Errorf("%s.md names %s, of which the catalogue knows nothing", d.ID, code)
			}
		}
		_, table, ok := strings.Cut(text, "## When it does not work")
		rows := regexp.MustCompile("(?m)^\\| [^|]+ \\| `([a-z_]+)`").FindAllStringSubmatch(table, -1)
		if !ok || len(rows) < 3 {
			t.Errorf("%s.md has no table of what can go wrong", d.ID)
		}
		for _, r := range rows {
			if c := lanyard.Code(r[1]); lanyard.RowOf(c).Code != c {
				t.Errorf("%s.md promises %s, which is not in docs/errors.md", d.ID, c)
			}
		}
	}
	files, err := filepath.Glob(docs + "/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !slices.Contains(known, filepath.Base(f)) {
			t.Errorf("%s is about no provider of the catalogue", f)
		}
	}
}

// The example of custom.md is one that can be pasted.
func TestCustomExample(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(docs, "custom.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(raw)
	if m == nil {
		t.Fatal("no example")
	}
	d, err := provider.ParseCustom(m[1])
	if err != nil {
		t.Fatal(err)
	}
	tgt, err := set(t).Target(lanyard.App{Provider: provider.Custom, Custom: m[1], ClientID: "c"})
	if err != nil {
		t.Fatal(err)
	}
	if tgt.Class != provider.ClassReuseKill || !tgt.IssuerRequired || !tgt.PKCE || d.Errors["plan_required"] != "app_error" {
		t.Errorf("example means %+v", tgt)
	}
	for _, class := range []provider.Class{provider.ClassStatic, provider.ClassOverlap, provider.ClassGrace, provider.ClassStrict, provider.ClassReuseKill} {
		if !strings.Contains(string(raw), "| `"+string(class)+"` |") {
			t.Errorf("custom.md does not say what %s is", class)
		}
	}
}
