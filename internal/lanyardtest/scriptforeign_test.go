package lanyardtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"lanyard"
)

// foreign KEY KIND=THEIRS,MINE… goes through every operation of the OpenAPI
// document, so that a new one is covered at once. Wherever an operation takes an
// id, in path, query or body, KEY asks with another project's (THEIRS) and with
// one that nobody has: the answers must be the same, byte for byte, but for the
// request's id. With its own (MINE) the answer must be another, or the question
// was no question.
func cmdForeign(p *play, ts *testscript.TestScript, _ bool, args []string) {
	ids := map[string][2]string{}
	for kind, pair := range pairs(ts, args[1:]) {
		theirs, mine, _ := strings.Cut(pair, ",")
		ids[kind] = [2]string{theirs, mine}
	}
	con := ids["connection"]
	ids["zoom_connection"] = [2]string{vendorID(con[0]), vendorID(con[1])}
	doc := document{play: p, ts: ts, key: args[0], ids: ids}
	r, err := http.Get(p.w.URL + "/openapi.json")
	ts.Check(err)
	defer func() { _ = r.Body.Close() }()
	ts.Check(json.NewDecoder(r.Body).Decode(&doc.api))
	var all []string
	for path, methods := range doc.api.Paths {
		for method := range methods {
			all = append(all, method+" "+path)
		}
	}
	sort.Slice(all, func(i, j int) bool { // what deletes comes last
		a, b := strings.HasPrefix(all[i], "delete"), strings.HasPrefix(all[j], "delete")
		return a != b && b || a == b && all[i] < all[j]
	})
	asked := 0
	for _, one := range all {
		method, path, _ := strings.Cut(one, " ")
		asked += doc.operation(method, path)
	}
	ts.Logf("%d operations, %d places for an id", len(all), asked)
	if asked < 15 {
		ts.Fatalf("only %d places were found where an operation takes an id", asked)
	}
}

// vendorID is what Attendee's clients know a connection as.
func vendorID(id string) string { return "zoc_" + strings.TrimPrefix(id, "con_") }

// chance is what differs between two answers to the same question.
var chance = regexp.MustCompile(`"request_id":"[^"]*"|/connect/[A-Za-z0-9_-]{43}`)

type schema map[string]any

type document struct {
	play *play
	ts   *testscript.TestScript
	key  string
	ids  map[string][2]string // kind → theirs, mine
	api  struct {
		Paths      map[string]map[string]operation `json:"paths"`
		Components struct {
			Schemas map[string]schema `json:"schemas"`
		} `json:"components"`
	}
}

type operation struct {
	Parameters []struct {
		Name     string `json:"name"`
		In       string `json:"in"`
		Required bool   `json:"required"`
		Schema   schema `json:"schema"`
	} `json:"parameters"`
	RequestBody *struct {
		Content map[string]struct {
			Schema schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
	Scope string `json:"x-lanyard-scope"`
}

// kindOf says what sort of id a place takes; "" if none of a project's.
func kindOf(path, name string) string {
	if name != "id" {
		switch name {
		case "app_id", "connection_id", "session_id", "end_user_id", "endpoint_id", "event_id", "key_id":
			return strings.TrimSuffix(name, "_id")
		case "cursor":
			return "cursor"
		case "zoom_user_id":
			return "account"
		}
		return ""
	}
	for prefix, kind := range map[string]string{"/v1/apps/": "app", "/v1/connections/": "connection", "/v1/connect-sessions/": "session",
		"/v1/keys/": "key", "/v1/operator/keys/": "key", "/v1/providers/": "provider",
		"/v1/webhook-endpoints/": "endpoint", "/v1/deliveries/": "delivery", "/v1/consents/": "consent", "/v1/bots/": "bot", "/v1/token-urls/": "token_url", "/v1/runners/": "runner",
		"/attendee/api/v1/zoom_oauth_connections/": "zoom_connection", "/attendee/api/v1/bots/": "bot", "/meetstream/api/v1/bots/": "bot"} {
		if strings.HasPrefix(path, prefix) {
			return kind
		}
	}
	return "unknown"
}

// absent is an id that nobody has.
func absent(kind, theirs string) string {
	if kind == "cursor" { // a place in a list, and ids are in order of time: the one beside it
		return theirs[:len(theirs)-1] + map[bool]string{true: "4", false: "0"}[theirs[len(theirs)-1] == '0']
	}
	prefix := map[string]string{"app": "app_", "connection": "con_", "session": "cs_", "key": "lyk_",
		"endpoint": "we_", "delivery": "dlv_", "event": "evt_", "consent": "cns_", "bot": "bot_", "token_url": "tu_", "runner": "run_", "zoom_connection": "zoc_"}[kind]
	if prefix == "" {
		return "nobody-by-this-name"
	}
	return lanyard.NewID[string](prefix)
}

// operation asks all questions about one, and returns how many.
func (d *document) operation(method, path string) (asked int) {
	op := d.api.Paths[path][method]
	var fields []string // members of the body that are ids
	if op.RequestBody != nil {
		props, _ := d.resolve(op.RequestBody.Content["application/json"].Schema)["properties"].(map[string]any)
		for name := range props {
			fields = append(fields, name)
		}
		slices.Sort(fields)
	}
	ask := func(in, name string) {
		kind := kindOf(path, name)
		switch {
		case kind == "provider" || kind == "": // the catalogue is everybody's
			return
		case kind == "unknown":
			d.ts.Fatalf("%s %s takes an id of which this test knows no kind: add it to kindOf, and to the script", method, path)
		}
		pair, ok := d.ids[kind]
		if !ok || pair[0] == "" {
			d.ts.Fatalf("%s %s takes the id of a %s, and the script says none", method, path, kind)
		}
		asked++
		theirs := d.ask(op, method, path, in, name, pair[0])
		none := absent(kind, pair[0])
		nobody := d.ask(op, method, path, in, name, none)
		if kind == "account" { // MeetStream's words repeat whom they are about
			theirs, nobody = strings.ReplaceAll(theirs, pair[0], "…"), strings.ReplaceAll(nobody, none, "…")
		}
		if kind == "end_user" && strings.HasPrefix(theirs, "2") { // whoever is not there is made: the answer is full of chance
			theirs, nobody = membersOf(theirs), membersOf(nobody)
		}
		if theirs != nobody {
			d.ts.Fatalf("%s %s with another project's %s in %s %s answers\n%s\nand with one that is not there\n%s", method, path, kind, in, name, theirs, nobody)
		}
		if in == "path" && !strings.HasPrefix(theirs, "4") {
			d.ts.Fatalf("%s %s with another project's %s answers %s", method, path, kind, theirs)
		}
		// A state that nobody has is refused before its app is looked at; T02 tries a real one.
		stateFirst := method == "post" && path == "/v1/connections"
		if op.Scope == "operator" || method == "delete" || pair[1] == "" || in == "query" || stateFirst {
			return
		}
		if mine := d.ask(op, method, path, in, name, pair[1]); mine == nobody {
			d.ts.Fatalf("%s %s with the project's own %s in %s %s is answered as if it were not there, so the comparison proves nothing: %s", method, path, kind, in, name, mine)
		}
	}
	for _, prm := range op.Parameters {
		if prm.In == "path" || prm.In == "query" {
			ask(prm.In, prm.Name)
		}
	}
	for _, name := range fields {
		ask("body", name)
	}
	return asked
}

// ask sends a request that is as small as the document allows, with one id in one place.
func (d *document) ask(op operation, method, path, in, name, id string) string {
	query, mine := url.Values{}, func(n string) string { return d.ids[kindOf(path, n)][1] }
	for _, prm := range op.Parameters {
		value := mine(prm.Name)
		if prm.In == in && prm.Name == name {
			value = id
		} else if prm.In == "query" && !prm.Required {
			continue
		}
		switch prm.In {
		case "path":
			if prm.Name == "path" { // at the provider
				value = "v2/users/me"
			}
			path = strings.ReplaceAll(path, "{"+prm.Name+"}", strings.ReplaceAll(url.PathEscape(value), "%2F", "/"))
		case "query":
			query.Set(prm.Name, or(value, "http://localhost:7000/own"))
		}
	}
	var body io.Reader = http.NoBody
	if op.RequestBody != nil {
		made, _ := d.least(op.RequestBody.Content["application/json"].Schema).(map[string]any)
		for n := range made {
			if v := mine(n); v != "" && n != "cursor" {
				made[n] = v
			}
		}
		if in == "body" {
			made[name] = id
			d.companions(op, made, name)
		}
		raw, err := json.Marshal(made)
		d.ts.Check(err)
		body = bytes.NewReader(raw)
	}
	address := d.play.w.URL + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(context.Background(), strings.ToUpper(method), address, body)
	d.ts.Check(err)
	r.Header.Set("Authorization", "Token "+d.key) // the vendors' own way, which is good everywhere
	if op.RequestBody != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	d.play.do(d.ts, http.DefaultClient, r)
	return strconv.Itoa(d.play.last.status) + " " + chance.ReplaceAllString(d.play.last.body, "")
}

// membersOf is an answer without its values.
func membersOf(answer string) string {
	status, body, _ := strings.Cut(answer, " ")
	var o map[string]any
	if json.Unmarshal([]byte(body), &o) != nil {
		return answer
	}
	return status + " " + strings.Join(slices.Sorted(maps.Keys(o)), " ")
}

// companions are members that the document does not require and the question does.
func (d *document) companions(op operation, body map[string]any, name string) {
	switch name {
	case "app_id":
		if _, ok := body["end_user"]; ok {
			body["return_url"] = "http://localhost:7000/connected"
		}
		if _, ok := body["end_user_id"]; !ok && body["end_user"] == nil {
			body["code"], body["state"], body["redirect_uri"] = "code-of-nobody", "state-of-nobody", "http://localhost:7000/own"
		}
	case "connection_id":
		props, _ := d.resolve(op.RequestBody.Content["application/json"].Schema)["properties"].(map[string]any)
		if props["meeting_number"] == nil { // a bot's report
			body["code"] = "4017"
			return
		}
		body["meeting_number"], body["types"] = "81234567890", []string{"onbehalf"}
	case "end_user_id":
		props, _ := d.resolve(op.RequestBody.Content["application/json"].Schema)["properties"].(map[string]any)
		if props["provider"] != nil && body["provider"] == nil {
			body["provider"] = "zoom"
		}
	}
}

func (d *document) resolve(s schema) schema {
	if ref, ok := s["$ref"].(string); ok {
		return d.resolve(d.api.Components.Schemas[ref[strings.LastIndexByte(ref, '/')+1:]])
	}
	return s
}

// least makes the smallest value a schema takes.
func (d *document) least(s schema) any {
	s = d.resolve(s)
	if values, ok := s["enum"].([]any); ok && len(values) > 0 {
		return values[0]
	}
	kind, _ := s["type"].(string)
	if kinds, ok := s["type"].([]any); ok && len(kinds) > 0 {
		kind, _ = kinds[0].(string)
	}
	switch kind {
	case "object":
		out := map[string]any{}
		props, _ := s["properties"].(map[string]any)
		required, _ := s["required"].([]any)
		for _, name := range required {
			if prop, ok := props[name.(string)].(map[string]any); ok {
				out[name.(string)] = d.least(prop)
			}
		}
		return out
	case "array":
		if n, _ := s["minItems"].(float64); n > 0 {
			items, _ := s["items"].(map[string]any)
			return []any{d.least(items)}
		}
		return []any{}
	case "integer", "number":
		return 0
	case "boolean":
		return false
	}
	if s["format"] == "date-time" {
		return "2026-01-02T03:04:05Z"
	}
	n, _ := s["minLength"].(float64)
	return strings.Repeat("a", max(int(n), 1))
}
