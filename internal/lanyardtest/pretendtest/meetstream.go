package pretendtest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"lanyard"
)

// MeetStream starts a pretend MeetStream.
func MeetStream(t testing.TB, zoom string) *Vendor {
	return start(t, zoom, "/api/v1", meetstream{})
}

type meetstream struct{}

func (meetstream) keyOf(r *http.Request) (string, bool) { return tokenKey(r) }
func (meetstream) badKey() int                          { return http.StatusForbidden }
func (meetstream) fail(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]any{"message": text})
}

func (meetstream) states() map[string]string {
	return map[string]string{"joining": "Joining", "in": "InMeeting", "out": "Stopped", "failed": "Error"}
}

func (m meetstream) mount(v *Vendor, mux *http.ServeMux) {
	mux.HandleFunc("POST /bots/create_bot", func(w http.ResponseWriter, r *http.Request) {
		in, ok := v.read(w, r)
		if !ok {
			return
		}
		once := r.Header.Get("Idempotency-Key")
		for _, b := range v.Bots() {
			if once != "" && once == text(b.Request, "-once") {
				answer(w, http.StatusInsufficientStorage, map[string]any{"message": "The original request already succeeded", "bot_id": b.ID})
				return
			}
		}
		if why := m.wrong(in); why != "" {
			m.fail(w, http.StatusBadRequest, why)
			return
		}
		in["-once"] = once
		b := v.send("ms-"+lanyard.Random(12), text(in, "meeting_link"), text(in, "bot_name"), in)
		answer(w, http.StatusCreated, map[string]any{"bot_id": b.ID, "transcript_id": nil, "meeting_url": text(in, "meeting_link"), "status": "Active"})
	})
	mux.HandleFunc("GET /bots", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"bots": []any{}, "hasNextPage": false, "nextCursor": nil})
	})
	one := func(do func(w http.ResponseWriter, b *bot)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if b := v.bot(r.PathValue("id")); b != nil {
				do(w, b)
				return
			}
			m.fail(w, http.StatusNotFound, "Bot not found")
		}
	}
	mux.HandleFunc("GET /bots/{id}/status", one(func(w http.ResponseWriter, b *bot) {
		answer(w, http.StatusOK, map[string]any{"bot_id": b.ID, "status": m.states()[v.look(b).State], "custom_attributes": b.Request["custom_attributes"]})
	}))
	mux.HandleFunc("GET /bots/{id}/detail", one(func(w http.ResponseWriter, b *bot) {
		answer(w, http.StatusOK, map[string]any{"bot_details": map[string]any{"BotID": b.ID, "RequestPayload": b.Request}})
	}))
	mux.HandleFunc("GET /bots/{id}/remove_bot", one(func(w http.ResponseWriter, b *bot) {
		v.set(b, func() { b.removed = true })
		answer(w, http.StatusOK, map[string]any{"message": "Bot removed"})
	}))
}

// wrong is what MeetStream says of a request that it does not take.
func (meetstream) wrong(in map[string]any) string {
	zoom := object(in, "zoom")
	obf, zak := text(zoom, "obf_url"), text(zoom, "zak_url")
	switch {
	case text(in, "meeting_link") == "" || text(in, "bot_name") == "":
		return "meeting_link and bot_name are required"
	case obf != "" && zak != "":
		return "Pass only one of zoom.zak_url or zoom.obf_url"
	case obf+zak != "" && zoom["use_zoom_obf"] != nil:
		return "zoom.obf_url and zoom.zak_url cannot be combined with zoom.use_zoom_obf"
	case obf+zak != "" && !secure(obf+zak):
		return "the URL must use https"
	case strings.Contains(obf, "meeting_number"):
		return "do not put meeting_number in the URL"
	}
	return ""
}

// fetch: GET, and POST where that gives 405 or nothing that can be read. 400 is final. No
// token, no guest.
func (meetstream) fetch(v *Vendor, b *bot) bool {
	zoom := object(b.Request, "zoom")
	address, call := text(zoom, "zak_url"), map[string]string{"bot_id": b.ID}
	onbehalf := address == ""
	if onbehalf {
		if address = text(zoom, "obf_url"); address == "" {
			return true
		}
		call["meeting_number"] = b.number
	}
	h := http.Header{"X-Bot-Id": {b.ID}}
	first := address
	if onbehalf {
		mark := "?"
		if strings.Contains(address, "?") {
			mark = "&"
		}
		first += mark + "meeting_number=" + b.number
	}
	status, got := v.ask(b, http.MethodGet, first, "", h)
	tok := readToken(status, got)
	if tok == "" && (status == http.StatusMethodNotAllowed || status == http.StatusOK) {
		body, _ := json.Marshal(call)
		h.Set("Content-Type", "application/json")
		status, got = v.ask(b, http.MethodPost, address, string(body), h)
		tok = readToken(status, got)
	}
	if tok == "" {
		return false
	}
	if onbehalf {
		b.obf = []string{tok}
	} else {
		b.zak = tok
	}
	return true
}

// readToken takes plain text of more than 50 characters, or JSON with one of three members.
func readToken(status int, body string) string {
	if status != http.StatusOK {
		return ""
	}
	body = strings.TrimSpace(body)
	var in map[string]any
	if json.Unmarshal([]byte(body), &in) == nil {
		body = ""
		for _, name := range []string{"token", "zak", "obf"} {
			if t := text(in, name); t != "" {
				body = t
			}
		}
	}
	if len(body) <= 50 {
		return ""
	}
	return body
}
