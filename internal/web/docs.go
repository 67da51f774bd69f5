package web

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"lanyard"
)

//go:embed docs.html docs.css
var docsFiles embed.FS

// OpenAPI returns the description of every operation that was registered, as
// OpenAPI 3.1 in JSON, indented, ending in a newline.
func (f *Front) OpenAPI() ([]byte, error) {
	raw, err := json.Marshal(f.huma.OpenAPI())
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// Docs serves the committed description at /openapi.json, and /docs made from
// it: pages that need no script and nothing from elsewhere. What it shows is
// the same for everybody.
func (f *Front) Docs(openapi []byte) error {
	view, err := docsView(openapi)
	if err != nil {
		return fmt.Errorf("read the OpenAPI document: %w", err)
	}
	view.Errors, view.PublicURL = errorRows(), f.publicURL
	pages, err := template.New("").Funcs(template.FuncMap{"code": inCode}).ParseFS(docsFiles, "docs.html")
	if err != nil {
		return err
	}
	css, err := docsFiles.ReadFile("docs.css")
	if err != nil {
		return err
	}
	for path, name := range map[string]string{"GET /docs": "api", "GET /docs/errors": "errors"} {
		var out bytes.Buffer
		if err := pages.ExecuteTemplate(&out, name, view); err != nil {
			return err
		}
		f.Handle(path, static("text/html; charset=utf-8", out.Bytes()))
	}
	f.Handle("GET /docs/style.css", static("text/css; charset=utf-8", css))
	f.Handle("GET /openapi.json", static("application/json", openapi))
	return nil
}

// inCode sets what stands between backticks as code.
func inCode(s string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(s, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		b.WriteString(part)
	}
	return template.HTML(b.String()) //nolint:gosec // each part is escaped
}

func static(contentType string, b []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(b)
	})
}

type docsPage struct {
	Version   string
	PublicURL string
	Tags      []docsTag
	Schemas   []docsSchema
	Errors    []docsError
}

type docsTag struct {
	Name, Say  string
	Operations []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Description, Scope string
	Parameters                                    []docsField
	Body, Answer, Status                          string
}

type docsField struct {
	Name, In, Type, Ref, Doc string
	Required                 bool
}

type docsSchema struct {
	Name   string
	Fields []docsField
}

type docsError struct {
	lanyard.Row
	Status int
}

func errorRows() []docsError {
	var out []docsError
	for _, c := range lanyard.Codes() {
		out = append(out, docsError{lanyard.RowOf(c), Status(c)})
	}
	return out
}

// oaSchema and oaOperation are the parts of OpenAPI 3.1 that the pages show.
type oaSchema struct {
	Type        any                 `json:"type"` // a name, or several
	Ref         string              `json:"$ref"`
	Format      string              `json:"format"`
	Description string              `json:"description"`
	Items       *oaSchema           `json:"items"`
	Properties  map[string]oaSchema `json:"properties"`
	Required    []string            `json:"required"`
}

type oaContent struct {
	Content map[string]struct {
		Schema oaSchema `json:"schema"`
	} `json:"content"`
}

type oaOperation struct {
	OperationID string   `json:"operationId"`
	Summary     string   `json:"summary"`
	Description string   `json:"description"`
	Tags        []string `json:"tags"`
	Scope       string   `json:"x-lanyard-scope"`
	Parameters  []struct {
		Name, In, Description string
		Required              bool
		Schema                oaSchema
	} `json:"parameters"`
	RequestBody oaContent            `json:"requestBody"`
	Responses   map[string]oaContent `json:"responses"`
}

func docsView(openapi []byte) (docsPage, error) {
	var doc struct {
		Info       struct{ Version string }
		Tags       []struct{ Name, Description string }
		Paths      map[string]map[string]oaOperation
		Components struct{ Schemas map[string]oaSchema }
	}
	if err := json.Unmarshal(openapi, &doc); err != nil {
		return docsPage{}, err
	}
	page := docsPage{Version: doc.Info.Version}
	tags := map[string][]docsOperation{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			tag := ""
			if len(op.Tags) > 0 {
				tag = op.Tags[0]
			}
			tags[tag] = append(tags[tag], operationOf(strings.ToUpper(method), path, op))
		}
	}
	for name, ops := range tags {
		slices.SortFunc(ops, func(a, b docsOperation) int {
			return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
		})
		tag := docsTag{Name: name, Operations: ops}
		for _, said := range doc.Tags {
			if said.Name == name {
				tag.Say = said.Description
			}
		}
		page.Tags = append(page.Tags, tag)
	}
	slices.SortFunc(page.Tags, func(a, b docsTag) int { return cmp.Compare(a.Name, b.Name) })
	for name, s := range doc.Components.Schemas {
		page.Schemas = append(page.Schemas, schemaOf(name, s))
	}
	slices.SortFunc(page.Schemas, func(a, b docsSchema) int { return cmp.Compare(a.Name, b.Name) })
	return page, nil
}

func operationOf(method, path string, op oaOperation) docsOperation {
	out := docsOperation{ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, Description: op.Description,
		Scope: op.Scope, Body: refName(op.RequestBody)}
	for _, p := range op.Parameters {
		out.Parameters = append(out.Parameters, docsField{Name: p.Name, In: p.In, Type: p.Schema.name(), Doc: cmp.Or(p.Description, p.Schema.Description), Required: p.Required})
	}
	for status, r := range op.Responses {
		if status[0] == '2' {
			out.Status, out.Answer = status, refName(r)
		}
	}
	return out
}

func schemaOf(name string, s oaSchema) docsSchema {
	out := docsSchema{Name: name}
	for field, f := range s.Properties {
		ref := f.Ref
		if f.Items != nil {
			ref = f.Items.Ref
		}
		out.Fields = append(out.Fields, docsField{Name: field, Type: f.name(), Ref: strings.TrimPrefix(ref, "#/components/schemas/"),
			Doc: f.Description, Required: slices.Contains(s.Required, field)})
	}
	slices.SortFunc(out.Fields, func(a, b docsField) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func refName(c oaContent) string {
	return strings.TrimPrefix(c.Content["application/json"].Schema.Ref, "#/components/schemas/")
}

// name says the type in words: string, date-time, list of string, Key.
func (s oaSchema) name() string {
	if s.Ref != "" {
		return strings.TrimPrefix(s.Ref, "#/components/schemas/")
	}
	kind := ""
	switch t := s.Type.(type) {
	case string:
		kind = t
	case []any: // nullable: ["array","null"]
		for _, v := range t {
			if v != "null" {
				kind, _ = v.(string)
			}
		}
	}
	if kind == "array" && s.Items != nil {
		return "list of " + s.Items.name()
	}
	return cmp.Or(s.Format, kind)
}
