package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ValidateWebhook is Validate for a Zoom client.
func (s *Sandbox) ValidateWebhook(clientID string) (string, error) { return s.Validate(Zoom, clientID) }

// Validate checks a client's webhook as its provider does before it sends anything, and says what was wrong with the answer;
// "" if nothing: endpoint.url_validation (Zoom), url_verification (Slack), validationToken (Microsoft).
func (s *Sandbox) Validate(provider, clientID string) (string, error) {
	s.mu.Lock()
	c := s.client(provider, clientID)
	if c == nil || c.WebhookURL == "" {
		s.mu.Unlock()
		return "", fmt.Errorf("no %s client %q with a webhook_url", provider, clientID)
	}
	d := delivery{client: c.ID, provider: provider, event: "endpoint.url_validation", url: c.WebhookURL, key: c.WebhookKey}
	s.mu.Unlock()

	token := randomText(16)
	judge := func(answer []byte) string { return judgeZoom(answer, token, mac(d.key, token)) }
	switch provider {
	case Zoom:
		d.body, _ = json.Marshal(object{"event": d.event, "event_ts": time.Now().UnixMilli(), "payload": object{"plainToken": token}})
	case Slack:
		d.event = "url_verification"
		d.body, _ = json.Marshal(object{"token": "legacy", "type": d.event, "challenge": token})
		judge = func(answer []byte) string { return judgeSlack(answer, token) }
	case Microsoft:
		d.event, token = "validationToken", "Validation: Testing client application reachability for subscription Request-Id: "+token
		d.url += "?validationToken=" + url.QueryEscape(token)
		judge = func(answer []byte) string {
			if string(answer) != token {
				return "the answer is not validationToken, as plain text"
			}
			return ""
		}
	default:
		return "", fmt.Errorf("%s checks no address", provider)
	}
	status, answer, err := s.courier.post(d)
	wrong := ""
	switch {
	case err != nil:
		wrong = err.Error()
	case status != http.StatusOK:
		wrong = fmt.Sprintf("answered %d, not 200", status)
	default:
		wrong = judge(answer)
	}
	detail := wrong
	if detail == "" {
		detail = "validated"
	}
	s.noteDelivery(d, status, detail)
	return wrong, nil
}

func judgeZoom(answer []byte, plain, encrypted string) string {
	var got struct {
		PlainToken     string `json:"plainToken"`
		EncryptedToken string `json:"encryptedToken"`
	}
	switch {
	case json.Unmarshal(answer, &got) != nil:
		return "the answer is not JSON"
	case got.PlainToken != plain:
		return "plainToken is not the one sent"
	case got.EncryptedToken != encrypted:
		return "encryptedToken is not the HMAC of plainToken"
	}
	return ""
}

// judgeSlack takes both answers that Slack takes: the challenge alone, or as JSON.
func judgeSlack(answer []byte, challenge string) string {
	var got struct {
		Challenge string `json:"challenge"`
	}
	if strings.TrimSpace(string(answer)) == challenge || json.Unmarshal(answer, &got) == nil && got.Challenge == challenge {
		return ""
	}
	return "challenge is not the one sent"
}
