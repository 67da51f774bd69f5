package pretendtest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lanyard"
)

// MeetingBaaS starts a pretend Meeting BaaS, version 2.
func MeetingBaaS(t testing.TB, zoom string) *Vendor { return start(t, zoom, "/v2", baas{}) }

type baas struct{}

func (baas) keyOf(r *http.Request) (string, bool) {
	return r.Header.Get("x-meeting-baas-api-key"), false
}
func (baas) badKey() int { return http.StatusUnauthorized }
func (baas) fail(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]any{"success": false, "error": text, "code": "FST_ERR", "statusCode": status, "message": text})
}

func (baas) states() map[string]string {
	return map[string]string{"joining": "joining_call", "in": "in_call_recording", "out": "completed", "failed": "failed"}
}

func (c baas) mount(v *Vendor, mux *http.ServeMux) {
	data := func(w http.ResponseWriter, status int, d map[string]any) {
		answer(w, status, map[string]any{"success": true, "data": d})
	}
	mux.HandleFunc("POST /bots", func(w http.ResponseWriter, r *http.Request) {
		in, ok := v.read(w, r)
		if !ok {
			return
		}
		z := object(in, "zoom_config")
		given := 0
		for _, name := range []string{"obf_token", "obf_token_url", "zak_token_url", "credential_user_id"} {
			if text(z, name) != "" {
				given++
			}
		}
		switch {
		case text(in, "meeting_url") == "" || text(in, "bot_name") == "":
			c.fail(w, http.StatusBadRequest, "body must have required property 'meeting_url' and 'bot_name'")
		case in["join_at"] != nil:
			c.fail(w, http.StatusBadRequest, "join_at is for /v2/bots/scheduled")
		case given > 1 || text(z, "obf_token_url") != "" && !secure(text(z, "obf_token_url")):
			c.fail(w, http.StatusBadRequest, "zoom_config: one source of tokens")
		default:
			b := v.send("mb-"+lanyard.Random(12), text(in, "meeting_url"), text(in, "bot_name"), in)
			data(w, http.StatusCreated, map[string]any{"bot_id": b.ID})
		}
	})
	mux.HandleFunc("GET /bots", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"success": true, "data": []any{}, "cursor": nil})
	})
	one := func(do func(w http.ResponseWriter, b *bot)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if b := v.bot(r.PathValue("id")); b != nil {
				do(w, b)
				return
			}
			c.fail(w, http.StatusNotFound, "Bot not found")
		}
	}
	mux.HandleFunc("GET /bots/{id}/status", one(func(w http.ResponseWriter, b *bot) {
		is := v.look(b)
		d := map[string]any{"bot_id": is.ID, "status": c.states()[is.State], "transcription_status": "not-started"}
		if is.Why == "4017" {
			d["error_code"] = "WAITING_FOR_HOST_TIMEOUT"
		}
		data(w, http.StatusOK, d)
	}))
	mux.HandleFunc("POST /bots/{id}/leave", one(func(w http.ResponseWriter, b *bot) {
		if s := v.look(b).State; s == "out" || s == "failed" {
			c.fail(w, http.StatusConflict, "Operation not permitted in this state.")
			return
		}
		v.set(b, func() { b.removed = true })
		data(w, http.StatusOK, map[string]any{"message": "Bot leave request sent successfully."})
	}))
}

// fetch: GET with the bot's id and what the customer gave it, plain text.
func (baas) fetch(v *Vendor, b *bot) bool {
	z := object(b.Request, "zoom_config")
	get := func(name string) (string, bool) {
		u, err := url.Parse(text(z, name))
		if err != nil || u.Host == "" {
			return "", true
		}
		q := u.Query()
		q.Set("bot_id", b.ID)
		if extra := b.Request["extra"]; extra != nil {
			given, _ := json.Marshal(extra)
			q.Set("extra", string(given))
		}
		u.RawQuery = q.Encode()
		status, body := v.ask(b, http.MethodGet, u.String(), "", nil)
		return strings.TrimSpace(body), status == http.StatusOK
	}
	obf, ok := get("obf_token_url")
	zak, okZAK := get("zak_token_url")
	if obf != "" {
		b.obf = []string{obf}
	}
	b.zak = zak
	return ok && okZAK
}
