package store

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The quick way of reading a list gives what the general way gives, or leaves
// the list to it.
func TestPlainList(t *testing.T) {
	for _, list := range [][]string{{"a"}, {""}, {"", ""}, {"a", "b c", "d"}, {`"`}, {`\`}, {`a","b`}, {"<&>"}, {"é", "\u2028"}, {"]"}, {`["x"]`}, {`",`, `,"`}} {
		text := listText(list)
		if got, ok := plainList[string](text); ok {
			if diff := cmp.Diff(list, got); diff != "" {
				t.Errorf("%s: want, got: %s", text, diff)
			}
		}
		got, err := listOf(text)
		if diff := cmp.Diff(list, got); err != nil || diff != "" {
			t.Errorf("%s: %v, want, got: %s", text, err, diff)
		}
	}
	for _, text := range []string{`[]`, `["]`, `[""`, `["a", "b"]`, ` ["a"]`, `["a"] `, `["a",1]`, `["a"`, `"a"]`} {
		var want []string
		bad := json.Unmarshal([]byte(text), &want)
		got, err := listOf(text)
		if diff := cmp.Diff(want, got); (err == nil) != (bad == nil) || bad == nil && diff != "" {
			t.Errorf("%s: got %v (%v), encoding/json has %v (%v)", text, got, err, want, bad)
		}
	}
}

// The quick way of writing a small map writes what the general way does.
func TestDictText(t *testing.T) {
	for c := range rune(300) {
		for _, v := range []map[string]string{{"a": string(c)}, {string(c): "a"}, {"provider": "zoom" + string(c)}, {"a": "b", "c": string(c)}} {
			if got, want := dictText(v), asJSON(len(v), v); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	}
	for _, v := range []map[string]string{nil, {}, {"": ""}, {"a": "\xff"}, {"a": "\u2028"}} {
		if got, want := dictText(v), asJSON(len(v), v); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
