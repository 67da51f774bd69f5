package tokenurl

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"lanyard"
	"lanyard/internal/jointoken"
	"lanyard/internal/web"
)

// call is a POST body as any of the vendors sends it. What we do not know is theirs.
type call struct {
	BotID         any             `json:"bot_id"`
	MeetingURL    string          `json:"meeting_url"`
	MeetingNumber json.RawMessage `json:"meeting_number"`
	WebhookSecret string          `json:"webhook_secret"`
	CallbackType  string          `json:"callback_type"`
	BotMetadata   map[string]any  `json:"bot_metadata"`
}

// read reads what a call says, and how it proves itself.
func read(w http.ResponseWriter, r *http.Request, c lanyard.TokenContract) (a jointoken.Asked, proof jointoken.Proof, err error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return a, proof, lanyard.Errorf(lanyard.CodeInvalidRequest, "the query of this address is not well formed")
	}
	var in call
	if r.Method == http.MethodPost {
		if proof.Body, err = body(r, c); err != nil {
			return a, proof, err
		}
		if len(proof.Body) > 0 && json.Unmarshal(proof.Body, &in) != nil {
			return a, proof, lanyard.Errorf(lanyard.CodeInvalidJSON, "a member of the body is of another type than it should be")
		}
	}
	if c == lanyard.ContractAttendee {
		proof.Signature = r.Header.Get("X-Webhook-Signature")
		if in.CallbackType != "zoom_tokens" {
			return a, proof, lanyard.Errorf(lanyard.CodeInvalidRequest, "callback_type: this URL answers zoom_tokens")
		}
		a.MeetingURL = in.MeetingURL
		a.Account, _ = in.BotMetadata["zoom_user_id"].(string)
		named, _ := in.BotMetadata["connection_id"].(string)
		if named == "" && a.Account == "" {
			named = q.Get("connection")
		}
		if a.Account == "" {
			a.Connection = lanyard.ConnectionID(named)
			if theirs := lanyard.VendorID[lanyard.ConnectionID]("zoc_", "con_", named); theirs != "" { // as Attendee's API shows it
				a.Connection = theirs
			}
		}
		return a, proof, nil
	}
	proof.Secret = lanyard.NewSecret(r.Header.Get("X-Webhook-Secret"))
	if in.WebhookSecret != "" && proof.Secret.Empty() {
		proof.Secret = lanyard.NewSecret(in.WebhookSecret)
	}
	a.MeetingNumber = strings.Trim(string(in.MeetingNumber), `"`) // a number, or a string of digits; null is none
	if a.MeetingNumber == "null" {
		a.MeetingNumber = ""
	}
	a.MeetingURL = in.MeetingURL
	if numbers := q["meeting_number"]; len(numbers) > 0 && a.MeetingNumber == "" {
		a.MeetingNumber = numbers[0] // the customer's own comes before what the vendor appends
		if len(numbers) > 1 {
			w.Header().Set("Warning", `299 - "meeting_number is there more than once; the first is used. MeetStream adds its own: leave it out of the URL"`)
		}
	}
	if a.MeetingNumber == "" && a.MeetingURL == "" {
		a.MeetingURL = q.Get("meeting_url")
	}
	if a.MeetingNumber != "" {
		a.MeetingURL = ""
	}
	return a, proof, nil
}

// body reads the body of a POST; nil where there is none and none is needed.
func body(r *http.Request, c lanyard.TokenContract) ([]byte, error) {
	if c != lanyard.ContractAttendee && r.ContentLength == 0 {
		return nil, nil
	}
	raw, err := web.Object(r)
	return bytes.TrimSpace(raw), err
}
