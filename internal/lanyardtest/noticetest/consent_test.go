package noticetest_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/server"
)

const (
	anasAddress = "203.0.113.77"
	anasBrowser = "Fictional/9.7 (of Ana alone)"
)

// behindProxy believes the header that says where a browser is.
func behindProxy(s *server.Settings) { s.TrustedProxies = []string{"127.0.0.1", "::1"} }

func anas(w *lanyardtest.World) *lanyardtest.Browser {
	b := w.Browser()
	b.Sends = http.Header{"X-Forwarded-For": {anasAddress}, "X-Forwarded-Proto": {"http"}, "User-Agent": {anasBrowser}}
	return b
}

// consents lists what is on record about a connection, newest first.
func consents(w *lanyardtest.World, c lanyardtest.JSON) []lanyardtest.JSON {
	w.T.Helper()
	return w.OK("GET", "/v1/consents?connection_id="+c.Str("id"), nil).List("data")
}

// consentOf is the newest of them, in full.
func consentOf(w *lanyardtest.World, c lanyardtest.JSON) lanyardtest.JSON {
	w.T.Helper()
	all := consents(w, c)
	if len(all) == 0 {
		w.T.Fatalf("no consent of %s is on record", c.Str("id"))
	}
	return w.OK("GET", "/v1/consents/"+all[0].Str("id"), nil)
}

func words(v any) (out []string) {
	list, _ := v.([]any)
	for _, one := range list {
		out = append(out, one.(string))
	}
	return out
}

var (
	unread  = regexp.MustCompile(`(?s)<p class="legend".*?</p>|<header.*?</header>|<script.*?</script>|<span class="unseen"> \(opens[^<]*</span>`)
	anchor  = regexp.MustCompile(`(?s)<a href="([^"]*)"[^>]*>(.*?)</a>`)
	element = regexp.MustCompile(`</?(h1|h2|p|li|summary|button|a)\b[^>]*>`)
	tag     = regexp.MustCompile(`<[^>]*>`)
)

// linesOf reads a page as somebody does who has only its text.
func linesOf(page string) (out []string) {
	_, page, _ = strings.Cut(page, `<main class="card">`)
	page, _, _ = strings.Cut(page, "</main>")
	page = unread.ReplaceAllString(page, "")
	page = anchor.ReplaceAllString(page, "\x00$2 &lt;$1&gt;\x00")
	page = element.ReplaceAllString(page, "\x00")
	for _, s := range strings.Split(page, "\x00") {
		s = html.UnescapeString(tag.ReplaceAllString(s, ""))
		s = strings.Join(strings.Fields(s), " ")
		if strings.HasPrefix(s, "Cancel <") { // it leads to the customer
			s = "Cancel"
		}
		if s != "" && !strings.HasPrefix(s, "This link works") {
			out = append(out, s)
		}
	}
	return out
}

// What Ana read is on record to the letter, with who asked, when, and from where; and
// where she was is in no byte of the database.
func TestAConsentIsWhatThePageSaid(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		w.OK("PATCH", "/v1/project", map[string]any{"privacy_url": "https://harbour.example/privacy", "terms_url": "https://harbour.example/terms?a=1&b=2"})
		began := time.Now().Add(-2 * time.Second)
		b := anas(w)
		session := w.Invite(app, "u")
		b.Go(http.MethodGet, session.Str("connect_url"), nil)
		page := linesOf(b.Body)
		at := b.Consent(session.Str("connect_url"), "ana")
		c := w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "u"})

		r := consentOf(w, c)
		read := words(r["text"].(map[string]any)["lines"])
		if d := cmp.Diff(page, read); d != "" || len(read) < 12 {
			t.Errorf("what is on record is not what the page said (-page +record):\n%s", d)
		}
		for _, want := range []string{"Harbour Notes would like to connect to your Zoom account", "user:read:zak",
			"Harbour Notes: Privacy <https://harbour.example/privacy>", "Harbour Notes: Terms <https://harbour.example/terms?a=1&b=2>"} {
			if !slices.Contains(read, want) {
				t.Errorf("got %q, want %q among it", read, want)
			}
		}
		var text lanyard.ConsentText
		text.Version, text.Language, text.Lines = r.Str("text.version"), r.Str("text.language"), read
		for _, s := range r["text"].(map[string]any)["scopes"].([]any) {
			one := s.(map[string]any)
			text.Scopes = append(text.Scopes, lanyard.ScopeInWords{Scope: one["scope"].(string), Words: one["words"].(string)})
		}
		if len(text.Scopes) != len(lanyardtest.ZoomScopes) || text.Hash() != r.Str("text.hash") {
			t.Errorf("got %v, want every scope in words, and the hash of all of it", r["text"])
		}
		for path, want := range map[string]string{"state": "given", "connection_id": c.Str("id"), "app_id": app, "client_id": "zc_" + app[4:16], "provider": "zoom",
			"end_user_id": "u", "session_id": session.Str("id"), "origin": "hosted", "shown": "page", "ip": anasAddress, "user_agent": anasBrowser,
			"completed_by": "key:" + strings.SplitN(w.Key, ".", 2)[0]} {
			if got := r.Str(path); got != want && (path != "completed_by" || !strings.HasPrefix(got, "key:lyk_")) {
				t.Errorf("%s: got %q, want %q", path, got, want)
			}
		}
		if d := cmp.Diff(lanyardtest.ZoomScopes, words(r["scopes_asked"])); d != "" {
			t.Error(d)
		}
		var before time.Time
		for _, name := range []string{"shown_at", "asked_at", "granted_at"} {
			at, err := time.Parse(time.RFC3339, r.Str(name))
			if err != nil || at.Before(began) || at.After(time.Now().Add(time.Second)) || at.Before(before) {
				t.Errorf("%s: got %q, %v, want times of just now, in their order", name, r.Str(name), err)
			}
			before = at
		}
		if r["withdrawal"] != nil || r.Str("ended_at") != "" || r.Str("superseded_by") != "" {
			t.Errorf("got %v, want it in force", r)
		}
		entry := w.OK("GET", "/v1/audit/entries?what=connection.created", nil).List("data")[0]
		if entry.Str("detail.consent") != r.Str("id") {
			t.Errorf("got %v, want the log to name the record", entry)
		}

		// A key that may see connections sees the record, and not where she was.
		reader := w.OK("POST", "/v1/keys", map[string]any{"name": "reader", "scopes": []string{"read"}}).Str("credential")
		auditor := w.OK("POST", "/v1/keys", map[string]any{"name": "auditor", "scopes": []string{"audit"}}).Str("credential")
		for key, want := range map[string]string{reader: "", auditor: anasAddress} {
			for _, path := range []string{"/v1/consents/" + r.Str("id"), "/v1/consents"} {
				status, out := w.Call(key, "GET", path, nil)
				if list := out.List("data"); len(list) == 1 {
					out = list[0]
				}
				if status != 200 || out.Str("ip") != want || out.Str("end_user_id") != "u" {
					t.Errorf("%s: got %d %v, want the address to be %q", path, status, out, want)
				}
			}
		}
		token := w.OK("POST", "/v1/keys", map[string]any{"name": "bots", "scopes": []string{"token"}}).Str("credential")
		w.FailsAs(token, "scope_missing", "GET", "/v1/consents", nil)
		w.FailsAs(token, "scope_missing", "GET", "/v1/consents/"+r.Str("id"), nil)
		w.FailsAs(token, "scope_missing", "GET", "/v1/consents?end_user_id=nobody", nil)

		for _, secret := range []string{anasAddress, "Fictional/9.7"} {
			if where := w.Find(secret); where != "" {
				t.Errorf("%q is in the database: %s", secret, where)
			}
			if strings.Contains(w.Log.String(), secret) {
				t.Errorf("%q is in the log", secret)
			}
		}
		if w.Find(r.Str("id")) == "" || w.Find("Harbour Notes will be able to") == "" {
			t.Error("the search finds nothing at all")
		}
	}, behindProxy)
}

// The page that Ana read said less than what is asked for when she presses Continue.
// That used to be her consent; it is shown to her again.
func TestAPageFromBeforeAChangeIsShownAgain(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	c := w.Connect(app, "u", "ana")
	w.SQL(`UPDATE grants SET health = 'dead', reason = 'user_revoked'`)
	link := w.OK("GET", "/v1/connections/"+c.Str("id"), nil).Str("reconnect_url") // asks for what the app asks for when it is used
	b := w.Browser()
	b.Go(http.MethodGet, link, nil)
	old := b.Form()
	w.OK("PATCH", "/v1/apps/"+app, map[string]any{"scopes": append(slices.Clone(lanyardtest.ZoomScopes), "user:read:settings")})
	press := func(what string, form url.Values, want int) {
		t.Helper()
		if b.Go(http.MethodPost, link, form); b.Status != want {
			t.Errorf("%s: got %d %.200s, want %d", what, b.Status, b.Body, want)
		}
	}
	press("the page of before", old, http.StatusConflict)
	if !strings.Contains(b.Body, "Please read this again") || !strings.Contains(b.Body, `href="`+strings.TrimPrefix(link, w.URL)) {
		t.Errorf("got %s, want the way to read it again", b.Body)
	}
	b.Go(http.MethodGet, link, nil)
	good := b.Form()
	mark := good.Get("shown")
	parts := strings.Split(mark, ".")
	for name, forged := range map[string]string{"of another time": "1." + parts[1] + "." + parts[2], "of another text": parts[0] + "." + strings.Repeat("0", 64) + "." + parts[2],
		"of nobody": parts[0] + "." + parts[1] + ".AAAA", "no mark": "x", "too many parts": mark + ".x"} {
		press(name, url.Values{"shown": {forged}}, http.StatusConflict)
	}
	other := w.Invite(app, "v").Str("connect_url")
	b.Go(http.MethodGet, other, nil)
	press("another link's", b.Form(), http.StatusConflict)
	press("what was read", good, http.StatusSeeOther)
	w.Fails("not_found", "GET", "/v1/consents/"+strings.Replace(consents(w, c)[0].Str("id"), "cns_", "con_", 1), nil)
}

// Whoever presses Continue without a page has consented at the provider all the same;
// the record does not claim more than is known.
func TestContinueWithoutAPage(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	link := w.Invite(app, "u").Str("connect_url")
	b := w.Browser()
	b.Go(http.MethodPost, link, url.Values{})
	b.Go(http.MethodGet, b.Next()+"&sandbox_consent=allow&sandbox_person=ana", nil)
	at, err := url.Parse(b.Follow(lanyardtest.Return))
	lanyardtest.Must(t)(nil, err)
	c := w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "u"})
	if r := consentOf(w, c); r.Str("shown") != "continued" || r.Str("shown_at") != "" || r.Str("text.hash") == "" {
		t.Errorf("got %v, want it said that no page was seen", r)
	}
}

// Ben unticks a box, and connects again later with all of it: two consents, of which
// the second takes the place of the first.
func TestPartlyGrantedThenAgain(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		scopes := []string{"openid", "https://www.googleapis.com/auth/userinfo.email", "https://www.googleapis.com/auth/calendar.events.readonly"}
		app := register(w, "google", scopes, google(w))
		at := w.Browser().Consent(w.Invite(app, "u").Str("connect_url"), "ben", "&sandbox_scopes="+url.QueryEscape(strings.Join(scopes[:2], " ")))
		c := w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "u"})
		first := consentOf(w, c)
		if d := cmp.Diff(scopes[2:], words(first["scopes_missing"])); d != "" {
			t.Errorf("missing: %s", d)
		}
		if asked, granted := words(first["scopes_asked"]), words(first["scopes_granted"]); !slices.Contains(asked, scopes[2]) || slices.Contains(granted, scopes[2]) || !slices.Contains(granted, scopes[1]) {
			t.Errorf("got %v asked and %v granted", asked, granted)
		}
		again := w.OK("POST", "/v1/connections/"+c.Str("id")+"/reconnect", map[string]any{"return_url": lanyardtest.Return})
		if at := w.Browser().Consent(again.Str("connect_url"), "ben"); at.Query().Get("lanyard_connection") != c.Str("id") {
			t.Fatalf("got %s, want it reconnected", at)
		}
		all := consents(w, c)
		if len(all) != 2 || all[0].Str("state") != "given" || all[0].Str("origin") != "reconnect" || len(words(all[0]["scopes_missing"])) != 0 || all[0].Str("completed_by") != "person" {
			t.Fatalf("got %v, want a new consent to all of it", all)
		}
		if all[1].Str("id") != first.Str("id") || all[1].Str("state") != "superseded" || all[1].Str("superseded_by") != all[0].Str("id") || all[1].Str("ended_at") == "" || all[1]["withdrawal"] != nil {
			t.Errorf("got %v, want the first one superseded", all[1])
		}
		if lines := words(consentOf(w, c)["text"].(map[string]any)["lines"]); !slices.Contains(lines, "Connect your Google account to this application again") && !strings.HasPrefix(lines[0], "Connect your ") {
			t.Errorf("got %q, want the words of the page for connecting again", lines[0])
		}
		for _, q := range []string{"?state=given", "?provider=google&state=given", "?app_id=" + app + "&state=given", "?end_user_id=u&state=given", "?limit=1"} {
			if got := w.OK("GET", "/v1/consents"+q, nil).List("data"); len(got) != 1 || got[0].Str("id") != all[0].Str("id") {
				t.Errorf("%s: got %v, want the new one only", q, got)
			}
		}
		next := w.OK("GET", "/v1/consents?limit=1", nil).Str("next_cursor")
		if got := w.OK("GET", "/v1/consents?limit=1&cursor="+next, nil); len(got.List("data")) != 1 || got.List("data")[0].Str("id") != first.Str("id") || got.Str("next_cursor") != "" {
			t.Errorf("got %v, want the first one on the second page", got)
		}
		for _, q := range []string{"?provider=zoom", "?app_id=app_x", "?end_user_id=somebody", "?state=withdrawn", "?connection_id=con_x"} {
			if got := w.OK("GET", "/v1/consents"+q, nil).List("data"); len(got) != 0 {
				t.Errorf("%s: got %v, want none", q, got)
			}
		}
	})
}

// A no, a mismatch and a broken code make no record: nothing was consented to that we
// hold. They are on the log.
func TestARefusalIsNoConsent(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	b := w.Browser()
	link := w.Invite(app, "u").Str("connect_url")
	b.Go(http.MethodGet, link, nil)
	b.Go(http.MethodPost, link, b.Form())
	b.Go(http.MethodGet, b.Next()+"&sandbox_consent=deny&sandbox_person=ana", nil)
	b.Follow(lanyardtest.Return)
	at := w.Browser().Consent(w.Invite(app, "u").Str("connect_url"), "ana")
	w.Fails("end_user_mismatch", "POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "v"})
	if got := w.OK("GET", "/v1/consents", nil).List("data"); len(got) != 0 {
		t.Errorf("got %v, want none", got)
	}
	if n := len(w.OK("GET", "/v1/audit/entries?what=consent.denied", nil).List("data")); n != 1 {
		t.Errorf("got %d entries about the no, want 1", n)
	}
	var texts int
	if w.One(&texts, `SELECT count(*) FROM consent_texts`); texts != 0 {
		t.Errorf("got %d texts kept, want none", texts)
	}
}

// With a callback of the customer's own, nobody here saw what was shown, and the
// record says so.
func TestYourOwnCallbackIsNotSeen(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	begin := w.OK("GET", "/v1/authorize-url?"+url.Values{"app_id": {app}, "redirect_uri": {"http://localhost:7000/own"}, "end_user_id": {"u"}}.Encode(), nil)
	b := anas(w)
	b.Go(http.MethodGet, begin.Str("authorize_url")+"&sandbox_consent=allow&sandbox_person=ana", nil)
	at, err := url.Parse(b.Next())
	lanyardtest.Must(t)(nil, err)
	c := w.OK("POST", "/v1/connections", map[string]any{"app_id": app, "code": at.Query().Get("code"), "state": at.Query().Get("state"), "redirect_uri": "http://localhost:7000/own"})
	r := consentOf(w, c)
	if r.Str("shown") != "not_seen" || r["text"] != nil || r.Str("shown_at") != "" || r.Str("ip") != "" || r.Str("origin") != "own_callback" || !strings.HasPrefix(r.Str("completed_by"), "key:lyk_") {
		t.Errorf("got %v, want nothing claimed about what was shown", r)
	}
	if len(words(r["scopes_granted"])) != len(lanyardtest.ZoomScopes) || r.Str("asked_at") == "" || r.Str("granted_at") < r.Str("asked_at") {
		t.Errorf("got %v, want what was asked and granted, and when", r)
	}
}
