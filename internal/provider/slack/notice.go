package slack

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// plain has only characters that a signed text ("v0:{time}:{body}") cannot do without others.
var plain = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// VerifyNotice says whether Slack has signed these very bytes with the signing secret, just now.
func (Slack) VerifyNotice(h http.Header, body []byte, secret lanyard.Secret, now time.Time) bool {
	return provider.SignedV0(h, "X-Slack-Signature", "X-Slack-Request-Timestamp", body, secret, now)
}

// ReadNotices reads an event that was verified: one notice for each account it names. Errors: CodeInvalidJSON;
// CodeInvalidRequest for a challenge that is none.
func (Slack) ReadNotices(body []byte) ([]provider.Notice, error) {
	f, err := provider.ReadObject(body)
	if err != nil {
		return nil, err
	}
	event := f.Object("event")
	n := provider.Notice{ID: f.Text("event_id"), Event: provider.NoticeName(event.Text("type")), Organization: f.Text("team_id|enterprise_id")}
	if s, err := strconv.ParseInt(f.Text("event_time"), 10, 64); err == nil && s > 0 && s < 1<<33 {
		n.At = time.Unix(s, 0).Add(time.Second - 1) // a consent in the same second may be the one that is over
	}
	if f.Text("type") == "url_verification" {
		n = provider.Notice{Event: "url_verification", Challenge: f.Text("challenge")}
		if !plain.MatchString(n.Challenge) {
			return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "challenge must be 1 to 256 letters, digits, - and _")
		}
		return []provider.Notice{n}, nil
	}
	if f.Text("type") != "event_callback" || n.Organization == "" {
		return []provider.Notice{n}, nil
	}
	switch n.Event {
	case "app_uninstalled": // by everybody in the workspace at once
		n.Effect, n.Reason = provider.NoticeGone, lanyard.CodeUserRevoked
	case "tokens_revoked":
		n.Effect, n.Reason = provider.NoticeGone, lanyard.CodeUserRevoked
		var out []provider.Notice
		for _, kind := range []string{"oauth", "bot"} {
			ids, _ := event.Object("tokens")[kind].([]any)
			for _, id := range ids {
				if id, ok := id.(string); ok && id != "" {
					n.Subject = n.Organization + "." + id
					out = append(out, n)
				}
			}
		}
		return out, nil
	}
	return []provider.Notice{n}, nil
}

// AnswerNotice is what Slack wants to read as the answer to a challenge, as JSON. Nothing is signed.
func (Slack) AnswerNotice(n provider.Notice, _ lanyard.Secret) []byte {
	b, err := json.Marshal(struct {
		Challenge string `json:"challenge"`
	}{n.Challenge})
	if err != nil {
		panic(err) // a string
	}
	return b
}
