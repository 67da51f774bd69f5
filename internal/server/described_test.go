package server_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lanyard"
)

// The document used to end where our own shapes do: whoever made a client of it, or read it
// to see what a key can reach, saw neither the proxy nor the vendors' paths nor the token
// URLs. What it says of them is compared with the page of the vendors' paths, which is
// compared with what is mounted.
func TestTheDocumentHasWhatHandlersOfTheirOwnServe(t *testing.T) {
	page, err := os.ReadFile("../../docs/vendor-paths.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	base := ""
	row := regexp.MustCompile("^\\| `(\\w+) ([^`]+)` \\| (served|forwarded|not here) \\|")
	for line := range strings.Lines(string(page)) {
		if _, below, ok := strings.Cut(line, "Below `"); ok {
			base, _, _ = strings.Cut(below, "`")
		}
		if m := row.FindStringSubmatch(line); m != nil && m[3] != "not here" {
			want = append(want, m[1]+" "+base+m[2])
		}
	}
	if len(want) < 40 {
		t.Fatalf("got %d rows of the page, want both vendors'", len(want))
	}
	for _, method := range lanyard.ProxyMethods {
		want = append(want, method+" /v1/proxy/{connection_id}/{path}")
	}
	want = append(want, "GET /t/{secret}", "POST /t/{secret}")

	r := start(t, settings(t, nil))
	raw, err := r.s.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Tags  []struct{ Name, Description string }
		Paths map[string]map[string]struct {
			ID         string `json:"operationId"`
			Summary    string
			Tags       []string
			Parameters []struct {
				Name, In string
				Required bool
			}
			Responses map[string]struct{ Description string }
		}
		Components struct {
			Schemes map[string]struct{} `json:"securitySchemes"`
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	var got []string
	ids := map[string]string{}
	wildcard := regexp.MustCompile(`\{[^}]*\}`)
	for path, methods := range doc.Paths {
		outside := regexp.MustCompile(`^/(attendee|meetstream|t|v1/proxy)/`).MatchString(path)
		for method, op := range methods {
			call := strings.ToUpper(method) + " " + path
			if other := ids[op.ID]; other != "" || op.ID == "" {
				t.Errorf("%s is called %q, and so is %s", call, op.ID, other)
			}
			ids[op.ID] = call
			var names []string
			for _, p := range op.Parameters {
				if p.In == "path" && p.Required {
					names = append(names, "{"+p.Name+"}")
				}
			}
			if in := wildcard.FindAllString(path, -1); !slices.Equal(in, names) {
				t.Errorf("%s: got the path parameters %v, want %v", call, names, in)
			}
			if outside {
				got = append(got, call)
			}
			if len(op.Tags) == 0 || op.Summary == "" || len(op.Responses) == 0 {
				t.Errorf("%s: got the tags %q, the summary %q and %d answers", call, op.Tags, op.Summary, len(op.Responses))
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the document has\n%s\nand what is mounted is\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, vendor := range []string{"Attendee", "MeetStream"} {
		if !slices.ContainsFunc(doc.Tags, func(tag struct{ Name, Description string }) bool {
			return tag.Name == vendor && strings.Contains(tag.Description, "shapes")
		}) {
			t.Errorf("no word of whose shapes %s's are", vendor)
		}
	}
	if _, page, _ := get(t, http.DefaultClient, r.base+"/docs"); !strings.Contains(page, "/meetstream/api/v1/bots/create_bot") || !strings.Contains(page, "described by it") {
		t.Error("/docs says nothing of MeetStream's paths")
	}
}
