package zoom

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

var (
	plain     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	eventName = regexp.MustCompile(`^[a-z0-9_.]{1,80}$`)
)

// VerifyNotice says whether Zoom has signed these very bytes with the secret, just now.
func (Zoom) VerifyNotice(h http.Header, body []byte, secret lanyard.Secret, now time.Time) bool {
	return provider.SignedV0(h, "X-Zm-Signature", "X-Zm-Request-Timestamp", body, secret, now)
}

// ReadNotice reads a notice that was verified. Errors: CodeInvalidJSON; CodeInvalidRequest for a challenge that is none. What
// is to be signed has only the characters of Zoom's own: otherwise it could be the text that a notice's signature is over
// ("v0:{time}:{body}"), and the answer would sign notices for whoever asks (T31).
func (Zoom) ReadNotice(body []byte) (provider.Notice, error) {
	f, err := provider.ReadObject(body)
	if err != nil {
		return provider.Notice{}, err
	}
	payload := f.Object("payload")
	n := provider.Notice{Event: f.Text("event"), Organization: payload.Text("account_id")}
	if ms, err := strconv.ParseInt(f.Text("event_ts"), 10, 64); err == nil && ms > 0 {
		n.At = time.UnixMilli(ms)
	}
	switch n.Event {
	case "endpoint.url_validation":
		if n.Challenge = payload.Text("plainToken"); !plain.MatchString(n.Challenge) {
			return provider.Notice{}, lanyard.Errorf(lanyard.CodeInvalidRequest, "plainToken must be 1 to 64 letters, digits, - and _")
		}
	case "app_deauthorized":
		n.Effect, n.Reason = provider.NoticeGone, lanyard.CodeUserRevoked
		n.Client, n.Subject = payload.Text("client_id"), payload.Text("user_id")
		if at, err := time.Parse(time.RFC3339, payload.Text("deauthorization_time")); err == nil {
			n.At = at
		}
	case "user.deleted", "user.disassociated":
		n.Effect, n.Reason, n.Subject = provider.NoticeGone, lanyard.CodeAdminPolicy, payload.Text("object.id")
	case "user.deactivated":
		n.Effect, n.Reason, n.Subject = provider.NoticeBarred, lanyard.CodeAdminPolicy, payload.Text("object.id")
	default:
		if _, ok := changes[n.Event]; ok {
			if n.Meeting = readMeeting(n.Event, payload); n.Meeting.Change != "" {
				n.Effect = provider.NoticeMeeting
			}
		}
		if !eventName.MatchString(n.Event) {
			n.Event = "other"
		}
	}
	return n, nil
}

// AnswerNotice is what Zoom wants to read as the answer to a challenge, as JSON.
func (Zoom) AnswerNotice(n provider.Notice, secret lanyard.Secret) []byte {
	b, err := json.Marshal(struct {
		PlainToken     string `json:"plainToken"`
		EncryptedToken string `json:"encryptedToken"`
	}{n.Challenge, provider.HexMAC(secret, n.Challenge, nil)})
	if err != nil {
		panic(err) // two strings
	}
	return b
}
