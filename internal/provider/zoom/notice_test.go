package zoom_test

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

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/provider/zoom"
)

const deauthorized = `{"event":"app_deauthorized","event_ts":1740439732278,"payload":{"account_id":"acc","user_id":"usr",` +
	`"signature":"x","deauthorization_time":"2025-02-24T23:28:52.632Z","client_id":"cid"}}`

func hexMAC(secret, text string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

func signed(secret, body string, at time.Time) http.Header {
	ts := strconv.FormatInt(at.Unix(), 10)
	h := http.Header{}
	h.Set("x-zm-request-timestamp", ts)
	h.Set("x-zm-signature", "v0="+hexMAC(secret, "v0:"+ts+":"+body))
	return h
}

func TestVerifyNotice(t *testing.T) {
	now := time.Unix(1_740_439_733, 0)
	good := func(at time.Duration) http.Header { return signed("key", deauthorized, now.Add(at)) }
	with := func(f func(http.Header)) http.Header {
		h := good(0)
		f(h)
		return h
	}
	for name, c := range map[string]struct {
		h    http.Header
		body string
		want bool
	}{
		"as Zoom sends it":            {good(0), deauthorized, true},
		"five minutes old":            {good(-5 * time.Minute), deauthorized, true},
		"six minutes old":             {good(-6 * time.Minute), deauthorized, false},
		"five minutes ahead":          {good(5 * time.Minute), deauthorized, true},
		"six minutes ahead":           {good(6 * time.Minute), deauthorized, false},
		"another secret":              {signed("other", deauthorized, now), deauthorized, false},
		"no signature":                {http.Header{"X-Zm-Request-Timestamp": {"1740439733"}}, deauthorized, false},
		"no time":                     {with(func(h http.Header) { h.Del("x-zm-request-timestamp") }), deauthorized, false},
		"two signatures, both right":  {with(func(h http.Header) { h.Add("x-zm-signature", h.Get("x-zm-signature")) }), deauthorized, false},
		"two signatures in one":       {with(func(h http.Header) { h.Set("x-zm-signature", h.Get("x-zm-signature")+",v0=00") }), deauthorized, false},
		"two times":                   {with(func(h http.Header) { h.Add("x-zm-request-timestamp", "1740439733") }), deauthorized, false},
		"a sign before the time":      {with(func(h http.Header) { h.Set("x-zm-request-timestamp", "+1740439733") }), deauthorized, false},
		"upper case":                  {with(func(h http.Header) { h.Set("x-zm-signature", strings.ToUpper(h.Get("x-zm-signature"))) }), deauthorized, false},
		"re-serialised":               {good(0), strings.ReplaceAll(deauthorized, ":", ": "), false},
		"another time, same digest":   {with(func(h http.Header) { h.Set("x-zm-request-timestamp", "1740439734") }), deauthorized, false},
		"the signature of a newline":  {good(0), deauthorized + "\n", false},
		"the signature of validation": {http.Header{"X-Zm-Request-Timestamp": {"1740439733"}, "X-Zm-Signature": {"v0=" + hexMAC("key", deauthorized)}}, deauthorized, false},
	} {
		if got := (zoom.Zoom{}).VerifyNotice(c.h, []byte(c.body), lanyard.NewSecret("key"), now); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	if (zoom.Zoom{}).VerifyNotice(signed("", deauthorized, now), []byte(deauthorized), lanyard.NewSecret(""), now) {
		t.Error("without a secret: anybody can sign with none")
	}
}

func TestReadNotice(t *testing.T) {
	user := func(event string) string {
		return `{"event":"` + event + `","event_ts":1740439732278,"payload":{"account_id":"acc","object":{"id":"usr"}}}`
	}
	ts := time.UnixMilli(1740439732278)
	gone := provider.Notice{Effect: provider.NoticeGone, Reason: lanyard.CodeAdminPolicy, Subject: "usr", Organization: "acc", At: ts}
	as := func(n provider.Notice, event string) provider.Notice { n.Event = event; return n }
	barred := gone
	barred.Effect = provider.NoticeBarred
	for body, want := range map[string]provider.Notice{
		deauthorized: {Event: "app_deauthorized", Effect: provider.NoticeGone, Reason: lanyard.CodeUserRevoked, Client: "cid",
			Subject: "usr", Organization: "acc", At: time.Date(2025, 2, 24, 23, 28, 52, 632e6, time.UTC)},
		user("user.deleted"):       as(gone, "user.deleted"),
		user("user.disassociated"): as(gone, "user.disassociated"),
		user("user.deactivated"):   as(barred, "user.deactivated"),
		user("meeting.started"):    {Event: "meeting.started", Organization: "acc", At: ts}, // of no meeting
		user("ann@example.com"):    {Event: "other", Organization: "acc", At: ts},
		`{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8-v_T3","other":1}}`: {Event: "endpoint.url_validation", Challenge: "qgg8-v_T3"},
		`{}`: {Event: "other"},
	} {
		got, err := zoom.Zoom{}.ReadNotice([]byte(body))
		if err != nil || !got.At.Equal(want.At) {
			t.Errorf("%s: got %+v, %v, want %+v", body, got, err, want)
		}
		if got.At = want.At; got != want {
			t.Errorf("%s: got %+v, want %+v", body, got, want)
		}
	}
	for _, body := range []string{"", "[]", "null", "{", `{"event":"a","event":"b"}`, `{}{}`, `{"a":` + strings.Repeat(`{"a":`, 20) + `1` + strings.Repeat(`}`, 21),
		`{"event":"endpoint.url_validation"}`, `{"event":"endpoint.url_validation","payload":{"plainToken":""}}`,
		`{"event":"endpoint.url_validation","payload":{"plainToken":"v0:1740439733:{}"}}`,
		`{"event":"endpoint.url_validation","payload":{"plainToken":"a\n"}}`,
		`{"event":"endpoint.url_validation","payload":{"plainToken":"` + strings.Repeat("a", 65) + `"}}`} {
		if n, err := (zoom.Zoom{}).ReadNotice([]byte(body)); err == nil {
			t.Errorf("%.60s: got %+v, want an error", body, n)
		}
	}
}

func TestAnswerNotice(t *testing.T) {
	got := zoom.Zoom{}.AnswerNotice(provider.Notice{Challenge: "abc"}, lanyard.NewSecret("key"))
	if want := `{"plainToken":"abc","encryptedToken":"` + hexMAC("key", "abc") + `"}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzReadNotice: whatever is sent, reading it ends, and what is signed in answer is never
// what the signature of a notice is over.
func FuzzReadNotice(f *testing.F) {
	for _, s := range []string{deauthorized, `{"event":"endpoint.url_validation","payload":{"plainToken":"v0:1:{}"}}`, "{", "\xff", `{"event_ts":1e99}`,
		`{"event":"meeting.participant_left","payload":{"object":{"id":"85246371900","uuid":"r","host_id":"h","start_time":"9999-12-31T23:59:59Z","duration":1,"participant":{"user_id":"1"}}}}`,
		`{"event":"meeting.deleted","payload":{"operation":"single","object":{"id":85246371900,"host_id":"h\u0000","occurrences":[{}]}}}`,
		`{"event":"user.updated","payload":{"object":{"id":"u","pmi":null},"old_object":{"pmi":5555555555}}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := zoom.Zoom{}.ReadNotice(body)
		switch {
		case err != nil && n != provider.Notice{}:
			t.Fatalf("got %+v with an error", n)
		case strings.ContainsAny(n.Challenge, ":{}\" \n") || len(n.Challenge) > 64:
			t.Fatalf("would sign %q", n.Challenge)
		case (n.Effect == provider.NoticeMeeting) != (n.Meeting.Change != ""):
			t.Fatalf("got %+v, want the effect where something is said", n)
		case n.Effect == provider.NoticeMeeting && !sound(n.Meeting):
			t.Fatalf("got %+v, want ids and numbers of their shape", n.Meeting)
		case err == nil && (n.Event == "" || n.Effect != "" && n.Effect != provider.NoticeMeeting && n.Reason == ""):
			t.Fatalf("got %+v", n)
		case n.Challenge != "" && !json.Valid(zoom.Zoom{}.AnswerNotice(n, lanyard.NewSecret("k"))):
			t.Fatal("the answer is not JSON")
		}
	})
}

// sound says whether what is looked up has the shape of what Zoom sends.
func sound(m provider.MeetingNotice) bool {
	number := func(s string) bool { return len(s) >= 9 && len(s) <= 11 && strings.Trim(s, "0123456789") == "" }
	for _, id := range []string{m.Run, m.Host, m.Stay, m.Account} {
		if len(id) > 255 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return false
		}
	}
	switch m.Change {
	case provider.MeetingPersonal:
		return m.Host != "" && (m.Number == "" || number(m.Number)) && (m.Former == "" || number(m.Former))
	case provider.MeetingJoined, provider.MeetingLeft:
		return number(m.Number) && m.Stay != ""
	}
	return number(m.Number)
}
