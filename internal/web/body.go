package web

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"unicode/utf8"

	"lanyard"
)

const (
	maxJSON  = 64 << 10
	maxDepth = 16
)

// body says what an operation takes: nothing, or JSON of a shape.
type body struct {
	shape    *shape // nil: none
	optional bool
}

// bodyOf finds the Body field of an operation's In.
func bodyOf(in reflect.Type) *body {
	if in.Kind() != reflect.Struct {
		panic("web: In must be a struct")
	}
	f, ok := in.FieldByName("Body")
	if !ok {
		return &body{}
	}
	return &body{shape: shapeOf(f.Type, map[reflect.Type]*shape{}), optional: f.Type.Kind() == reflect.Pointer || f.Tag.Get("required") == "false"}
}

// read reads and scans the body of a request. It returns nil where there is
// none and none is needed.
func (b *body) read(r *http.Request) ([]byte, error) {
	raw, err := readAll(r, maxJSON)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge) || len(raw) > maxJSON:
		return nil, lanyard.Errorf(lanyard.CodeBodyTooLarge, "")
	case err != nil:
		return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "the body did not arrive in full, or not in time")
	}
	empty := len(bytes.TrimSpace(raw)) == 0
	switch {
	case b.shape == nil:
		if !empty && string(bytes.TrimSpace(raw)) != "{}" {
			return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "this call takes no body")
		}
		return nil, nil
	case empty && b.optional:
		return nil, nil
	case empty:
		return nil, lanyard.Errorf(lanyard.CodeInvalidJSON, "the body is empty; send one JSON object")
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		return nil, lanyard.Errorf(lanyard.CodeUnsupportedMediaType, "send Content-Type: application/json")
	}
	return raw, scan(raw, b.shape)
}

func isJSON(contentType string) bool {
	if contentType == "application/json" {
		return true
	}
	kind, params, err := mime.ParseMediaType(contentType)
	return err == nil && kind == "application/json" && (params["charset"] == "" || strings.EqualFold(params["charset"], "utf-8"))
}

// readAll reads a body, or as much of it as shows that it is larger than most.
func readAll(r *http.Request, most int64) ([]byte, error) {
	if r.ContentLength < 0 || r.ContentLength > most {
		return io.ReadAll(io.LimitReader(r.Body, most+1))
	}
	// One byte more than is announced, so that there is room to see the end.
	raw := make([]byte, 0, r.ContentLength+1)
	for len(raw) < cap(raw) {
		n, err := r.Body.Read(raw[len(raw):cap(raw)])
		raw = raw[:len(raw)+n]
		if errors.Is(err, io.EOF) {
			return raw, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, io.ErrUnexpectedEOF // more than is announced, which net/http does not let through
}

// shape is what the scanner knows about a place in a body: which members it has.
type shape struct {
	members map[string]*shape // nil: not an object with fixed members
	folded  map[string]string // lower case → as it is spelled
	every   *shape            // of the elements of a list, or the values of a map
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func shapeOf(t reflect.Type, seen map[reflect.Type]*shape) *shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s, ok := seen[t]; ok {
		return s
	}
	s := &shape{}
	seen[t] = s
	if p := reflect.PointerTo(t); p.Implements(jsonUnmarshaler) || p.Implements(textUnmarshaler) {
		return s
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		s.every = shapeOf(t.Elem(), seen)
	case reflect.Struct:
		s.members, s.folded = map[string]*shape{}, map[string]string{}
		s.fields(t, seen)
	}
	return s
}

func (s *shape) fields(t reflect.Type, seen map[reflect.Type]*shape) {
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || f.Anonymous && name == "" {
			continue // the fields of an embedded struct are visible fields themselves
		}
		if name == "" {
			name = f.Name
		}
		s.members[name] = shapeOf(f.Type, seen)
		s.folded[strings.ToLower(name)] = name
	}
}

// scan refuses what encoding/json would let pass or mend: members twice, in
// another case, unknown; invalid UTF-8, half characters, NUL (which PostgreSQL
// cannot keep), too much nesting. No error repeats a value.
func scan(raw []byte, s *shape) error {
	if string(raw) == "{}" { // a token read, most of the time
		return nil
	}
	switch {
	case !utf8.Valid(raw):
		return lanyard.Errorf(lanyard.CodeInvalidJSON, "the body is not valid UTF-8")
	case !json.Valid(raw):
		return lanyard.Errorf(lanyard.CodeInvalidJSON, "the body is not valid JSON")
	case halfCharacter(raw):
		return lanyard.Errorf(lanyard.CodeInvalidJSON, "the body has half of a surrogate pair in a string")
	case bytes.TrimLeft(raw, " \t\r\n")[0] != '{':
		return lanyard.Errorf(lanyard.CodeInvalidJSON, "the body must be one JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return scanValue(d, s, 1)
}

func scanValue(d *json.Decoder, s *shape, depth int) error {
	tok, err := d.Token()
	if err != nil {
		return lanyard.Errorf(lanyard.CodeInvalidJSON, "the body is not valid JSON")
	}
	if text, ok := tok.(string); ok && strings.ContainsRune(text, 0) {
		return lanyard.Errorf(lanyard.CodeInvalidJSON, "the body has a NUL in a string")
	}
	open, ok := tok.(json.Delim)
	if !ok {
		return nil
	}
	if depth > maxDepth {
		return lanyard.Errorf(lanyard.CodeInvalidJSON, "the body is nested more than %d deep", maxDepth)
	}
	seen := map[string]bool{}
	for d.More() {
		inner := s.every
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return lanyard.Errorf(lanyard.CodeInvalidJSON, "the body is not valid JSON")
			}
			if inner, err = s.member(key.(string), seen); err != nil {
				return err
			}
		}
		if inner == nil {
			inner = &shape{}
		}
		if err := scanValue(d, inner, depth+1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// member returns the shape of the member called name, of which seen holds those before it.
func (s *shape) member(name string, seen map[string]bool) (*shape, error) {
	if strings.ContainsRune(name, 0) {
		return nil, lanyard.Errorf(lanyard.CodeInvalidJSON, "the body has a NUL in a name")
	}
	if seen[name] {
		return nil, lanyard.Errorf(lanyard.CodeDuplicateMember, "the body has %s twice", quoteName(name))
	}
	seen[name] = true
	if s.members == nil {
		return s.every, nil
	}
	inner, ok := s.members[name]
	switch spelled, close := s.folded[strings.ToLower(name)]; {
	case ok:
		return inner, nil
	case close:
		return nil, lanyard.Errorf(lanyard.CodeUnknownMember, "the member is spelled %q, in this case", spelled)
	}
	return nil, lanyard.Errorf(lanyard.CodeUnknownMember, "this call does not know %s", quoteName(name))
}

var nameShape = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_.-]{0,39}$`)

// quoteName repeats a name that looks like a name. Anything may stand where a
// name should, a secret too.
func quoteName(name string) string {
	if nameShape.MatchString(name) {
		return `"` + name + `"`
	}
	return "a member whose name is none"
}

// halfCharacter finds a \u escape of half a surrogate pair, which encoding/json
// would replace, so that what is checked is not what was sent. raw is valid JSON.
func halfCharacter(raw []byte) bool {
	high := false // the escape before was the first half
	for i := 0; i < len(raw); i++ {
		escape := raw[i] == '\\' && raw[i+1] == 'u'
		first := escape && strings.ContainsRune("89abAB", rune(raw[i+3])) && (raw[i+2] == 'd' || raw[i+2] == 'D')
		second := escape && strings.ContainsRune("cdefCDEF", rune(raw[i+3])) && (raw[i+2] == 'd' || raw[i+2] == 'D')
		if high != second {
			return true
		}
		high = first
		switch {
		case escape:
			i += 5
		case raw[i] == '\\':
			i++
		}
	}
	return high
}
