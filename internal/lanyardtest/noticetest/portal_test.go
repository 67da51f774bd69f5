package noticetest_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
)

// portal opens a person's own page of connections in a browser.
func portal(w *lanyardtest.World, user string) *lanyardtest.Browser {
	w.T.Helper()
	link := w.OK("POST", "/v1/portal-sessions", map[string]any{"end_user_id": user}).Str("url")
	b := w.Browser()
	if b.Go(http.MethodPost, link, url.Values{}); b.Status != http.StatusSeeOther {
		w.T.Fatalf("open the portal: got %d %.300s", b.Status, b.Body)
	}
	return b.Go(http.MethodGet, w.URL+"/portal", nil)
}

// press presses a button of the portal and goes where it leads.
func press(b *lanyardtest.Browser, w *lanyardtest.World, c lanyardtest.JSON, what string) string {
	w.T.Helper()
	if b.Go(http.MethodPost, w.URL+"/portal/connections/"+c.Str("id")+"/"+what, url.Values{}); b.Status != http.StatusSeeOther {
		w.T.Fatalf("%s: got %d %.300s", what, b.Status, b.Body)
	}
	next, _, _ := strings.Cut(b.Next(), "#")
	return b.Go(http.MethodGet, next, nil).Body
}

// One link, eight browsers at the same moment: one of them is let in, whichever the
// database.
func TestAPortalOpensOneBrowser(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		link := w.OK("POST", "/v1/portal-sessions", map[string]any{"end_user_id": "u"}).Str("url")
		status := map[int]int{}
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 8 { // ten a minute are let through at all
			b := w.Browser()
			all.Go(func() {
				b.Go(http.MethodPost, link, url.Values{})
				mu.Lock()
				defer mu.Unlock()
				status[b.Status]++
			})
		}
		all.Wait()
		if status[http.StatusSeeOther] != 1 || status[http.StatusGone] != 7 {
			t.Errorf("got %v, want one that is let in and seven that are not", status)
		}
	})
}

// Checking asks with the token that there is: it costs no renewal, does not end a
// token that a bot is using, and is no use of the connection. It finds what is wrong.
func TestThePortalChecks(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t, func(s *server.Settings) { s.TimeScale = 1000 }) // the least time between two renewals is 30 ms then
	c := w.Connect(w.Zoom(), "u", "ana")
	renewals := func() int {
		return len(w.Sandbox.Ledger(sandbox.Query{Provider: sandbox.Zoom, Kind: "refresh", Event: "used"}))
	}
	b := portal(w, "u")
	if !strings.Contains(b.Body, "not yet") {
		t.Error("a connection that nobody has used: want it said")
	}
	if body := press(b, w, c, "check"); !strings.Contains(body, "Zoom says that it works") || !strings.Contains(body, "not yet") {
		t.Errorf("works: got %s", body)
	}
	if n := renewals(); n != 0 {
		t.Errorf("got %d renewals, want none", n)
	}
	before := w.OK("POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{}).Str("access_token")
	if body := b.Go(http.MethodGet, w.URL+"/portal", nil).Body; strings.Contains(body, "not yet") {
		t.Error("used: want it said when")
	}

	// The provider refuses the token once: renewed, and well again.
	refuse := func(times int) sandbox.Fault {
		f, err := w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "userinfo"}, Action: "status", Status: 401, Body: `{"code":124,"message":"Invalid access token."}`, Times: times})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		return f
	}
	refuse(1)
	if body := press(b, w, c, "check"); !strings.Contains(body, "Zoom says that it works") {
		t.Errorf("refused once: got %s", body)
	}
	if n := renewals(); n != 1 {
		t.Errorf("refused once: got %d renewals, want 1", n)
	}
	if is := w.OK("POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{}).Str("access_token"); is == before {
		t.Error("the refused token is still handed out")
	}
	f := refuse(0)
	if body := press(b, w, c, "check"); !strings.Contains(body, "it does not work") {
		t.Errorf("refused again and again: got %s", body)
	}
	w.Sandbox.RemoveFault(f.ID)

	// No answer is no verdict.
	down, err := w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "userinfo"}, Action: "status", Status: 503})
	if err != nil {
		t.Fatal(err)
	}
	if body := press(b, w, c, "check"); !strings.Contains(body, "could not tell") {
		t.Errorf("down: got %s", body)
	}
	w.Sandbox.RemoveFault(down.ID)

	// Taken out at the provider: the check finds that, and the page what to do.
	if _, err := w.Sandbox.Revoke(sandbox.Target{Provider: sandbox.Zoom, Person: "ana"}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	if body := press(b, w, c, "check"); strings.Contains(body, "Zoom says that it works") {
		t.Errorf("taken out: got %s", body)
	}

	// Too often, it is not asked at all.
	calls := len(w.Sandbox.Ledger(sandbox.Query{Provider: sandbox.Zoom}))
	said := ""
	for range 8 {
		said = press(b, w, c, "check")
	}
	if !strings.Contains(said, "checked a moment ago") {
		t.Errorf("too often: got %s", said)
	}
	if n := len(w.Sandbox.Ledger(sandbox.Query{Provider: sandbox.Zoom})) - calls; n > 4 {
		t.Errorf("too often: the provider was asked %d times", n)
	}
	for _, e := range w.OK("GET", "/v1/audit/entries?what=connection.checked", nil).List("data") {
		if e.Str("who") != "person" || e.Str("connection_id") != c.Str("id") {
			t.Errorf("got the entry %v, want the person's", e)
		}
	}
}

// What disconnecting comes to is said as it is: shared, refused for now, no way.
func TestThePortalSaysWhatHappenedAtTheProvider(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	mine := w.Connect(app, "u", "ana")
	theirs := w.Connect(app, "v", "ana") // the same account: one grant
	b := portal(w, "u")
	confirm := func(b *lanyardtest.Browser, c lanyardtest.JSON) string {
		return b.Go(http.MethodGet, w.URL+"/portal/connections/"+c.Str("id")+"/disconnect", nil).Body
	}
	if body := confirm(b, mine); !strings.Contains(body, "Another connection uses the same access") {
		t.Errorf("shared: got %s", body)
	}
	if body := press(b, w, mine, "disconnect"); !strings.Contains(body, "The access goes on") || strings.Contains(body, "Nothing. All tokens") {
		t.Errorf("shared: got %s", body)
	}

	// The last of them, while Zoom is down.
	if _, err := w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "revoke"}, Action: "status", Status: 503}); err != nil {
		t.Fatal(err)
	}
	b = portal(w, "v")
	body := press(b, w, theirs, "disconnect")
	for _, want := range []string{"We try again for a day", "works until today at", "(UTC)", "nothing but giving it back", "marketplace.zoom.us/user/installed"} {
		if !strings.Contains(body, want) && !(want == "works until today at" && strings.Contains(body, "works until on")) {
			t.Errorf("down: no %q in %s", want, body)
		}
	}
	if strings.Contains(body, "has confirmed") {
		t.Errorf("down: got %s", body)
	}
}

// Google: a box that Ana left unticked is said, and a token that has expired is
// renewed before the check. Slack: bot and person are two connections, each checked
// with its own token, and each found out when Slack has ended it.
func TestThePortalWithOtherProviders(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	scopes := []string{"openid", "https://www.googleapis.com/auth/userinfo.email", "https://www.googleapis.com/auth/calendar.events.readonly", "https://www.googleapis.com/auth/gmail.send"}
	link := w.Invite(register(w, "google", scopes, google(w)), "u").Str("connect_url")
	b := w.Browser()
	b.Go(http.MethodPost, link, url.Values{})
	b.Go(http.MethodGet, b.Next()+"&sandbox_consent=allow&sandbox_person=ana&sandbox_scopes="+url.QueryEscape(strings.Join(scopes[:3], " ")), nil)
	at, err := url.Parse(b.Follow(lanyardtest.Return))
	if err != nil {
		t.Fatal(err)
	}
	c := w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "u"})
	b = portal(w, "u")
	for _, want := range []string{"Works in part", "Not allowed, but needed", "Connect again to allow it"} {
		if !strings.Contains(b.Body, want) {
			t.Errorf("partial: no %q in %s", want, b.Body)
		}
	}
	w.Expire(-1)
	if body := press(b, w, c, "check"); !strings.Contains(body, "Google says that it works") {
		t.Errorf("expired: got %s", body)
	}
	if body := press(b, w, c, "disconnect"); !strings.Contains(body, "https://myaccount.google.com/connections") {
		t.Errorf("disconnected: got %s", body)
	}

	s := w.SandURL + "/slack"
	app := register(w, "slack", []string{"chat:write", "users:read", "user:search:read"}, map[string]string{"authorize": s + "/oauth/v2/authorize",
		"token": s + "/api/oauth.v2.access", "revoke": s + "/api/auth.revoke", "identity": s + "/api/auth.test"})
	one := w.Connect(app, "v", "ana")
	also, _ := one["also"].([]any)
	if len(also) != 1 {
		t.Fatalf("got %v, want a second connection beside it", one)
	}
	other := w.OK("GET", "/v1/connections/"+also[0].(string), nil)
	b = portal(w, "v")
	for _, c := range []lanyardtest.JSON{one, other} {
		if body := press(b, w, c, "check"); !strings.Contains(body, "Slack says that it works") {
			t.Errorf("%s: got %s", c.Str("kind"), body)
		}
	}
	if _, err := w.Sandbox.Revoke(sandbox.Target{Provider: sandbox.Slack, Person: "ana"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []lanyardtest.JSON{one, other} {
		if body := press(b, w, c, "check"); !strings.Contains(body, "it does not work") {
			t.Errorf("%s, taken out: got %s", c.Str("kind"), body)
		}
	}
}
