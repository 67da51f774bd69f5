package web

import (
	"context"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// shortcut returns what answers a request without a query and without members in
// its body, where In holds nothing but texts of the path and a body of which no
// member is needed: there is nothing to decode, to validate or to fill in, which
// is most of what huma does for a token read. It returns nil for every other
// operation, and for those that create, whose answers are kept.
func shortcut[In, Out any](f *Front, op Operation, serve func(context.Context, *call, *In) (*Out, error)) func(http.ResponseWriter, *http.Request, *call) {
	texts, ok := pathTexts(reflect.TypeFor[In]())
	_, none := any((*Out)(nil)).(*None)
	if !ok || none || op.Creates {
		return nil
	}
	status := op.Status
	if status == 0 {
		status = http.StatusOK
	}
	return func(w http.ResponseWriter, r *http.Request, c *call) {
		in := new(In)
		v := reflect.ValueOf(in).Elem()
		for name, field := range texts {
			v.Field(field).SetString(r.PathValue(name))
		}
		out, err := serve(r.Context(), c, in)
		if err != nil {
			f.WriteProblem(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = huma.DefaultJSONFormat.Marshal(w, out) // the caller has gone
	}
}

// pathTexts returns the fields of In that take a text of the path as it is, by
// name; false where there is anything else to do for In than to set these.
func pathTexts(in reflect.Type) (texts map[string]int, ok bool) {
	if reflect.PointerTo(in).Implements(reflect.TypeFor[huma.Resolver]()) {
		return nil, false
	}
	texts = map[string]int{}
	for i := range in.NumField() {
		field := in.Field(i)
		switch name := field.Tag.Get("path"); {
		case name != "" && field.Type.Kind() == reflect.String && string(field.Tag) == `path:"`+name+`"`:
			texts[name] = i
		case field.Name == "Body" && optionalMembers(field.Type):
		default:
			return nil, false
		}
	}
	return texts, true
}

// optionalMembers says whether {} is a whole body of this type, with nothing to
// be filled in.
func optionalMembers(t reflect.Type) bool {
	if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(reflect.TypeFor[huma.Resolver]()) {
		return false
	}
	for field := range t.Fields() {
		_, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		_, filled := field.Tag.Lookup("default")
		_, required := field.Tag.Lookup("required")
		_, depends := field.Tag.Lookup("dependentRequired")
		if field.Anonymous || !strings.Contains(options, "omitempty") || filled || required || depends {
			return false
		}
	}
	return true
}
