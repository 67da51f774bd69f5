package slack_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/provider/slack"
)

const revoked = `{"token":"x","team_id":"T1","api_app_id":"A1","event":{"type":"tokens_revoked","tokens":{"oauth":["U1","U2"],"bot":["B1"]}},` +
	`"type":"event_callback","event_id":"Ev1","event_time":1740439732}`

func signed(secret, body string, at time.Time) http.Header {
	ts := strconv.FormatInt(at.Unix(), 10)
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("v0:" + ts + ":" + body))
	return http.Header{"X-Slack-Request-Timestamp": {ts}, "X-Slack-Signature": {"v0=" + hex.EncodeToString(m.Sum(nil))}}
}

func TestVerifyNotice(t *testing.T) {
	now := time.Unix(1_740_439_733, 0)
	with := func(f func(http.Header)) http.Header {
		h := signed("key", revoked, now)
		f(h)
		return h
	}
	for name, c := range map[string]struct {
		h    http.Header
		body string
		want bool
	}{
		"as Slack sends it":    {signed("key", revoked, now), revoked, true},
		"five minutes old":     {signed("key", revoked, now.Add(-5*time.Minute)), revoked, true},
		"six minutes old":      {signed("key", revoked, now.Add(-6*time.Minute)), revoked, false},
		"six minutes ahead":    {signed("key", revoked, now.Add(6*time.Minute)), revoked, false},
		"another secret":       {signed("other", revoked, now), revoked, false},
		"re-serialised":        {signed("key", revoked, now), strings.ReplaceAll(revoked, ":", ": "), false},
		"two signatures":       {with(func(h http.Header) { h.Add("X-Slack-Signature", h.Get("X-Slack-Signature")) }), revoked, false},
		"no signature":         {with(func(h http.Header) { h.Del("X-Slack-Signature") }), revoked, false},
		"two times":            {with(func(h http.Header) { h.Add("X-Slack-Request-Timestamp", "1740439733") }), revoked, false},
		"Zoom's headers":       {http.Header{"X-Zm-Request-Timestamp": {"1740439733"}, "X-Zm-Signature": {signed("key", revoked, now).Get("X-Slack-Signature")}}, revoked, false},
		"a time that is none":  {with(func(h http.Header) { h.Set("X-Slack-Request-Timestamp", "-1") }), revoked, false},
		"a retry, signed anew": {with(func(h http.Header) { h.Set("X-Slack-Retry-Num", "1") }), revoked, true},
	} {
		if got := (slack.Slack{}).VerifyNotice(c.h, []byte(c.body), lanyard.NewSecret("key"), now); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	if (slack.Slack{}).VerifyNotice(signed("", revoked, now), []byte(revoked), lanyard.NewSecret(""), now) {
		t.Error("without a secret: anybody can sign with none")
	}
}

func TestReadNotices(t *testing.T) {
	at := time.Unix(1740439733, 0).Add(-1)
	gone := func(event, subject string) provider.Notice {
		return provider.Notice{ID: "Ev1", Event: event, Effect: provider.NoticeGone, Reason: lanyard.CodeUserRevoked, Subject: subject, Organization: "T1", At: at}
	}
	event := func(inner string) string {
		return `{"type":"event_callback","team_id":"T1","event_id":"Ev1","event_time":1740439732,"event":` + inner + `}`
	}
	for body, want := range map[string][]provider.Notice{
		revoked:                             {gone("tokens_revoked", "T1.U1"), gone("tokens_revoked", "T1.U2"), gone("tokens_revoked", "T1.B1")},
		event(`{"type":"app_uninstalled"}`): {gone("app_uninstalled", "")},
		event(`{"type":"tokens_revoked","tokens":{"oauth":[1,"",null],"bot":3}}`): nil,
		event(`{"type":"message","text":"hello"}`):                                {{ID: "Ev1", Event: "message", Organization: "T1", At: at}},
		event(`{"type":"<script>"}`):                                              {{ID: "Ev1", Event: "other", Organization: "T1", At: at}},
		`{"type":"event_callback","event":{"type":"app_uninstalled"}}`:            {{Event: "app_uninstalled"}}, // of no workspace
		`{"type":"other","team_id":"T1","event":{"type":"app_uninstalled"}}`:      {{Event: "app_uninstalled", Organization: "T1"}},
		`{"type":"url_verification","challenge":"3eZbrw1aBm2rZgRN"}`:              {{Event: "url_verification", Challenge: "3eZbrw1aBm2rZgRN"}},
		`{}`: {{Event: "other"}},
	} {
		got, err := slack.Slack{}.ReadNotices([]byte(body))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", body, err, diff)
		}
	}
	for _, body := range []string{"", "[]", "{", `{"type":"a","type":"b"}`, `{"type":"url_verification"}`,
		`{"type":"url_verification","challenge":"v0:1:{}"}`, `{"type":"url_verification","challenge":"` + strings.Repeat("a", 257) + `"}`} {
		if got, err := (slack.Slack{}).ReadNotices([]byte(body)); err == nil {
			t.Errorf("%.60s: got %+v, want an error", body, got)
		}
	}
	if got := (slack.Slack{}).AnswerNotice(provider.Notice{Challenge: "abc"}, lanyard.NewSecret("key")); string(got) != `{"challenge":"abc"}` {
		t.Errorf("got %s, want the challenge", got)
	}
}

// FuzzReadNotices: whatever is sent, reading it ends, and what is answered is no text
// that Slack or we sign.
func FuzzReadNotices(f *testing.F) {
	for _, s := range []string{revoked, `{"type":"url_verification","challenge":"v0:1:{}"}`, "{", "\xff", `{"event_time":1e99}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := slack.Slack{}.ReadNotices(body)
		if err != nil && list != nil {
			t.Fatalf("got %+v with an error", list)
		}
		for _, n := range list {
			if strings.ContainsAny(n.Challenge, ":{}\" \n") || n.Effect != "" && (n.Reason == "" || n.Organization == "") || n.Event == "" {
				t.Fatalf("got %+v", n)
			}
			if n.Challenge != "" && !json.Valid(slack.Slack{}.AnswerNotice(n, lanyard.NewSecret("k"))) {
				t.Fatal("the answer is not JSON")
			}
		}
	})
}
