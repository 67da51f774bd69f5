package web

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"lanyard"
)

type inner struct {
	URL  string            `json:"url"`
	Tags map[string]string `json:"tags,omitempty"`
}

type embedded struct {
	Base string `json:"base"`
}

type sample struct {
	embedded
	Name  string     `json:"name"`
	Until *time.Time `json:"until,omitempty"`
	List  []inner    `json:"list,omitempty"`
	Self  *sample    `json:"self,omitempty"`
	Any   any        `json:"any,omitempty"`
}

func sampleShape() *shape {
	return shapeOf(reflect.TypeFor[sample](), map[reflect.Type]*shape{})
}

// T29: what encoding/json lets pass or mends is refused, so that what is checked
// is what was sent.
func TestScanRefusesWhatIsNotStrict(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"any":[`, n/2) + `1` + strings.Repeat(`]}`, n/2) }
	for _, c := range []struct {
		name, body string
		want       lanyard.Code // empty: taken
		says       string
	}{
		{"all members", `{"base":"b","name":"n","until":"2026-01-01T00:00:00Z","list":[{"url":"u","tags":{"A":"1","a":"2"}}],"self":{"name":"x"},"any":{"Free":1}}`, "", ""},
		{"a member twice", `{"name":"a","name":"b"}`, lanyard.CodeDuplicateMember, `"name"`},
		{"twice through an escape", `{"name":"a","n\u0061me":"b"}`, lanyard.CodeDuplicateMember, `"name"`},
		{"twice where names are free", `{"any":{"x":1,"x":2}}`, lanyard.CodeDuplicateMember, `"x"`},
		{"another case", `{"Name":"a"}`, lanyard.CodeUnknownMember, `"name"`},
		{"another case further in", `{"list":[{"Url":"a"}]}`, lanyard.CodeUnknownMember, `"url"`},
		{"unknown", `{"nmae":"a"}`, lanyard.CodeUnknownMember, `"nmae"`},
		{"unknown in an embedded struct's place", `{"embedded":{"base":"a"}}`, lanyard.CodeUnknownMember, `"embedded"`},
		{"a name that is a secret", `{"s3cr3t value!":"a"}`, lanyard.CodeUnknownMember, "whose name is none"},
		{"a list", `[{"name":"a"}]`, lanyard.CodeInvalidJSON, "object"},
		{"two objects", `{"name":"a"}{"name":"b"}`, lanyard.CodeInvalidJSON, ""},
		{"a comma too many", `{"name":"a",}`, lanyard.CodeInvalidJSON, ""},
		{"not UTF-8", "{\"name\":\"\xff\"}", lanyard.CodeInvalidJSON, "UTF-8"},
		{"a byte order mark", "\xef\xbb\xbf{}", lanyard.CodeInvalidJSON, ""},
		{"half a character", `{"name":"\ud83d"}`, lanyard.CodeInvalidJSON, "surrogate"},
		{"the other half", `{"name":"\ude00x"}`, lanyard.CodeInvalidJSON, "surrogate"},
		{"both halves", `{"name":"\ud83d\ude00"}`, "", ""},
		{"an escaped backslash before u", `{"name":"\\ud83d"}`, "", ""},
		{"NUL", `{"name":"a\u0000b"}`, lanyard.CodeInvalidJSON, "NUL"},
		{"NUL in a name", `{"any":{"a\u0000":1}}`, lanyard.CodeInvalidJSON, "NUL"},
		{"16 deep", deep(16), "", ""},
		{"18 deep", deep(18), lanyard.CodeInvalidJSON, "deep"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := scan([]byte(c.body), sampleShape())
			if c.want == "" {
				if err != nil {
					t.Fatalf("got %v, want it taken", err)
				}
				return
			}
			if err == nil || lanyard.CodeOf(err) != c.want || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want %s with %q", err, c.want, c.says)
			}
			if strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("got %q, which repeats what was sent", err)
			}
		})
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range []string{`{"name":"a"}`, `{"list":[{"url":"u"}]}`, `{"any":{"x":[1,2,{"y":null}]}}`, `{"name":"\ud83d\ude00"}`, `{"a":1,"a":2}`, `{`, `"\u"`} {
		f.Add([]byte(s))
	}
	shape := sampleShape()
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(bytes.TrimSpace(raw)) == 0 || scan(raw, shape) != nil {
			return
		}
		// What the scanner takes, a strict decoder has no complaint about but types.
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		err := d.Decode(new(sample))
		if err != nil && strings.Contains(err.Error(), "unknown field") {
			t.Errorf("%q: got %v, want the scanner to refuse it", raw, err)
		}
	})
}
