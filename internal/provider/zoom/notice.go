package zoom

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// fresh is how far the time of a notice may be from ours. Zoom names no number.
const fresh = 5 * time.Minute

var (
	digits    = regexp.MustCompile(`^[0-9]{1,12}$`)
	plain     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	eventName = regexp.MustCompile(`^[a-z0-9_.]{1,80}$`)
)

// VerifyNotice says whether these very bytes were signed with the secret, within five minutes of now, and only once: with two
// signatures somebody has put one beside Zoom's. It takes as long for a wrong signature as for a right one.
func (Zoom) VerifyNotice(h http.Header, body []byte, secret lanyard.Secret, now time.Time) bool {
	signatures, times := h.Values("X-Zm-Signature"), h.Values("X-Zm-Request-Timestamp")
	if len(signatures) != 1 || len(times) != 1 || !digits.MatchString(times[0]) || secret.Empty() {
		return false
	}
	want := "v0=" + sum(secret, "v0:"+times[0]+":", body)
	sent, err := strconv.ParseInt(times[0], 10, 64)
	age := now.Sub(time.Unix(sent, 0))
	return hmac.Equal([]byte(want), []byte(signatures[0])) && err == nil && -fresh <= age && age <= fresh
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
	}{n.Challenge, sum(secret, n.Challenge, nil)})
	if err != nil {
		panic(err) // two strings
	}
	return b
}

// sum is HMAC-SHA256 in hexadecimal.
func sum(secret lanyard.Secret, head string, body []byte) string {
	m := hmac.New(sha256.New, secret.Reveal())
	m.Write([]byte(head))
	m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}
