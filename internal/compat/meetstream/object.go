package meetstream

import (
	"encoding/json"
	"slices"
	"strings"

	"lanyard"
)

// object is a body whose members are read by their exact names. What is not asked for is
// not looked at: MeetStream's clients send more than concerns us.
type object map[string]json.RawMessage

func objectOf(raw []byte) (o object, err error) {
	if json.Unmarshal(raw, &o) != nil || o == nil {
		return nil, lanyard.Errorf(lanyard.CodeInvalidJSON, "the body must be one JSON object")
	}
	return o, nil
}

// has says whether a member is there and is not null.
func (o object) has(name string) bool { return o[name] != nil && string(o[name]) != "null" }

// text reads a string; "" where there is none. named is what an error calls it.
func (o object) text(name, named string) (s string, err error) {
	if o.has(name) && json.Unmarshal(o[name], &s) != nil {
		return "", invalid("%s must be a string", named)
	}
	return s, nil
}

// needed is text, and refuses an empty one.
func (o object) needed(name string) (string, error) {
	s, err := o.text(name, name)
	if err == nil && strings.TrimSpace(s) == "" {
		err = invalid("%s is required", name)
	}
	return s, err
}

// texts reads a flat object of strings; nil where there is none.
func (o object) texts(name string) (out map[string]string, err error) {
	if !o.has(name) {
		return nil, nil
	}
	members := object{}
	if json.Unmarshal(o[name], &members) != nil {
		return nil, invalid("%s must be an object whose values are strings", name)
	}
	out = map[string]string{}
	for k, v := range members {
		var s *string
		if json.Unmarshal(v, &s) != nil || s == nil {
			return nil, invalid("%s must be an object whose values are strings", name)
		}
		out[k] = *s
	}
	return out, nil
}

// within reads a member that is an object; nil where there is none.
func (o object) within(name string) (out object, err error) {
	if o.has(name) && (json.Unmarshal(o[name], &out) != nil || out == nil) {
		return nil, invalid("%s must be an object", name)
	}
	return out, nil
}

// invalid is a 400. Names of members may be in it, and nothing else of what was sent.
func invalid(format string, a ...any) error {
	return lanyard.Errorf(lanyard.CodeInvalidRequest, format, a...)
}

// named repeats an id that has the shape of Zoom's, since MeetStream's sentences have it in
// them. Anything may stand where an id should, a secret too.
func named(id string) string {
	plain := id != "" && len(id) <= 64 && !slices.ContainsFunc([]byte(id), func(c byte) bool {
		return !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("+/=-_.", c) >= 0)
	})
	if !plain {
		return "with this id"
	}
	return id
}
