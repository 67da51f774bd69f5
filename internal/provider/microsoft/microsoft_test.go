package microsoft_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/provider/microsoft"
)

const (
	tenant = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	user   = "11111111-2222-3333-4444-555555555555"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func item(secret, ends, more string) string {
	return fmt.Sprintf(`{"id":"n1","subscriptionId":"s","tenantId":%q,"clientState":%q,"subscriptionExpirationDateTime":%q,%s}`, tenant, secret, ends, more)
}

func body(items ...string) []byte { return []byte(`{"value":[` + strings.Join(items, ",") + `]}`) }

const (
	deleted = `"changeType":"deleted","resource":"Users/` + user + `","resourceData":{"@odata.type":"#Microsoft.Graph.User","id":"` + user + `"}`
	later   = "2026-03-02T12:00:00.0000000Z"
)

func TestVerifyNotice(t *testing.T) {
	good := item("key", later, deleted)
	for name, c := range map[string]struct {
		body []byte
		want bool
	}{
		"as Graph sends it":             {body(good), true},
		"several":                       {body(good, good), true},
		"another secret":                {body(item("other", later, deleted)), false},
		"one of two has another secret": {body(good, item("other", later, deleted)), false},
		"one of two is no object":       {[]byte(`{"value":[` + good + `,7]}`), false},
		"no secret":                     {body(`{"subscriptionExpirationDateTime":"` + later + `"}`), false},
		"a subscription that has ended": {body(item("key", "2026-03-01T11:59:59Z", deleted)), false},
		"no end":                        {body(item("key", "", deleted)), false},
		"nothing in it":                 {body(), false},
		"no list":                       {[]byte(`{"value":{}}`), false},
		"too many":                      {body(strings.Split(strings.Repeat(good+"\n", 101), "\n")[:101]...), false},
		"the secret twice":              {[]byte(`{"value":[{"clientState":"other","clientState":"key","subscriptionExpirationDateTime":"` + later + `"}]}`), false},
		"no JSON":                       {[]byte("clientState=key"), false},
	} {
		if got := (microsoft.Microsoft{}).VerifyNotice(nil, c.body, lanyard.NewSecret("key"), now); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	if (microsoft.Microsoft{}).VerifyNotice(nil, body(item("", later, deleted)), lanyard.NewSecret(""), now) {
		t.Error("without a secret: anybody can send none")
	}
}

func TestReadNotices(t *testing.T) {
	of := func(event string, effect provider.NoticeEffect, reason lanyard.Code, subject string) provider.Notice {
		return provider.Notice{ID: "n1", Event: event, Effect: effect, Reason: reason, Subject: subject, Organization: tenant}
	}
	for more, want := range map[string]provider.Notice{
		deleted: of("user.deleted", provider.NoticeGone, lanyard.CodeAdminPolicy, user),
		strings.Replace(deleted, "deleted", "updated", 1):                                      of("user.updated", provider.NoticeCheck, "", user),
		strings.Replace(deleted, "Graph.User", "Graph.Group", 1):                               of("change.deleted", "", "", ""),
		strings.Replace(deleted, `"id":"`+user, `"id":"me`, 1):                                 of("change.deleted", "", "", ""),
		`"lifecycleEvent":"subscriptionRemoved","resource":"Users/` + user + `/messages"`:      of("lifecycle.subscriptionremoved", provider.NoticeCheck, "", user),
		`"lifecycleEvent":"reauthorizationRequired","resource":"/users/` + user + `/events"`:   of("lifecycle.reauthorizationrequired", provider.NoticeCheck, "", user),
		`"lifecycleEvent":"missed","resource":"Users/` + user + `/messages"`:                   of("lifecycle.missed", "", "", ""),
		`"lifecycleEvent":"subscriptionRemoved","resource":"chats/x/users/` + user + `/teams"`: of("lifecycle.subscriptionremoved", "", "", ""),
		`"changeType":"created","resource":"Users/` + user + `/messages"`:                      of("change.created", "", "", ""),
	} {
		got, err := microsoft.Microsoft{}.ReadNotices(body(item("key", later, more)))
		if diff := cmp.Diff([]provider.Notice{want}, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", more, err, diff)
		}
	}
	nowhere := strings.Replace(string(body(item("key", later, deleted))), tenant, "contoso", 1)
	if got, err := (microsoft.Microsoft{}).ReadNotices([]byte(nowhere)); err != nil || got[0].Effect != "" {
		t.Errorf("got %+v, %v, want no effect: an id is somebody's only with the directory", got, err)
	}
	if got, err := (microsoft.Microsoft{}).ReadNotices([]byte("{")); err == nil {
		t.Errorf("got %+v, want an error", got)
	}
}

func TestAskedNotice(t *testing.T) {
	for token, want := range map[string]bool{
		"Validation: Testing client application reachability for subscription Request-Id: 1-2": true,
		"<script>": false, "a\nb": false, "": false, strings.Repeat("a", 513): false, `"`: false, "ä": false, "{}": false,
	} {
		if got, ok := (microsoft.Microsoft{}).AskedNotice(url.Values{"validationToken": {token}}); ok != want || ok && got != token {
			t.Errorf("%q: got %q, %v, want %v", token, got, ok, want)
		}
	}
	if _, ok := (microsoft.Microsoft{}).AskedNotice(url.Values{"validationToken": {"a", "b"}}); ok {
		t.Error("two: want none answered")
	}
}

// FuzzReadNotices: whatever is sent, reading it ends, and an effect has an account in a
// directory.
func FuzzReadNotices(f *testing.F) {
	for _, b := range [][]byte{body(item("key", later, deleted)), []byte(`{"value":[[]]}`), []byte("{")} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		(microsoft.Microsoft{}).VerifyNotice(nil, b, lanyard.NewSecret("key"), now)
		list, err := microsoft.Microsoft{}.ReadNotices(b)
		if err != nil && list != nil {
			t.Fatalf("got %+v with an error", list)
		}
		for _, n := range list {
			if n.Event == "" || n.Effect != "" && (n.Subject == "" || n.Organization == "") {
				t.Fatalf("got %+v", n)
			}
		}
	})
}
