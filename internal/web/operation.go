package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"lanyard"
)

// Operation describes one call of the JSON API.
type Operation struct {
	Method      string
	Path        string // "/v1/connections/{id}"
	ID          string // operationId, such as "getConnection"; names methods of generated clients
	Tag         string // the noun, for the order of the documentation
	Summary     string // one line
	Description string
	Scope       lanyard.Scope // what the caller needs; Known or OperatorOnly where no scope fits
	Status      int           // of success; 0: 200, or 204 for None
	Creates     bool          // takes an Idempotency-Key
	ForBot      bool          // may be asked with a bot's own key
	NoProject   bool          // makes sense without a project: the operator need not name one
}

const (
	// Known is the Scope of an operation for every caller whom we know.
	Known lanyard.Scope = "known"
	// OperatorOnly is the Scope of an operation of the operator's door.
	OperatorOnly lanyard.Scope = "operator"
)

// None is the Out of an operation that answers without a body.
type None struct{}

// JSON registers an operation. In says what the request holds, with huma's
// tags: fields `path:"id"`, `query:"limit"`, `header:"…"`, and Body; Out is the
// body of the answer. Every step of the package comment runs before h, which is
// called with a principal that holds the scope. An error of h becomes a problem.
//
// It panics where the operation is not complete, like http.ServeMux.Handle.
func JSON[In, Out any](f *Front, op Operation, h func(ctx context.Context, p lanyard.Principal, in *In) (*Out, error)) {
	if op.ID == "" || op.Summary == "" || op.Scope == "" {
		panic("web: operation " + op.Method + " " + op.Path + " lacks ID, Summary or Scope")
	}
	serve := func(ctx context.Context, c *call, in *In) (*Out, error) {
		c.reached = true
		out, err := h(ctx, c.principal, in)
		if err != nil {
			return nil, f.record(ctx, c.principal, op.Method+" "+op.Path, err)
		}
		return out, nil
	}
	hop := op.huma()
	hop.Middlewares = huma.Middlewares{f.gate(op, bodyOf(reflect.TypeFor[In]()), shortcut(f, op, serve))}
	run := func(ctx context.Context, in *In) (*Out, error) {
		out, err := serve(ctx, ctx.Value(callKey{}).(*call), in)
		if err != nil {
			return nil, f.ProblemOf(ctx, err)
		}
		return out, nil
	}
	if _, none := any((*Out)(nil)).(*None); none {
		huma.Register(f.huma, hop, func(ctx context.Context, in *In) (*struct{}, error) {
			_, err := run(ctx, in)
			return nil, err
		})
		return
	}
	huma.Register(f.huma, hop, func(ctx context.Context, in *In) (*answer[Out], error) {
		out, err := run(ctx, in)
		if err != nil {
			return nil, err
		}
		return &answer[Out]{out}, nil
	})
}

type answer[Out any] struct{ Body *Out }

// call is one request on its way through gate and handler.
type call struct {
	principal lanyard.Principal
	reached   bool // the service was called
}

type callKey struct{}

// gate is every step before the decoding. short answers what needs none, if it
// is not nil.
func (f *Front) gate(op Operation, body *body, short func(http.ResponseWriter, *http.Request, *call)) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		w.Header().Set("Cache-Control", "no-store")
		p, err := f.admit(r, op)
		if err != nil {
			f.WriteProblem(w, r, err)
			return
		}
		raw, err := body.read(r)
		if err != nil {
			f.WriteProblem(w, r, err)
			return
		}
		c := &call{principal: p}
		if short != nil && r.URL.RawQuery == "" && (len(raw) == 0 || string(raw) == "{}") {
			short(w, r, c)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(raw))
		ctx = huma.WithValue(ctx, callKey{}, c)
		if key := r.Header.Get("Idempotency-Key"); op.Creates && key != "" && p.Project != "" {
			f.once(ctx, next, c, op, key, raw)
			return
		}
		next(ctx)
	}
}

// Admit is the first step of a handler that does the rest itself, such as one in a
// vendor's shape: who asks, within their limits and with this scope. A refusal is on
// record; the error is for the caller, in whatever shape.
func (f *Front) Admit(r *http.Request, scope lanyard.Scope) (lanyard.Principal, error) {
	return f.admit(r, Operation{Scope: scope})
}

// AdmitBot is Admit for what a bot's own key may ask for, too.
func (f *Front) AdmitBot(r *http.Request, scope lanyard.Scope) (lanyard.Principal, error) {
	return f.admit(r, Operation{Scope: scope, ForBot: true})
}

// admit authenticates, limits and checks the scope. It is the one place that keeps a bot's
// own key to what is marked for it; which bot that is, package bot sees to.
func (f *Front) admit(r *http.Request, op Operation) (lanyard.Principal, error) {
	p, err := f.Caller(r)
	if err != nil {
		return p, err
	}
	if p.Key != "" {
		if wait, ok := f.keys.Take(string(p.Key)); !ok {
			return p, tooMany(wait)
		}
	}
	switch {
	case p.Bot != "" && !op.ForBot:
		err = lanyard.Errorf(lanyard.CodeKeyLimited, "this key is a bot's own: it is good for that bot's join tokens, its reports and reading it, and for what its allow has")
	case op.Scope == OperatorOnly:
		if !p.Operator {
			err = lanyard.Errorf(lanyard.CodeOperatorOnly, "")
		}
	case op.Scope != Known:
		err = p.Need(op.Scope)
	}
	if err == nil {
		p, err = onProject(p, r, op.Scope != OperatorOnly && !op.NoProject)
	}
	if err != nil && Status(lanyard.CodeOf(err)) != http.StatusBadRequest {
		if err2 := f.access.Denied(r.Context(), p, r.Pattern, err); err2 != nil {
			return p, err2
		}
	}
	return p, err
}

// record writes into the log that a caller we know asked a service for what is not theirs,
// unless the service has recorded it: no handler can leave it out.
func (f *Front) record(ctx context.Context, p lanyard.Principal, route string, err error) error {
	refusal := errors.Is(err, lanyard.Forbidden) || errors.Is(err, lanyard.NotFound)
	if !refusal || p.Operator || lanyard.OnRecord(err) {
		return err
	}
	if err2 := f.access.Denied(ctx, p, route, err); err2 != nil {
		return err2
	}
	return err
}

// once runs a call that has an Idempotency-Key, or gives the answer that it had before.
func (f *Front) once(ctx huma.Context, next func(huma.Context), c *call, op Operation, key string, raw []byte) {
	r, w := humago.Unwrap(ctx)
	a, replayed, err := f.kept(r, c.principal, op.Method+" "+op.Path, key, raw, func() Answer {
		rec := &recording{humaContext: ctx}
		next(rec)
		return Answer{Status: rec.status, Body: rec.body.Bytes(), Reached: c.reached}
	})
	if err != nil {
		f.WriteProblem(w, r, err)
		return
	}
	if replayed {
		ct := "application/json"
		if a.Status >= 400 {
			ct = "application/problem+json"
		}
		w.Header().Set("Content-Type", ct)
		w.Header().Set("Idempotent-Replayed", "true")
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}

// humaContext is the interface under a name that is not that of its method Context.
type humaContext = huma.Context

// recording holds an answer back until it is kept.
type recording struct {
	humaContext
	status int
	body   bytes.Buffer
}

func (c *recording) Unwrap() huma.Context  { return c.humaContext }
func (c *recording) SetStatus(status int)  { c.status = status }
func (c *recording) Status() int           { return c.status }
func (c *recording) BodyWriter() io.Writer { return &c.body }

// huma makes huma's description of the operation.
func (op Operation) huma() huma.Operation {
	h := huma.Operation{
		OperationID: op.ID, Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.Description,
		DefaultStatus: op.Status, RejectUnknownQueryParameters: true,
		MaxBodyBytes: maxJSON + 1, BodyReadTimeout: -1, // ours, in read and LimitBody
		Security:   []map[string][]string{{"key": {}}},
		Extensions: map[string]any{},
	}
	if op.Tag != "" {
		h.Tags = []string{op.Tag}
	}
	h.Extensions["x-lanyard-scope"] = string(op.Scope)
	if op.Creates {
		h.Parameters = append(h.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header",
			Description: "The same key within 24 hours gives the same answer without doing it again",
			Schema:      &huma.Schema{Type: "string"}})
	}
	return h
}

func humaConfig(publicURL, version string) huma.Config {
	format := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: json.Unmarshal}
	c := huma.DefaultConfig("Lanyard", version)
	c.OpenAPI.Info.Description = "Keeps users' OAuth connections for meeting bots."
	c.OpenAPI.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key":   {Type: "http", Scheme: "bearer", Description: "An API key: lyk_…, or an operator key: lyo_…"},
		"token": {Type: "apiKey", In: "header", Name: "Authorization", Description: "An API key as the bot vendors' clients send theirs: `Token lyk_…`"},
	}
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", "" // served by Docs
	c.CreateHooks = nil                                   // no $schema, whose address comes from the Host header
	c.Formats = map[string]huma.Format{"application/json": format, "json": format}
	return c
}
