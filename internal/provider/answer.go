package provider

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/egress"
)

// Answer is what a token endpoint said, raw: nothing in it was understood yet.
type Answer struct {
	Sent      bool // bytes may have reached the provider; false: certainly none did
	SentAt    time.Time
	Status    int         // 0: none arrived
	Header    http.Header // only what Parse and support need; no cookies
	Body      lanyard.Secret
	Cut       bool  // the body may be incomplete
	Err       error // why it ended early; holds no URL, body or secret
	RequestID string
}

// kept are the headers of an answer that are worth keeping.
var kept = []string{"Content-Type", "Date", "Retry-After", "Location", "X-Rate-Limit-Reset", "X-Ratelimit-Reset", "X-Oauth-Scopes", "Www-Authenticate"}

// requestIDs are the headers by which providers name a call to their support.
var requestIDs = []string{"X-Zm-Trackingid", "X-Ms-Request-Id", "Request-Id", "X-Slack-Req-Id", "X-Request-Id", "X-Amzn-Requestid", "Cf-Ray"}

// answerOf keeps of an answer what is worth keeping. secrets are those of the request: a name that a provider
// gives it with one of them inside is none, since names are shown, and kept in the open.
func answerOf(a egress.Answer, secrets []string) Answer {
	out := Answer{Sent: a.Sent, SentAt: a.SentAt, Status: a.Status, Header: http.Header{}, Body: a.Body, Cut: a.Cut, Err: a.Err}
	for _, k := range kept {
		if v := a.Header.Get(k); v != "" && len(v) <= 512 {
			out.Header.Set(k, v)
		}
	}
	for _, k := range requestIDs {
		raw := a.Header.Get(k)
		if v := cleanCode(raw); v != "" && !slices.ContainsFunc(secrets, func(s string) bool { return s != "" && strings.Contains(raw, s) }) {
			out.RequestID = v
			break
		}
	}
	return out
}

type storedAnswer struct {
	V         int         `json:"v"`
	Sent      bool        `json:"sent,omitempty"`
	SentAt    time.Time   `json:"sent_at"`
	Status    int         `json:"status,omitempty"`
	Header    http.Header `json:"header,omitempty"`
	Body      []byte      `json:"body,omitempty"`
	Cut       bool        `json:"cut,omitempty"`
	Err       string      `json:"err,omitempty"`
	RequestID string      `json:"request_id,omitempty"`
}

// Encode writes the answer for keeping; the result holds tokens and is to be sealed.
func (a Answer) Encode() lanyard.Secret {
	s := storedAnswer{V: 1, Sent: a.Sent, SentAt: a.SentAt, Status: a.Status, Header: a.Header, Body: a.Body.Reveal(), Cut: a.Cut, RequestID: a.RequestID}
	if a.Err != nil {
		s.Err = a.Err.Error()
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings, bytes and numbers only: cannot fail
	}
	return lanyard.SecretBytes(b)
}

// DecodeAnswer reads what Encode wrote. Parse gives the same result for it as for the answer itself.
func DecodeAnswer(kept lanyard.Secret) (Answer, error) {
	var s storedAnswer
	if err := json.Unmarshal(kept.Reveal(), &s); err != nil || s.V != 1 {
		return Answer{}, errors.New("kept answer: not readable")
	}
	a := Answer{Sent: s.Sent, SentAt: s.SentAt, Status: s.Status, Header: s.Header, Body: lanyard.SecretBytes(s.Body), Cut: s.Cut, RequestID: s.RequestID}
	if s.Err != "" {
		a.Err = errors.New(s.Err)
	}
	return a, nil
}
