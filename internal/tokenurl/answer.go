package tokenurl

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/jointoken"
	"lanyard/internal/web"
)

// attendeeAnswer has the names that Attendee knows; what is null it does without. Members
// that it does not know it passes over.
type attendeeAnswer struct {
	ZAK          *string   `json:"zak_token"`
	Join         *string   `json:"join_token"`
	AppPrivilege *string   `json:"app_privilege_token"`
	OnBehalf     *string   `json:"onbehalf_token"` // several, with commas between: it tries one after the other
	Used         []used    `json:"used"`
	Skipped      []skipped `json:"skipped,omitempty"`
	Failed       []failed  `json:"failed,omitempty"`
}

type tokenAnswer struct {
	Token      string     `json:"token"`
	Type       string     `json:"type"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty"`
	Connection string     `json:"connection_id"`
	Skipped    []skipped  `json:"skipped,omitempty"`
}

type used struct {
	Type       string `json:"type"`
	Connection string `json:"connection_id"`
}

type skipped struct {
	Connection string `json:"connection_id,omitempty"`
	Code       string `json:"code"`
	Why        string `json:"why"`
}

type failed struct {
	Type string `json:"type"`
	Code string `json:"code"`
	Why  string `json:"why"`
}

// answer writes what was minted.
func (s *service) answer(w http.ResponseWriter, r *http.Request, u lanyard.TokenURL, out jointoken.HandedOut) {
	if u.Contract == lanyard.ContractAttendee {
		writeJSON(w, http.StatusOK, forAttendee(out))
		return
	}
	t := out.Tokens[0]
	if t.Type != jointoken.AccessToken && len(t.Token.Reveal()) <= shortest {
		s.refuse(w, r, r.Method == http.MethodGet, out, lanyard.Errorf(lanyard.CodeProviderAnswerInvalid, "the provider's token is too short to be one"))
		return
	}
	w.Header().Set("Lanyard-Connection", string(t.Connection))
	if r.Method == http.MethodPost || strings.HasPrefix(r.Header.Get("Accept"), "application/json") {
		a := tokenAnswer{Token: string(t.Token.Reveal()), Type: t.Type, Connection: string(t.Connection), Skipped: skippedOf(out)}
		if !t.ExpiresAt.IsZero() {
			at := t.ExpiresAt.UTC()
			a.ExpiresAt = &at
		}
		writeJSON(w, http.StatusOK, a)
		return
	}
	if list := skippedText(out); list != "" {
		w.Header().Set("Lanyard-Skipped", list)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(t.Token.Reveal()) // who has hung up is not told
}

func forAttendee(out jointoken.HandedOut) attendeeAnswer {
	a := attendeeAnswer{Used: []used{}, Skipped: skippedOf(out)}
	text := func(t jointoken.Handed) *string { v := string(t.Token.Reveal()); return &v }
	for _, t := range out.Tokens {
		switch t.Type {
		case jointoken.ZAK:
			a.ZAK = text(t)
		case jointoken.LocalRecording:
			a.AppPrivilege = text(t)
		case jointoken.OnBehalf:
			next := text(t)
			if a.OnBehalf != nil {
				*next = *a.OnBehalf + "," + *next
			}
			a.OnBehalf = next
		}
		a.Used = append(a.Used, used{t.Type, string(t.Connection)})
	}
	for _, f := range out.Failed {
		code := lanyard.CodeOf(f.Err)
		a.Failed = append(a.Failed, failed{f.Type, string(code), lanyard.RowOf(code).Happened})
	}
	return a
}

func skippedOf(out jointoken.HandedOut) (list []skipped) {
	for _, k := range out.Skipped {
		code := lanyard.CodeOf(k.Err)
		one := skipped{string(k.Connection), string(code), lanyard.RowOf(code).Happened}
		if !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	return list
}

// skippedText is that for a header: "con_…=needs_reauth, con_…=rate_limited".
func skippedText(out jointoken.HandedOut) string {
	var parts []string
	for _, k := range skippedOf(out) {
		parts = append(parts, k.Connection+"="+k.Code)
	}
	return strings.Join(parts, ", ")
}

// problem is a refusal as vendors read it: MeetStream the message, Attendee the error.
type problem struct {
	Message      string    `json:"message"`
	Error        string    `json:"error"`
	Code         string    `json:"code"`
	UserMessage  string    `json:"user_message,omitempty"`
	ReconnectURL string    `json:"reconnect_url,omitempty"`
	ConnectURL   string    `json:"connect_url,omitempty"` // where who has nothing connected can connect
	RetryAfter   int       `json:"retry_after,omitempty"`
	Skipped      []skipped `json:"skipped,omitempty"`
	RequestID    string    `json:"request_id"`
}

// refuse writes a refusal: a sentence that a person understands and, where it helps, the
// link with which the person connects again. Vendors keep it in their logs.
func (s *service) refuse(w http.ResponseWriter, r *http.Request, text bool, out jointoken.HandedOut, err error) {
	p := s.Front.ProblemOf(r.Context(), err)
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Del("WWW-Authenticate") // no header would let it in
	code := lanyard.Code(p.Code)
	say := strings.TrimSpace(p.Detail)
	if do := lanyard.RowOf(code).Do; say == lanyard.RowOf(code).Happened && do != "" {
		say += " " + do
	}
	if !text {
		writeJSON(w, status(code), problem{Message: say, Error: say, Code: p.Code, UserMessage: p.UserMessage, ReconnectURL: p.ReconnectURL,
			ConnectURL: p.ConnectURL, RetryAfter: p.RetryAfter, Skipped: skippedOf(out), RequestID: p.RequestID})
		return
	}
	if list := skippedText(out); list != "" {
		w.Header().Set("Lanyard-Skipped", list)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status(code))
	say += "\n"
	if p.ReconnectURL != "" {
		say += "Connect again: " + p.ReconnectURL + "\n"
	}
	if p.ConnectURL != "" {
		say += "Connect: " + p.ConnectURL + "\n"
	}
	_, _ = io.WriteString(w, say)
}

// status is what vendors expect: 404 where nobody is connected, 409 where a person has to do
// something, 502 where the provider is at fault.
func status(code lanyard.Code) int {
	switch code {
	case lanyard.CodeHostNotKnown, lanyard.CodeConnectionNeeded:
		return http.StatusNotFound
	case lanyard.CodeHostRequired:
		return http.StatusConflict
	case lanyard.CodeStoreUnavailable:
		return http.StatusServiceUnavailable
	}
	switch lanyard.RowOf(code).Kind {
	case lanyard.Gone:
		return http.StatusConflict
	case lanyard.Unavailable:
		return http.StatusBadGateway
	}
	return web.Status(code)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who has hung up is not told
}
