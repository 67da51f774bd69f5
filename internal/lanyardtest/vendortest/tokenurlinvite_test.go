package vendortest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// invited has the customer invite somebody once, who did not come, and say their address.
func (w *urlWorld) invited(endUser, email string) {
	w.T.Helper()
	w.OK("POST", "/v1/connect-sessions", map[string]any{"app_id": w.app, "end_user": map[string]any{"id": endUser, "email": email}, "return_url": lanyardtest.Return})
}

// addressOf is the address that a person has at Zoom, whom the customer calls by their handle and -1.
func (w *urlWorld) addressOf(endUser string) string {
	w.T.Helper()
	return msUser(w.World, strings.TrimSuffix(endUser, "-1")).Email
}

// newcomer is a token URL for somebody of the customer's who has never connected.
func (w *urlWorld) newcomer(endUser string) lanyardtest.JSON {
	w.T.Helper()
	w.invited(endUser, w.addressOf(endUser))
	return w.OK("POST", "/v1/token-urls", map[string]any{"types": []string{"onbehalf"}, "candidates": []map[string]any{{"end_user_id": endUser}}, "meetings": []string{w.number}})
}

// link is the one in a refusal, in plain text and in JSON.
func linkOf(t testing.TB, address string) string {
	t.Helper()
	text, posted := call(t, "GET", address, "", nil), call(t, "POST", address, "", nil)
	_, link, _ := strings.Cut(text.body, "Connect: ")
	link = strings.TrimSpace(link)
	got := posted.json(t)
	if text.status != 404 || posted.status != 404 || got.Str("code") != "connection_needed" || (got.Str("connect_url") == "") != (link == "") {
		t.Fatalf("got %d %q and %d %s, want 404, and a link in both or in none", text.status, text.body, posted.status, posted.body)
	}
	return link
}

// Whoever had never connected used to be a 404 and nothing more: nobody who read it could do
// anything. Now it has a link, which costs nothing until Continue is pressed, ends at the
// customer's page, is gone once it has done its work, and lets the bot in.
func TestATokenURLInvitesWhoHasNeverConnected(t *testing.T) { lanyardtest.Each(t, invitesNewcomer) }

func invitesNewcomer(t *testing.T, world *lanyardtest.World) {
	w := urlOn(t, world)
	made := w.newcomer("dana-1")
	address := made.Str("url")
	rows := func() (n int) {
		w.One(&n, `SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM flows) + (SELECT count(*) FROM persons) + (SELECT count(*) FROM token_urls)`)
		return n
	}
	before := rows()
	link := linkOf(t, address)
	if !strings.HasPrefix(link, w.URL+"/connect/cl.") {
		t.Fatalf("got the link %q, want one of ours", link)
	}
	for _, method := range []string{"GET", "HEAD", "GET"} { // the vendor's scanner looks, too
		b := w.Browser().Go(method, link, nil)
		if b.Status != http.StatusOK || method == "GET" && !strings.Contains(b.Body, "Harbour Notes") {
			t.Fatalf("%s: got %d %.200s, want the page", method, b.Status, b.Body)
		}
		if strings.Contains(b.Body, "dana-1") || strings.Contains(b.Body, "lanyard_session=\"") {
			t.Error("the page says to whoever opens it whom it is for")
		}
	}
	if n := rows(); n != before {
		t.Errorf("looks have made %d rows, want none", n-before)
	}

	at := w.Browser().Consent(link, "dana")
	if at.Host != "localhost:7000" || at.Query().Get("lanyard_session") == "" {
		t.Fatalf("got %s, want the customer's page, with the invitation that Continue made", at)
	}
	c := w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "dana-1"})
	if c.Str("status") != "active" || c.Str("end_user.id") != "dana-1" {
		t.Errorf("got %v, want Dana's connection", c)
	}
	w.present("dana", true)
	if got := call(t, "GET", address, "", nil); got.status != 200 || w.join(map[string]any{"onbehalf_token": got.body}) != "" {
		t.Errorf("connected: got %d %q, want a token that lets the bot in", got.status, got.body)
	}
	if b := w.Browser().Go("GET", link, nil); b.Status != http.StatusGone || !strings.Contains(b.Body, "Already connected") {
		t.Errorf("the link once more: got %d %.300s, want that it has been used", b.Status, b.Body)
	}
}

// Attack (T01): a vendor keeps what a token URL answers in its logs. Who reads them opens the
// link and consents with their own account, to have it connected as the customer's person;
// or they are that person, and send the link to Ana, to have hers connected as theirs. Either
// way the browser ends at the customer's page, where somebody else is logged in.
func TestAConnectLinkOfATokenURLConnectsNobodyElse(t *testing.T) {
	w := newURLWorld(t)
	link := linkOf(t, w.newcomer("chidi-1").Str("url"))
	before := len(w.Sandbox.Ledger(sandbox.Query{Provider: sandbox.Zoom, Kind: "code", Event: "used"}))
	if before == 0 {
		t.Fatal("the ledger says nothing of codes that were redeemed")
	}
	for _, loggedIn := range []string{"ana-1", "somebody"} {
		at := w.Browser().Consent(link, "ana")
		completion := at.Query().Get("lanyard_completion")
		w.Fails("end_user_mismatch", "POST", "/v1/connections", map[string]any{"completion": completion, "end_user_id": loggedIn})
		if status, got := w.Call(w.Key, "POST", "/v1/connections", map[string]any{"completion": completion, "end_user_id": "chidi-1"}); status < 400 {
			t.Errorf("afterwards as Chidi: got %d %v, want the code to be gone", status, got)
		}
	}
	if n := len(w.Sandbox.Ledger(sandbox.Query{Provider: sandbox.Zoom, Kind: "code", Event: "used"})); n != before {
		t.Errorf("got %d codes redeemed, want none", n-before)
	}
	if list := w.OK("GET", "/v1/connections?end_user_id=chidi-1", nil).List("data"); len(list) != 0 {
		t.Errorf("got %v, want nothing connected", list)
	}
	// Another site cannot press Continue (T34).
	if b := w.Browser().PostFrom("https://evil.example", link, url.Values{}); b.Status != http.StatusForbidden {
		t.Errorf("pressed by another site: got %d, want 403", b.Status)
	}
}

// Attack (T01): who reads a vendor's logs opens the link, consents with an account of their
// own, stops at the customer's page and sends its address to the person whom the link is for,
// as "your meetings are ready". There they are logged in, so that the customer's backend says
// that it is they: the stranger's account used to become the person's, and their bots to join
// and to write with it. Now it has to be the account with the address that the customer has
// said is the person's, and where none was said there is no link.
func TestAConnectLinkOfATokenURLConnectsTheirOwnAccount(t *testing.T) {
	w := newURLWorld(t)
	made := w.newcomer("dana-1")
	link := linkOf(t, made.Str("url"))
	at := w.Browser().Consent(link, "chidi") // the stranger
	w.Fails("account_mismatch", "POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "dana-1"})
	if list := w.OK("GET", "/v1/connections?end_user_id=dana-1", nil).List("data"); len(list) != 0 {
		t.Fatalf("got %v, want nothing connected as Dana", list)
	}
	for _, g := range w.Sandbox.Grants() {
		if g.Person == "chidi" && g.Ended == "" {
			t.Error("the stranger's consent was kept, want it given back")
		}
	}
	w.invited("dana-1", strings.ToUpper(w.addressOf("dana-1"))) // as people write it
	at = w.Browser().Consent(link, "dana")
	w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "dana-1"})

	w.Invite(w.app, "chidi-1") // without an address
	none := w.OK("POST", "/v1/token-urls", map[string]any{"types": []string{"onbehalf"}, "candidates": []map[string]any{{"end_user_id": "chidi-1"}}, "meetings": []string{w.number}})
	if link := linkOf(t, none.Str("url")); link != "" {
		t.Errorf("nobody has said whose account it has to be: got %q, want no link", link)
	}
}

// Attack: a link is changed to be for somebody else, for another project's app, for longer,
// or to pass for one that needs no completion. And what takes back the URL takes back the
// link with it.
func TestAConnectLinkOfATokenURLIsNoOther(t *testing.T) {
	w := newURLWorld(t)
	made, other := w.newcomer("dana-1"), w.newcomer("chidi-1")
	link, theirs := linkOf(t, made.Str("url")), linkOf(t, other.Str("url"))
	parts := func(link string) []string { return strings.Split(strings.TrimPrefix(link, w.URL+"/connect/"), ".") }
	mine, his := parts(link), parts(theirs)
	if len(mine) != 7 {
		t.Fatalf("got %q, want seven parts", link)
	}
	open := func(what string, want int, parts ...string) {
		t.Helper()
		address := w.URL + "/connect/" + strings.Join(parts, ".")
		for method, want := range map[string]int{"GET": want, "POST": map[bool]int{true: http.StatusSeeOther, false: want}[want == http.StatusOK]} {
			if b := w.Browser().Go(method, address, nil); b.Status != want {
				t.Errorf("%s, %s: got %d, want %d", what, method, b.Status, want)
			}
		}
	}
	open("as it was made", http.StatusOK, mine...)
	for i, name := range []string{"kind", "project", "token URL", "app", "person", "end"} {
		changed := append([]string{}, mine...)
		changed[i] = map[bool]string{true: his[i], false: strings.Replace(mine[i], mine[i][len(mine[i])-1:], "0", 1) + "0"}[his[i] != mine[i]]
		if i == 0 {
			changed[0] = "rc"
		}
		open(name, http.StatusNotFound, changed...)
	}
	open("another's mark", http.StatusNotFound, append(append([]string{}, mine[:6]...), his[6])...)
	open("a reconnect link of it", http.StatusNotFound, "rc", mine[1], mine[4], mine[5], mine[6])
	open("no mark", http.StatusNotFound, append(append([]string{}, mine[:6]...), "")...)

	w.OK("DELETE", "/v1/token-urls/"+made.Str("id"), nil)
	open("its URL is revoked", http.StatusGone, mine...)
	w.OK("PATCH", "/v1/project", map[string]any{"return_urls": []string{}})
	open("there is no page to come back to", http.StatusGone, his...)
	if got := linkOf(t, other.Str("url")); got != "" {
		t.Errorf("without a page to come back to: got %q, want no link", got)
	}
}

// Where nobody can say who should connect, or to what, there is no link, and a sentence says
// what to do instead.
func TestWhereATokenURLCannotInvite(t *testing.T) {
	w := newURLWorld(t)
	w.invited("dana-1", w.addressOf("dana-1"))
	dana := []map[string]any{{"end_user_id": "dana-1"}}
	by := func(labels []string, candidates []map[string]any) string {
		w.T.Helper()
		k := w.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"connect", "join:onbehalf"}, "labels": labels}).Str("credential")
		status, made := w.Call(k, "POST", "/v1/token-urls", map[string]any{"types": []string{"onbehalf"}, "candidates": candidates, "meetings": []string{w.number}})
		if status != 201 {
			t.Fatalf("got %d %v", status, made)
		}
		return made.Str("url")
	}
	for name, address := range map[string]string{"a group": by(nil, []map[string]any{{"label": "sales"}}), "a URL for two labels": by([]string{"sales", "care"}, dana)} {
		if link := linkOf(t, address); link != "" {
			t.Errorf("%s: got %q, want no link", name, link)
		}
		if got := call(t, "GET", address, "", nil); !strings.Contains(got.body, "POST /v1/connect-sessions") {
			t.Errorf("%s: got %q, want what to do instead", name, got.body)
		}
	}
	// The group comes first, and nobody of it can be named; Dana can.
	if link := linkOf(t, by(nil, append([]map[string]any{{"label": "sales"}}, dana...))); link == "" {
		t.Error("a group and a person: got no link, want the person's")
	}
	// What the URL reaches no further than, the connection is made within.
	labelled := by([]string{"sales"}, dana)
	at := w.Browser().Consent(linkOf(t, labelled), "dana")
	c := w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "dana-1"})
	if c.Str("label") != "sales" {
		t.Errorf("got the label %q, want the URL's", c.Str("label"))
	}
	if got := call(t, "GET", labelled, "", nil); got.status != 200 {
		t.Errorf("connected: got %d %q", got.status, got.body)
	}

	// A URL that was made for a bot invites the bot's people.
	w.invited("chidi-1", w.addressOf("chidi-1"))
	bot := w.OK("POST", "/v1/bots", map[string]any{"meeting_url": w.link(), "candidates": []map[string]any{{"end_user_id": "chidi-1"}}}).Str("id")
	of := w.newcomer("chidi-1")
	w.SQL(`UPDATE token_urls SET candidates = '', sealed = NULL, bot_id = $1 WHERE id = $2`, bot, of.Str("id")) // as runners are given theirs
	if link := linkOf(t, of.Str("url")); link == "" {
		t.Error("a bot's: got no link")
	}

	w.Zoom() // a second app: which one is for the customer to say
	if link := linkOf(t, of.Str("url")); link != "" {
		t.Errorf("two apps: got %q, want no link", link)
	}
}
