// Package microsoft is what the catalogue's data cannot say about Microsoft: the change notifications of Graph
// (learn.microsoft.com/graph/change-notifications-delivery-webhooks).
//
// Nothing is signed. What shows that Graph has sent it is clientState, which the subscription was made with: the app's
// webhook secret. Graph tells nobody that a consent was withdrawn; what it tells is a hint, and what we hold is tried.
//
//	users, deleted                    the account is gone for good
//	users, updated                    it may be disabled, or deleted for thirty days: what we hold is tried
//	subscriptionRemoved, reauthorizationRequired   of a subscription under users/{id}: likewise
//	everything else, missed           nothing follows
package microsoft

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// most notifications in one body.
const most = 100

var (
	guid   = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	ofUser = regexp.MustCompile(`(?i)^/?users/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:/|$)`)
	plain  = regexp.MustCompile(`^[A-Za-z0-9 .:;,_=+/~-]{1,512}$`)
)

// Microsoft has the abilities. The zero value is ready.
type Microsoft struct{}

// AskedNotice is the plain text that the check of an address wants to read again. It is not signed and proves nothing, so
// nothing follows from it, it is answered for every address, and what could be more than text to a browser is no token.
func (Microsoft) AskedNotice(q url.Values) (string, bool) {
	token := q["validationToken"]
	if len(token) != 1 || !plain.MatchString(token[0]) {
		return "", false
	}
	return token[0], true
}

// VerifyNotice says whether every notification of the body has the secret, and is of a subscription that has not ended. The
// comparison takes as long for a wrong one as for a right one.
func (Microsoft) VerifyNotice(_ http.Header, body []byte, secret lanyard.Secret, now time.Time) bool {
	f, err := provider.ReadObject(body)
	items := items(f)
	if err != nil || len(items) == 0 || len(items) > most || secret.Empty() {
		return false
	}
	want, good := sha256.Sum256(secret.Reveal()), 1
	for _, n := range items {
		got := sha256.Sum256([]byte(n.Text("clientState")))
		good &= subtle.ConstantTimeCompare(want[:], got[:])
		if ends, err := time.Parse(time.RFC3339, n.Text("subscriptionExpirationDateTime")); err != nil || ends.Before(now) {
			good = 0
		}
	}
	return good == 1
}

// ReadNotices reads what was verified. The error is CodeInvalidJSON.
func (Microsoft) ReadNotices(body []byte) ([]provider.Notice, error) {
	f, err := provider.ReadObject(body)
	if err != nil {
		return nil, err
	}
	var out []provider.Notice
	for _, item := range items(f) {
		out = append(out, notice(item))
	}
	return out, nil
}

// AnswerNotice has nothing to answer: Graph asks before it sends.
func (Microsoft) AnswerNotice(provider.Notice, lanyard.Secret) []byte { return nil }

func notice(f provider.Fields) provider.Notice {
	n := provider.Notice{ID: f.Text("id"), Organization: f.Text("tenantId|organizationId")}
	data := f.Object("resourceData")
	life, change := f.Text("lifecycleEvent"), f.Text("changeType")
	user := data.Text("id")
	if kind, _ := data["@odata.type"].(string); !strings.EqualFold(kind, "#Microsoft.Graph.User") || !guid.MatchString(user) {
		user = ""
	}
	switch {
	case life != "":
		n.Event = provider.NoticeName("lifecycle." + life)
		if m := ofUser.FindStringSubmatch(f.Text("resource")); m != nil && (life == "subscriptionRemoved" || life == "reauthorizationRequired") {
			n.Effect, n.Subject = provider.NoticeCheck, m[1]
		}
	case user != "" && change == "deleted":
		n.Event, n.Effect, n.Reason, n.Subject = "user.deleted", provider.NoticeGone, lanyard.CodeAdminPolicy, user
	case user != "" && change == "updated":
		n.Event, n.Effect, n.Subject = "user.updated", provider.NoticeCheck, user
	default:
		n.Event = provider.NoticeName("change." + change)
	}
	if !guid.MatchString(n.Organization) {
		n.Effect = "" // an id is somebody's only together with the directory
	}
	return n
}

func items(f provider.Fields) (out []provider.Fields) {
	list, _ := f["value"].([]any)
	for _, v := range list {
		item, _ := v.(provider.Fields)
		out = append(out, item) // one that is no object has no clientState
	}
	return out
}
