package pretendtest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lanyard"
)

// AttendeeSecret is what the pretend Attendee signs its calls with, as it shows it.
var AttendeeSecret = base64.StdEncoding.EncodeToString([]byte("thirty-two bytes of pretend key!"))

// Attendee starts a pretend Attendee, whose bots join meetings of the Zoom at that URL.
func Attendee(t testing.TB, zoom string) *Vendor {
	return start(t, zoom, "/api/v1", attendee{})
}

type attendee struct{}

func (attendee) keyOf(r *http.Request) (string, bool) { return tokenKey(r) }
func (attendee) badKey() int                          { return http.StatusUnauthorized }
func (attendee) fail(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]any{"detail": text})
}

func (attendee) states() map[string]string {
	return map[string]string{"joining": "joining", "in": "joined_recording", "out": "ended", "failed": "ended"}
}

func (a attendee) mount(v *Vendor, mux *http.ServeMux) {
	refuse := func(w http.ResponseWriter, body any) { answer(w, http.StatusBadRequest, body) }
	mux.HandleFunc("POST /bots", func(w http.ResponseWriter, r *http.Request) {
		in, ok := v.read(w, r)
		if !ok {
			return
		}
		for _, name := range []string{"meeting_url", "bot_name"} {
			if text(in, name) == "" {
				refuse(w, map[string]any{name: []string{"This field is required."}})
				return
			}
		}
		for name := range object(in, "zoom_settings") {
			if !slices.Contains([]string{"sdk", "meeting_settings", "onbehalf_token"}, name) {
				refuse(w, map[string]any{"zoom_settings": []string{"Additional properties are not allowed"}})
				return
			}
		}
		back := object(in, "callback_settings")
		if u, there := back["zoom_tokens_url"]; there && (len(back) != 1 || !secure(text(back, "zoom_tokens_url")) || u == nil) {
			refuse(w, map[string]any{"zoom_tokens_url": "URL must start with https://"})
			return
		}
		for _, b := range v.Bots() {
			if key := text(in, "deduplication_key"); key != "" && key == text(b.Request, "deduplication_key") && b.State != "out" && b.State != "failed" {
				refuse(w, map[string]any{"deduplication_key": []string{"Deduplication key already in use. A bot in a non-terminal state with this deduplication key already exists."}})
				return
			}
		}
		b := v.send("bot_"+lanyard.Random(12), text(in, "meeting_url"), text(in, "bot_name"), in)
		answer(w, http.StatusCreated, a.view(v.look(b)))
	})
	mux.HandleFunc("GET /bots", func(w http.ResponseWriter, r *http.Request) {
		all := []any{}
		for _, b := range v.Bots() {
			if key := r.URL.Query().Get("deduplication_key"); key == "" || key == text(b.Request, "deduplication_key") {
				all = append(all, a.view(b))
			}
		}
		answer(w, http.StatusOK, map[string]any{"next": nil, "previous": nil, "results": all})
	})
	one := func(do func(w http.ResponseWriter, b *bot)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if b := v.bot(r.PathValue("id")); b != nil {
				do(w, b)
				return
			}
			answer(w, http.StatusNotFound, map[string]any{"error": "Bot not found"})
		}
	}
	mux.HandleFunc("GET /bots/{id}", one(func(w http.ResponseWriter, b *bot) { answer(w, http.StatusOK, a.view(v.look(b))) }))
	mux.HandleFunc("DELETE /bots/{id}", one(func(w http.ResponseWriter, _ *bot) {
		answer(w, http.StatusBadRequest, map[string]any{"error": "Bot is not in state scheduled and cannot be deleted"})
	}))
	mux.HandleFunc("POST /bots/{id}/leave", one(func(w http.ResponseWriter, b *bot) {
		if s := v.look(b).State; s == "out" || s == "failed" {
			answer(w, http.StatusBadRequest, map[string]any{"error": "Event LEAVE_REQUESTED not allowed when bot is in state ended"})
			return
		}
		v.set(b, func() { b.removed = true })
		answer(w, http.StatusOK, a.view(v.look(b)))
	}))
}

func (a attendee) view(b Bot) map[string]any {
	events := []any{map[string]any{"type": "join_requested", "sub_type": nil}}
	if b.State == "failed" {
		sub := map[string]string{"4017": "authorized_user_not_in_meeting_timeout_exceeded", "4012": "zoom_app_cannot_join_anonymously", "4011": "unpublished_zoom_app"}[b.Why]
		if sub == "" {
			sub = "zoom_meeting_status_failed"
		}
		events = append(events, map[string]any{"type": "could_not_join", "sub_type": sub})
	}
	return map[string]any{"id": b.ID, "metadata": b.Request["metadata"], "meeting_url": text(b.Request, "meeting_url"), "state": a.states()[b.State],
		"events": events, "transcription_state": "not_started", "recording_state": "not_started", "join_at": nil, "deduplication_key": b.Request["deduplication_key"]}
}

// fetch asks once, signed, for all tokens at once; whatever goes wrong, the bot joins bare.
func (attendee) fetch(v *Vendor, b *bot) bool {
	address := text(object(b.Request, "callback_settings"), "zoom_tokens_url")
	if address == "" {
		return true
	}
	body := map[string]any{"bot_id": b.ID, "bot_metadata": b.Request["metadata"], "callback_type": "zoom_tokens", "meeting_url": text(b.Request, "meeting_url")}
	wire, _ := json.MarshalIndent(body, "", " ") // on the wire it is not the form that is signed
	status, answered := v.ask(b, http.MethodPost, address, string(wire), http.Header{"Content-Type": {"application/json"},
		"User-Agent": {"Attendee-Callback/1.0"}, "X-Webhook-Signature": {signAttendee(body)}})
	var tokens map[string]any
	if status < 200 || status > 299 || json.Unmarshal([]byte(answered), &tokens) != nil {
		return true
	}
	for part := range strings.SplitSeq(text(tokens, "onbehalf_token"), ",") {
		if part = strings.TrimSpace(part); part != "" {
			b.obf = append(b.obf, part)
		}
	}
	b.zak, b.rec = text(tokens, "zak_token"), text(tokens, "app_privilege_token")
	return true
}

// signAttendee: members sorted, no white space, nothing escaped that JSON need not escape.
func signAttendee(body map[string]any) string {
	key, _ := base64.StdEncoding.DecodeString(AttendeeSecret)
	mac := hmac.New(sha256.New, key)
	mac.Write(canonical(body))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func canonical(v any) []byte {
	m, ok := v.(map[string]any)
	if !ok {
		var out bytes.Buffer
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		_ = e.Encode(v)
		return bytes.TrimSpace(out.Bytes())
	}
	out := []byte("{")
	for i, name := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, canonical(name)...), ':'), canonical(m[name])...)
	}
	return append(out, '}')
}
