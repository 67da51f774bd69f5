package runner_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/runner"
)

// A request is another company's: whatever we do not know in it has to arrive as it left,
// to the byte, or a number of 20 digits or a member of tomorrow is broken on the way.
func TestEditTouchesNothingElse(t *testing.T) {
	const rest = `{ "id":12345678901234567890, "f": 1.10, "s":"\u00e9\/<>" ,
	"zoom" : {"x": 1e400, "obf_url":"https://theirs.example"} , "zz":[ 1 ,2], "" : null }`
	for _, c := range []struct {
		name, text string
		to         any
		path       []string
		want       string
	}{
		{"replaced inside", rest, "https://ours.example/t/s", []string{"zoom", "obf_url"},
			strings.Replace(rest, "https://theirs.example", "https://ours.example/t/s", 1)},
		{"taken away inside", rest, nil, []string{"zoom", "obf_url"}, strings.Replace(rest, `, "obf_url":"https://theirs.example"`, "", 1)},
		{"taken away, the first", rest, nil, []string{"id"}, strings.Replace(rest, `"id":12345678901234567890, `, "", 1)},
		{"taken away, the only one", `{ "a" : 1 }`, nil, []string{"a"}, `{ }`},
		{"added", `{"a":1}`, "v", []string{"b"}, `{"a":1,"b":"v"}`},
		{"added to nothing", `{}`, "v", []string{"b"}, `{"b":"v"}`},
		{"added in a new object", ` {"a":1} `, "v", []string{"b", "c"}, ` {"a":1,"b":{"c":"v"}} `},
		{"added in null", `{"b":null}`, "v", []string{"b", "c"}, `{"b":{"c":"v"}}`},
		{"nothing to take away", `{"a":1.0}`, nil, []string{"b", "c"}, `{"a":1.0}`},
		{"a name with an escape", `{"zo\u006fm":{"a":1}}`, "v", []string{"zoom", "a"}, `{"zo\u006fm":{"a":"v"}}`},
		{"a name with a quote", `{"a\"":1,"b":2}`, nil, []string{"a\""}, `{"b":2}`},
		{"a name that ends in a backslash", `{"x\\":1,"b":2}`, nil, []string{`x\`}, `{"b":2}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := runner.Edit([]byte(c.text), c.to, c.path...)
			if err != nil || string(got) != c.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
			}
		})
	}
}

// Somebody sends the member twice: we would change the one and the vendor read the other,
// which names another person's connection.
func TestEditRefuses(t *testing.T) {
	for text, want := range map[string]lanyard.Code{
		`{"zoom":{},"zoom":{"use_zoom_obf":true}}`: lanyard.CodeDuplicateMember,
		`{"zoom":{"a":1,"\u0061":2}}`:              lanyard.CodeDuplicateMember,
		`{"zoom":"x"}`:                             lanyard.CodeInvalidRequest,
		`{"zoom":[]}`:                              lanyard.CodeInvalidRequest,
		`[]`:                                       lanyard.CodeInvalidJSON,
		``:                                         lanyard.CodeInvalidJSON,
		`{"a":1`:                                   lanyard.CodeInvalidJSON,
		`{"a":1}{"zoom":{"use_zoom_obf":true}}`:    lanyard.CodeInvalidJSON,
		`{"a":1} x`:                                lanyard.CodeInvalidJSON,
		`{"a":01}`:                                 lanyard.CodeInvalidJSON,
		`{"a":"` + "\x01" + `"}`:                   lanyard.CodeInvalidJSON,
		"\ufeff" + `{"zoom":{"obf_url":"https://a.b"}}`: lanyard.CodeInvalidJSON,
	} {
		if got, err := runner.Edit([]byte(text), "v", "zoom", "a"); !errors.Is(err, want) {
			t.Errorf("%q: got %s, %v, want %s", text, got, err, want)
		}
	}
}

// What comes out is JSON, has the member as it was asked for, and means the same otherwise.
func FuzzEdit(f *testing.F) {
	f.Add([]byte(`{"a":1,"zoom":{"b":[{}],"u":""},"c":"\\\""}`), true)
	f.Add([]byte(`{"zoom":null , "x":-0.0e1}`), false)
	f.Add([]byte("{\n\t\"zoom\" :\r{ } }"), true)
	f.Fuzz(func(t *testing.T, text []byte, set bool) {
		var to any
		if set {
			to = "v"
		}
		out, err := runner.Edit(text, to, "zoom", "u")
		if err != nil {
			return
		}
		was, is := meaning(t, text), meaning(t, out)
		zoom, _ := was["zoom"].(map[string]any)
		if zoom == nil {
			zoom = map[string]any{}
		}
		delete(zoom, "u")
		if set {
			zoom["u"] = "v"
		}
		if v, there := was["zoom"]; len(zoom) > 0 || there && v != nil {
			was["zoom"] = zoom
		}
		if v, there := is["zoom"]; there && v == nil {
			delete(is, "zoom")
		}
		if v, there := was["zoom"]; there && v == nil {
			delete(was, "zoom")
		}
		if !reflect.DeepEqual(was, is) {
			t.Errorf("%q became %q", text, out)
		}
	})
}

func meaning(t *testing.T, text []byte) (m map[string]any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return m
}

// A vendor repeats the whole request to whoever may read the bot, who need not be one that
// may have its tokens.
func TestHideTakesTokenURLsOut(t *testing.T) {
	const host = "https://connect.example:8443"
	for in, want := range map[string]string{
		`{"u":"https://connect.example:8443/t/abc-_.DEF?connection=x"}`:   `{"u":"https://connect.example:8443/t/hidden?connection=x"}`,
		`{"u":"https:\/\/connect.example:8443\/t\/abc"}`:                  `{"u":"https:\/\/connect.example:8443\/t\/hidden"}`,
		`{"u":"https:\u002f\u002fconnect.example:8443\u002Ft\u002Fabc"}`:  `{"u":"https:\u002f\u002fconnect.example:8443\u002Ft\u002Fhidden"}`,
		`{"u":"HTTPS://Connect.Example:8443/t/abc"}`:                      `{"u":"HTTPS://Connect.Example:8443/t/hidden"}`,
		`{"u":"https://connect.example:8443/v1/t/abc"}`:                   `{"u":"https://connect.example:8443/v1/t/abc"}`,
		`{"u":"https://connect.example/t/abc https://other.example/t/a"}`: `{"u":"https://connect.example/t/abc https://other.example/t/a"}`,
	} {
		if got := runner.Hide(host, in); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, got, want)
		}
	}
}

// With another bot's name in the path, or a way out of the bot's own, a caller would reach
// what is another project's at the same vendor.
func TestPathsThatLeadOut(t *testing.T) {
	for _, path := range []string{"..", "../bot_2/leave", "a/../../bot_2", "%2e%2e/x", "a//b", "./a", "a\\..\\b", "a?x=1", "a#b", "a;b", "a b", "a\nb", "é", "...", "/../x"} {
		if got, err := runner.Below(path); err == nil {
			t.Errorf("%q: got %q, want an error", path, got)
		}
	}
	for path, want := range map[string]string{"": "", "/": "", "leave": "/leave", "/leave_call/": "/leave_call/", "transcript/x_1/get.json": "/transcript/x_1/get.json"} {
		if got, err := runner.Below(path); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", path, got, err, want)
		}
	}
}
