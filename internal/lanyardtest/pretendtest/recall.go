package pretendtest

import (
	"net/http"
	"strings"
	"testing"

	"lanyard"
)

// Recall starts a pretend Recall.ai.
func Recall(t testing.TB, zoom string) *Vendor { return start(t, zoom, "/api/v1", recall{}) }

type recall struct{}

func (recall) keyOf(r *http.Request) (string, bool) { return tokenKey(r) }
func (recall) badKey() int                          { return http.StatusUnauthorized }
func (recall) fail(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]any{"detail": text, "code": "error"})
}

func (recall) states() map[string]string {
	return map[string]string{"joining": "joining_call", "in": "in_call_recording", "out": "call_ended", "failed": "fatal"}
}

func (c recall) mount(v *Vendor, mux *http.ServeMux) {
	mux.HandleFunc("POST /bot/{$}", func(w http.ResponseWriter, r *http.Request) {
		in, ok := v.read(w, r)
		if !ok {
			return
		}
		zoom := object(in, "zoom")
		if text(in, "meeting_url") == "" {
			answer(w, http.StatusBadRequest, map[string]any{"meeting_url": []string{"This field is required."}})
			return
		}
		for _, name := range []string{"obf_token_url", "zak_url", "join_token_url"} {
			if u := text(zoom, name); u != "" && !secure(u) {
				answer(w, http.StatusBadRequest, map[string]any{"zoom": map[string]any{name: []string{"Enter a valid URL."}}})
				return
			}
		}
		b := v.send("rec-"+lanyard.Random(12), text(in, "meeting_url"), text(in, "bot_name"), in)
		answer(w, http.StatusCreated, c.view(v.look(b)))
	})
	mux.HandleFunc("GET /bot/{$}", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"next": nil, "previous": nil, "results": []any{}})
	})
	one := func(do func(w http.ResponseWriter, b *bot)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if b := v.bot(r.PathValue("id")); b != nil {
				do(w, b)
				return
			}
			c.fail(w, http.StatusNotFound, "Not found.")
		}
	}
	mux.HandleFunc("GET /bot/{id}/{$}", one(func(w http.ResponseWriter, b *bot) { answer(w, http.StatusOK, c.view(v.look(b))) }))
	mux.HandleFunc("DELETE /bot/{id}/{$}", one(func(w http.ResponseWriter, _ *bot) {
		c.fail(w, http.StatusMethodNotAllowed, "Only scheduled bots can be deleted.")
	}))
	mux.HandleFunc("POST /bot/{id}/leave_call/{$}", one(func(w http.ResponseWriter, b *bot) {
		v.set(b, func() { b.removed = true })
		answer(w, http.StatusOK, c.view(v.look(b)))
	}))
}

func (c recall) view(b Bot) map[string]any {
	changes := []any{map[string]any{"code": "joining_call", "sub_code": nil}}
	if b.Participant != "" {
		changes = append(changes, map[string]any{"code": "in_call_recording", "sub_code": nil})
	}
	switch {
	case b.State == "out":
		changes = append(changes, map[string]any{"code": "call_ended", "sub_code": "bot_kicked_from_call"}, map[string]any{"code": "done", "sub_code": nil})
	case b.State == "failed" && b.Why == "4017":
		changes = append(changes, map[string]any{"code": "fatal", "sub_code": "zoom_obf_user_not_in_meeting"})
	case b.State == "failed":
		changes = append(changes, map[string]any{"code": "fatal", "sub_code": "bot_errored"})
	}
	return map[string]any{"id": b.ID, "bot_name": text(b.Request, "bot_name"), "zoom": b.Request["zoom"], "status_changes": changes}
}

// fetch: GET, nothing added, plain text.
func (recall) fetch(v *Vendor, b *bot) bool {
	zoom := object(b.Request, "zoom")
	get := func(name string) (string, bool) {
		address := text(zoom, name)
		if address == "" {
			return "", true
		}
		status, body := v.ask(b, http.MethodGet, address, "", nil)
		return strings.TrimSpace(body), status == http.StatusOK && !strings.HasPrefix(body, "{")
	}
	obf, ok := get("obf_token_url")
	zak, okZAK := get("zak_url")
	rec, okRec := get("join_token_url") // a refusal is no reason not to join
	if okRec {
		b.rec = rec
	}
	if obf != "" {
		b.obf = []string{obf}
	}
	b.zak = zak
	return ok && okZAK
}
