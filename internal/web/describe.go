package web

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"lanyard"
)

// Capability is the Scope of a call whose address is the credential.
const Capability lanyard.Scope = "capability"

// Outside describes a call that a handler of its own serves, registered with Handle or
// HandleRaw: the document has it all the same.
type Outside struct {
	Operation        // its Path as http.ServeMux has it
	Token     bool   // clients may send their key as "Token …", as the vendors' do
	Body      string // media type of a body; empty: it takes none
	Answers   string // what a success is, in a few words
	Fails     string // in what shape it says no; empty: a problem
}

// Describe puts a call into the document and on no router. Whoever registers the handler
// calls it with what the handler was made from.
func (f *Front) Describe(o Outside) {
	op := o.huma()
	op.Path = segment.ReplaceAllString(op.Path, "{$1}")
	for _, m := range segment.FindAllStringSubmatch(o.Path, -1) {
		p := &huma.Param{Name: m[1], In: "path", Required: true, Schema: &huma.Schema{Type: "string"}}
		if m[2] != "" {
			p.Description = "The rest of the path, slashes and all"
		}
		op.Parameters = append(op.Parameters, p)
	}
	switch {
	case o.Scope == Capability:
		op.Security = []map[string][]string{}
	case o.Token:
		op.Security = []map[string][]string{{"token": {}}}
	}
	if o.Body != "" {
		op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{o.Body: {Schema: &huma.Schema{}}}}
	}
	op.Responses = map[string]*huma.Response{
		"2XX":     {Description: o.Answers},
		"default": {Description: cmp.Or(o.Fails, "A problem (RFC 9457)")},
	}
	f.huma.OpenAPI().AddOperation(&op)
}

// segment is a wildcard of a pattern: its name, and dots where it takes the rest.
var segment = regexp.MustCompile(`\{(\w+)(\.\.\.)?\}`)

// Tag says in the document what the operations of a tag have in common.
func (f *Front) Tag(name, say string) {
	api := f.huma.OpenAPI()
	api.Tags = append(api.Tags, &huma.Tag{Name: name, Description: say})
}

// OperationID makes a name for an operation of its method and what its pattern is made of:
// "attendee", "GET", "/bots/{id}/send_chat_message" is attendeeGetBotsIdSendChatMessage.
func OperationID(of, method, pattern string) string {
	words := strings.FieldsFunc(strings.ToLower(method)+" "+pattern, func(r rune) bool { return strings.ContainsRune(" /{}._-", r) })
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return of + strings.Join(words, "")
}
