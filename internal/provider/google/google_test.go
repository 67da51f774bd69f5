package google_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/provider/google"
)

const (
	risc  = "https://schemas.openid.net/secevent/risc/event-type/"
	oauth = "https://schemas.openid.net/secevent/oauth/event-type/"
	ana   = `{"subject":{"subject_type":"iss-sub","iss":"https://accounts.google.com/","sub":"7375626A656374"}}`
)

func token(claims string) []byte {
	return []byte("eyJhbGciOiJSUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln")
}

func event(uri, about string) []byte {
	return token(`{"iss":"https://accounts.google.com/","aud":"cid","iat":1740439732,"jti":"id1","events":{"` + uri + `":` + about + `}}`)
}

func TestReadNotices(t *testing.T) {
	at := time.Unix(1740439733, 0).Add(-1)
	want := func(name string, effect provider.NoticeEffect, reason lanyard.Code, subject string) []provider.Notice {
		return []provider.Notice{{ID: "id1", Event: name, Effect: effect, Reason: reason, Subject: subject, At: at}}
	}
	const sub = "7375626A656374"
	for name, c := range map[string]struct {
		body []byte
		want []provider.Notice
	}{
		"revoked":       {event(oauth+"tokens-revoked", ana), want("tokens_revoked", provider.NoticeGone, lanyard.CodeUserRevoked, sub)},
		"disabled":      {event(risc+"account-disabled", ana), want("account_disabled", provider.NoticeBarred, lanyard.CodeAccountDisabled, sub)},
		"enabled":       {event(risc+"account-enabled", ana), want("account_enabled", provider.NoticeCheck, "", sub)},
		"purged":        {event(risc+"account-purged", ana), want("account_purged", provider.NoticeCheck, "", sub)},
		"sessions":      {event(risc+"sessions-revoked", ana), want("sessions_revoked", provider.NoticeAlert, "", sub)},
		"verification":  {event(risc+"verification", `{"state":"x"}`), want("verification", "", "", "")},
		"one token":     {event(oauth+"token-revoked", `{"subject":{"subject_type":"oauth_token","token":"x"}}`), want("token_revoked", "", "", "")},
		"another's sub": {event(oauth+"tokens-revoked", `{"subject":{"iss":"https://evil.example","sub":"7375626A656374"}}`), want("tokens_revoked", "", "", "")},
		"odd name":      {event(risc+"a b", ana), want("other", "", "", sub)},
		"when it happened, not when it was signed": {token(`{"iss":"i","iat":1740439999,"toe":1740439732.5,"jti":"id1","events":{"` + oauth + `tokens-revoked":{"subject":{"iss":"i","sub":"s"}}}}`),
			want("tokens_revoked", provider.NoticeGone, lanyard.CodeUserRevoked, "s")},
		"nothing": {token(`{}`), nil},
	} {
		got, err := google.Google{}.ReadNotices(c.body)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	for _, body := range []string{"", "a.b", "a.b.c.d", "a.!.c", string(token("[]")), string(token(`{"jti":"a","jti":"b"}`))} {
		if got, err := (google.Google{}).ReadNotices([]byte(body)); err == nil {
			t.Errorf("%s: got %+v, want an error", body, got)
		}
	}
}

// FuzzReadNotices: whatever is in a token, reading it ends, and an effect has an account.
func FuzzReadNotices(f *testing.F) {
	for _, b := range [][]byte{event(oauth+"tokens-revoked", ana), token(`{"events":{"":{}}}`), []byte("..")} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := google.Google{}.ReadNotices(body)
		if err != nil && list != nil {
			t.Fatalf("got %+v with an error", list)
		}
		for _, n := range list {
			if n.Event == "" || n.Effect != "" && n.Subject == "" || n.Effect == provider.NoticeGone && n.Reason == "" || n.Challenge != "" {
				t.Fatalf("got %+v", n)
			}
		}
	})
}
