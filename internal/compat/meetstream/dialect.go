package meetstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/bot"
	"lanyard/internal/connection"
	"lanyard/internal/flow"
	"lanyard/internal/meeting"
	"lanyard/internal/web"
)

// provider is whose connections and meetings MeetStream's API is about.
const provider = "zoom"

// Config is what a Dialect needs; every field is required.
type Config struct {
	Front       *web.Front
	Apps        *app.Service
	Connections *connection.Service
	Flow        *flow.Service
	Meetings    *meeting.Service
	Bots        *bot.Service
}

// Dialect is MeetStream's API (compat.Dialect).
type Dialect struct{ Config }

// New returns the Dialect.
func New(c Config) *Dialect { return &Dialect{c} }

// Name says whose words these are.
func (d *Dialect) Name() lanyard.Dialect { return lanyard.DialectMeetStream }

// reply is an answer that is no error.
type reply struct {
	status int // 0: 200
	header http.Header
	body   []byte
}

// handler does one call for a principal that has the scope. raw is the body, where the
// path takes one.
type handler func(ctx context.Context, p lanyard.Principal, r *http.Request, raw []byte) (reply, error)

// ask serves a call without a body.
func (d *Dialect) ask(scope lanyard.Scope, h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, err := d.admit(r, scope)
		if err != nil {
			d.Refuse(w, r, err)
			return
		}
		a, err := h(r.Context(), p, r, nil)
		if err != nil {
			d.Refuse(w, r, d.Front.Record(r, p, err))
			return
		}
		a.write(w)
	}
}

// admit is web's. A header without a key in it, which is what a client sends whose setting
// is empty, is no key, and one of another shape is told MeetStream's.
func (d *Dialect) admit(r *http.Request, scope lanyard.Scope) (lanyard.Principal, error) {
	p, err := d.Front.Admit(r, scope)
	if !errors.Is(err, lanyard.CodeCredentialInvalid) {
		return p, err
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch known := strings.EqualFold(scheme, "Token") || strings.EqualFold(scheme, "Bearer"); {
	case scheme == "", known && key == "":
		err = lanyard.Errorf(lanyard.CodeCredentialMissing, "")
	case !known, len(r.Header.Values("Authorization")) > 1:
		err = lanyard.Errorf(lanyard.CodeCredentialInvalid, "the Authorization header must be one, and be: Token <key>")
	}
	return p, err
}

// make serves a call that makes something, once for an Idempotency-Key, of a body of at most
// so many bytes.
func (d *Dialect) make(scope lanyard.Scope, most int64, h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, err := d.admit(r, scope)
		if err != nil {
			d.Refuse(w, r, err)
			return
		}
		raw, err := web.LargeObject(r, most)
		if err != nil {
			d.Refuse(w, r, err)
			return
		}
		var fresh reply
		a, replayed, err := d.Front.Once(r, p, raw, func() web.Answer {
			var failed error
			if fresh, failed = h(r.Context(), p, r, raw); failed != nil {
				fresh = d.refusal(r, d.Front.Record(r, p, failed))
			}
			return web.Answer{Status: fresh.code(), Body: fresh.body, Reached: true}
		})
		switch {
		case err != nil:
			d.Refuse(w, r, err)
		case replayed:
			w.Header().Set("Idempotent-Replayed", "true")
			replay(a).write(w)
		default:
			fresh.write(w)
		}
	}
}

// replay is the answer to a request that was answered before: 507 where that was a success,
// which MeetStream's clients take for one. What was answered then is in it.
func replay(a web.Answer) reply {
	if a.Status >= 300 {
		return reply{status: a.Status, body: a.Body}
	}
	members := map[string]json.RawMessage{}
	if json.Unmarshal(a.Body, &members) != nil || members == nil {
		members = map[string]json.RawMessage{}
	}
	members["message"] = json.RawMessage(`"This request has succeeded before; nothing was done again."`)
	a.Body, _ = encoded(members) // what was just read can be written
	return reply{status: http.StatusInsufficientStorage, body: a.Body}
}

func (a reply) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

func (a reply) write(w http.ResponseWriter) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.WriteHeader(a.code())
	_, _ = w.Write(a.body) // the caller has gone
}

// says makes a reply of anything that is JSON.
func says(status int, v any) (reply, error) {
	body, err := encoded(v)
	if err != nil {
		return reply{}, fmt.Errorf("write the answer: %w", err)
	}
	return reply{status: status, body: body}, nil
}

// encoded is JSON with & < and > as they are: an authorize URL is to be seen in it as it is.
func encoded(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// message is an answer that says what was done.
func message(format string, a ...any) (reply, error) {
	return says(http.StatusOK, map[string]string{"message": fmt.Sprintf(format, a...)})
}

// Refuse answers with err as MeetStream does.
func (d *Dialect) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	d.refusal(r, err).write(w)
}

// problem is an error's body. Clients read message first, then detail, then error.
type problem struct {
	Message       string   `json:"message"`
	Code          string   `json:"code"` // ours, stable: docs/errors.md
	BotID         string   `json:"bot_id,omitempty"`
	MissingScopes []string `json:"missing_scopes,omitempty"`
	ReconnectURL  string   `json:"reconnect_url,omitempty"`
	RetryAfter    int      `json:"retry_after,omitempty"`
	RequestID     string   `json:"request_id,omitempty"`
}

// told is an error in MeetStream's own words and with its own status.
type told struct {
	status int
	text   string
	botID  string
	err    error // ours
}

func (e *told) Error() string { return e.text }
func (e *told) Unwrap() error { return e.err }

// refusal is the answer for err.
func (d *Dialect) refusal(r *http.Request, err error) reply {
	p := d.Front.ProblemOf(r.Context(), err)
	out := problem{Message: p.Detail, Code: p.Code, MissingScopes: p.MissingScopes, ReconnectURL: p.ReconnectURL, RetryAfter: p.RetryAfter,
		RequestID: p.RequestID}
	a := reply{status: status(lanyard.Code(p.Code), p.Status), header: p.GetHeaders().Clone()}
	if own, ok := errors.AsType[*told](err); ok {
		a.status, out.Message, out.BotID = own.status, own.text, own.botID
	} else if p.Status == http.StatusForbidden { // MeetStream has no words for it, so ours with what to do
		out.Message += " " + lanyard.RowOf(lanyard.Code(p.Code)).Do
	}
	if out.Message == "" {
		out.Message = p.Title
	}
	if a.status != http.StatusUnauthorized {
		a.header.Del("WWW-Authenticate")
	}
	a.body, _ = encoded(out) // texts and numbers
	return a
}

// status is MeetStream's for a code of ours, where it means something else by it.
func status(code lanyard.Code, ours int) int {
	switch code {
	case lanyard.CodeCredentialInvalid, lanyard.CodeUnboundCodesOff, lanyard.CodeAppNotReady:
		return http.StatusForbidden // 401 is for no key at all
	case lanyard.CodeCodeRejected, lanyard.CodeScopesMissing, lanyard.CodeAccountNotActive:
		return http.StatusBadRequest
	}
	if ours == http.StatusUnprocessableEntity {
		return http.StatusConflict // another request under the same Idempotency-Key
	}
	return ours
}
