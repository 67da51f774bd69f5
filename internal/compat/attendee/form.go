package attendee

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"

	"lanyard"
	"lanyard/internal/web"
)

// form is a body as it is read, field by field, with all that is wrong with them.
type form struct {
	fields map[string]json.RawMessage
	known  []string
	wrong  map[string][]string
}

const required, notNull, notString = "This field is required.", "This field may not be null.", "Not a valid string."

// read takes a body: one JSON object of at most so many bytes. Each member may be there once; what Attendee would
// take the last of is refused.
func read(r *http.Request, most int64) (*form, []byte, error) {
	f := &form{wrong: map[string][]string{}}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if (err != nil || kind != "application/json") && r.ContentLength != 0 {
		return nil, nil, &refusal{http.StatusUnsupportedMediaType, detail(fmt.Sprintf("Unsupported media type %q in request.", name(kind)))}
	}
	raw, err := web.LargeObject(r, most)
	trimmed := bytes.TrimSpace(raw)
	switch {
	case err == nil:
	case len(trimmed) == 0 && errors.Is(err, lanyard.CodeInvalidJSON): // nothing, which lacks its fields
		return f, []byte("{}"), nil
	case errors.Is(err, lanyard.CodeInvalidJSON) && trimmed[0] != '{' && json.Valid(trimmed):
		return nil, nil, nonField("Invalid data. Expected a dictionary, but got " + pythonType(trimmed) + ".")
	case errors.Is(err, lanyard.CodeInvalidJSON) || errors.Is(err, lanyard.CodeDuplicateMember):
		return nil, nil, &refusal{http.StatusBadRequest, detail("JSON parse error - " + err.Error())}
	default:
		return nil, nil, err
	}
	if err := json.Unmarshal(raw, &f.fields); err != nil {
		return nil, nil, &refusal{http.StatusBadRequest, detail("JSON parse error - the body is not valid JSON")}
	}
	return f, raw, nil
}

func pythonType(raw []byte) string {
	switch raw[0] {
	case '[':
		return "list"
	case '"':
		return "str"
	case 't', 'f':
		return "bool"
	case 'n':
		return "NoneType"
	}
	if bytes.ContainsAny(raw, ".eE") {
		return "float"
	}
	return "int"
}

func (f *form) is(field string) (json.RawMessage, bool) {
	f.known = append(f.known, field)
	raw, ok := f.fields[field]
	return raw, ok
}

func (f *form) refuse(field, text string) { f.wrong[field] = append(f.wrong[field], text) }

func null(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

// text is a string that has to be there.
func (f *form) text(field string) string {
	raw, ok := f.is(field)
	switch {
	case !ok:
		f.refuse(field, required)
		return ""
	case null(raw):
		f.refuse(field, notNull)
		return ""
	}
	s := f.string(field, raw)
	if s == "" && len(f.wrong[field]) == 0 {
		f.refuse(field, "This field may not be blank.")
	}
	return s
}

// maybe is a string that may be absent or null.
func (f *form) maybe(field string) string {
	raw, ok := f.is(field)
	if !ok || null(raw) {
		return ""
	}
	return f.string(field, raw)
}

// string takes a string, or a number for one, without the space around it.
func (f *form) string(field string, raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return strings.TrimSpace(s)
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	f.refuse(field, notString)
	return ""
}

// flag takes what the framework takes for true and false.
func (f *form) flag(field string, absent bool) bool {
	raw, ok := f.is(field)
	if !ok {
		return absent
	}
	switch s := strings.ToLower(strings.Trim(string(bytes.TrimSpace(raw)), `"`)); s {
	case "true", "t", "yes", "y", "on", "1":
		return true
	case "false", "f", "no", "n", "off", "0":
		return false
	case "null":
		f.refuse(field, notNull)
	default:
		f.refuse(field, "Must be a valid boolean.")
	}
	return false
}

const maxMetadata = 1000 // characters as Python writes them

// metadata takes an object of strings; nil: absent, or null.
func (f *form) metadata() map[string]string {
	const field = "metadata"
	raw, ok := f.is(field)
	if !ok || null(raw) {
		return nil
	}
	var members map[string]json.RawMessage
	switch err := json.Unmarshal(raw, &members); {
	case err != nil:
		f.refuse(field, "Metadata must be an object not an array or other type")
		return nil
	case len(members) == 0:
		f.refuse(field, "Metadata must have at least one key")
		return nil
	}
	out, size := map[string]string{}, 2*len(members)
	for _, k := range inOrder(raw) {
		var s string
		if v := members[k]; null(v) || json.Unmarshal(v, &s) != nil {
			f.wrong[field] = []string{fmt.Sprintf("Value for key '%s' must be a string", name(k))}
			return nil
		}
		out[k] = s
		size += pythonLen(k) + 2 + pythonLen(s)
	}
	if size > maxMetadata {
		f.refuse(field, "Metadata must be less than 1000 characters")
	}
	return out
}

// inOrder lists the names of an object's members as they were written: the first that is
// wrong is the one that is named.
func inOrder(object []byte) (names []string) {
	d := json.NewDecoder(bytes.NewReader(object))
	_, _ = d.Token() // the brace; it is known to be an object
	for d.More() {
		name, _ := d.Token()
		text, ok := name.(string)
		var value json.RawMessage
		if !ok || d.Decode(&value) != nil {
			break
		}
		names = append(names, text)
	}
	return names
}

// pythonLen is how long Python writes a string in JSON, with its quotes: in ASCII.
func pythonLen(s string) int {
	n := 2
	for _, r := range s {
		switch {
		case strings.ContainsRune("\"\\\n\r\t\b\f", r):
			n += 2
		case r < ' ' || r > '~' && r <= 0xffff:
			n += 6
		case r > 0xffff:
			n += 6 * utf16.RuneLen(r)
		default:
			n++
		}
	}
	return n
}

// check refuses what was wrong with the fields, and then fields that nobody has asked for.
func (f *form) check() error {
	if len(f.wrong) > 0 {
		return &refusal{http.StatusBadRequest, f.wrong}
	}
	var more []string
	for field := range f.fields {
		if !slices.Contains(f.known, field) {
			more = append(more, name(field))
		}
	}
	if len(more) == 0 {
		return nil
	}
	slices.Sort(more)
	slices.Sort(f.known)
	return nonField("Unexpected field(s): " + strings.Join(more, ", ") + ". Allowed fields are: " + strings.Join(f.known, ", "))
}

var nameShape = regexp.MustCompile(`^[A-Za-z0-9_$][A-Za-z0-9_./+-]{0,63}$`)

// name repeats what looks like a name. Anything may stand where one should, a secret too.
func name(s string) string {
	if s == "" || nameShape.MatchString(s) {
		return s
	}
	return "?"
}
