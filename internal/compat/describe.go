package compat

import (
	"fmt"
	"path"
	"strings"

	"lanyard/internal/web"
)

// describe puts what the vendor's paths are into the API's description: all that are
// served or forwarded. The shapes are the vendor's, and so is the description of them.
func (v *vendor) describe(f *web.Front) {
	name := titles[string(v.Name())]
	f.Tag(name, fmt.Sprintf("%s's API, for its clients as they are: shapes, statuses and errors are %s's, and described by it. "+
		"The same paths are below `%s`, with a key whose dialect is `%s` or which has none.", name, name, common, v.Name()))
	for _, p := range v.Paths() {
		if p.How == Absent {
			continue
		}
		op := web.Operation{Method: p.Method, Path: v.base + p.Pattern, ID: web.OperationID(string(v.Name()), p.Method, p.Pattern), Tag: name,
			Summary: p.Title, Description: strings.TrimSpace(p.Say + " The shapes are " + name + "'s."), Scope: p.Scope}
		if p.How == Forwarded {
			op.Description = fmt.Sprintf("Passed on to %s with the project's key, and its answer passed back as it is, for a bot that it runs. For any other bot it is 404. The shapes are %s's.", name, name)
		}
		if op.Summary == "" {
			op.Summary = "Ask " + name + ": " + strings.ReplaceAll(path.Base(p.Pattern), "_", " ")
		}
		out := web.Outside{Operation: op, Token: true, Answers: "In " + name + "'s shape", Fails: "In " + name + "'s shape"}
		if p.Method == "POST" || p.Method == "PATCH" || p.Method == "PUT" {
			out.Body = "application/json"
		}
		f.Describe(out)
	}
}
