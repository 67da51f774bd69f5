package vendortest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// The front used to be tried on SQLite alone, and PostgreSQL keeps and finds what it needs in
// other types. Each contract once; who is next; a renewal; new keys in the vault; and an end,
// by revocation and by the hour.
func TestTokenURLsOnBothDatabases(t *testing.T) { lanyardtest.Each(t, urlsOnBoth) }

func urlsOnBoth(t *testing.T, world *lanyardtest.World) {
	w := urlOn(t, world)
	secret := map[string]string{"X-Webhook-Secret": "whs-1"}
	plain := w.OK("POST", "/v1/token-urls", map[string]any{"types": []string{"onbehalf"}, "candidates": of(w.ana, w.ben), "meetings": []string{w.link()}})
	ms := w.OK("POST", "/v1/token-urls", map[string]any{"contract": "meetstream", "types": []string{"zak"}, "candidates": of(w.ben), "signing_secret": "whs-1", "cidrs": []string{"127.0.0.0/8"}})
	att := w.OK("POST", "/v1/token-urls", map[string]any{"contract": "attendee", "types": []string{"onbehalf", "zak"}, "signing_secret": attendeeSecret})
	access := w.OK("POST", "/v1/token-urls", map[string]any{"types": []string{"access_token"}, "candidates": []map[string]any{{"end_user_id": "ana-1"}},
		"expires_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})

	each := func(when string, next lanyardtest.JSON) {
		t.Helper()
		got := call(t, "GET", plain.Str("url"), "", nil)
		if got.status != 200 || got.header.Get("Lanyard-Connection") != next.Str("id") {
			t.Errorf("%s: plain: got %d %q of %s, want a token of %s", when, got.status, got.body, got.header.Get("Lanyard-Connection"), next.Str("id"))
		}
		if code := w.join(map[string]any{"onbehalf_token": got.body}); code != "" {
			t.Errorf("%s: at the door: got %q", when, code)
		}
		if other := call(t, "GET", with(plain.Str("url"), "meeting_number", "99999999999"), "", nil); other.status != 403 {
			t.Errorf("%s: another meeting: got %d, want 403", when, other.status)
		}
		if token, failure := meetstream(t, ms.Str("url"), "", secret); failure != "" || w.join(map[string]any{"zak": token}) != "" {
			t.Errorf("%s: meetstream: got %q", when, failure)
		}
		if _, failure := meetstream(t, ms.Str("url"), "", nil); !strings.HasPrefix(failure, "401 ") {
			t.Errorf("%s: meetstream without its secret: got %q, want 401", when, failure)
		}
		if tokens, got := attendee(t, att.Str("url"), attendeeSecret, map[string]any{"zoom_user_id": w.ben.Str("account.id")}, w.link()); len(tokens) != 2 {
			t.Errorf("%s: attendee: got %d %s, want two tokens", when, got.status, got.body)
		}
		if got := call(t, "GET", access.Str("url"), "", nil); got.status != 200 {
			t.Errorf("%s: access token: got %d %q", when, got.status, got.body)
		}
	}
	each("at first", w.ana)
	lanyardtest.Operator(t, w.World, http.MethodPost, "/v1/operator/vault/rotate", map[string]any{"level": "project", "project": w.OK("GET", "/v1/project", nil).Str("id")})
	w.Expire(-10)
	each("with a new key of the project, and tokens that have ended", w.ben)
	if n := len(w.Sandbox.Ledger(sandbox.Query{Kind: "refresh", Event: "used"})); n != 2 {
		t.Errorf("got %d renewals, want one of each grant", n)
	}

	gone := func(what, address string, header map[string]string) {
		t.Helper()
		for _, method := range []string{"GET", "POST"} {
			got := call(t, method, address, "", header)
			if got.status != 401 || !strings.Contains(got.body, "unknown, expired or revoked") || strings.Contains(got.body, "/connect/") {
				t.Errorf("%s, %s: got %d %q, want 401 and no link", what, method, got.status, got.body)
			}
		}
	}
	for _, u := range []lanyardtest.JSON{plain, ms, att} {
		w.OK("DELETE", "/v1/token-urls/"+u.Str("id"), nil)
		gone("revoked", u.Str("url"), secret)
	}
	w.SQL(`UPDATE token_urls SET expires_at = $1 WHERE id = $2`, time.Now().Add(-time.Second).UnixMicro(), access.Str("id"))
	gone("past its hour", access.Str("url"), nil)
	gone("another's", access.Str("url")[:len(access.Str("url"))-1]+"~", nil)
}

// A key leaks, and its owner withdraws it. The token URLs that it had made used to go on
// handing out tokens, and to end them, each had to be found and revoked by hand.
func TestTheTokenURLsOfALeakedKey(t *testing.T) { lanyardtest.Each(t, urlsOfAKey) }

func urlsOfAKey(t *testing.T, world *lanyardtest.World) {
	w := urlOn(t, world)
	type owner struct{ id, credential, url string }
	owners := map[string]owner{}
	for _, name := range []string{"first", "second", "kept"} {
		k := w.OK("POST", "/v1/keys", map[string]any{"name": name, "scopes": []string{"connect", "read", "join:onbehalf"}})
		status, made := w.Call(k.Str("credential"), "POST", "/v1/token-urls", map[string]any{"types": []string{"onbehalf"}, "candidates": of(w.ana), "meetings": []string{w.number}})
		if status != 201 || made.Str("key_id") != k.Str("id") {
			t.Fatalf("got %d %v, want a token URL of the key's", status, made)
		}
		owners[name] = owner{k.Str("id"), k.Str("credential"), made.Str("url")}
	}
	first, second, kept := owners["first"], owners["second"], owners["kept"]
	runner := w.OK("POST", "/v1/runners", map[string]any{"kind": "webhook", "url": w.SandURL + "/hook"})
	status, bot := w.Call(first.credential, "POST", "/v1/bots", map[string]any{"meeting_url": w.link(), "runner": runner.Str("id"), "candidates": of(w.ana),
		"join_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
	if status != 201 {
		t.Fatalf("got %d %v, want a bot", status, bot)
	}
	inForce := func(o owner) (n int) {
		for _, u := range w.OK("GET", "/v1/token-urls?key_id="+o.id, nil).List("data") {
			if u.Str("revoked_at") == "" {
				n++
			}
		}
		return n
	}
	if n := inForce(first); n != 2 {
		t.Fatalf("got %d made by the key, want its own and its bot's", n)
	}

	// Withdrawn alone, it says what lives on.
	was := w.OK("DELETE", "/v1/keys/"+first.id, nil)
	if was["token_urls_left"] != 2.0 || was["token_urls_revoked"] != 0.0 {
		t.Errorf("got %v, want the two that live on", was)
	}
	if got := call(t, "GET", first.url, "", nil); got.status != 200 {
		t.Errorf("the key alone is withdrawn: got %d %q, want the URL to live on", got.status, got.body)
	}
	w.FailsAs(second.credential, "not_found", "DELETE", "/v1/token-urls?key_id=lyk_00000000000000000000000000", nil)
	w.Fails("invalid_request", "DELETE", "/v1/token-urls", nil)
	reader := w.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"read", "admin"}}).Str("credential")
	w.FailsAs(reader, "scope_missing", "DELETE", "/v1/token-urls?key_id="+first.id, nil)

	for _, want := range []float64{2, 0} {
		if got := w.OK("DELETE", "/v1/token-urls?key_id="+first.id, nil); got["revoked"] != want {
			t.Errorf("got %v, want %v revoked", got, want)
		}
	}
	if got := call(t, "GET", first.url, "", nil); got.status != 401 || inForce(first) != 0 {
		t.Errorf("revoked by the key: got %d, and %d in force, want 401 and none", got.status, inForce(first))
	}

	// Withdrawn with them.
	was = w.OK("DELETE", "/v1/keys/"+second.id+"?token_urls=true", nil)
	if was["token_urls_left"] != 0.0 || was["token_urls_revoked"] != 1.0 {
		t.Errorf("got %v, want the one revoked with it", was)
	}
	if got := call(t, "GET", second.url, "", nil); got.status != 401 {
		t.Errorf("withdrawn with its URLs: got %d, want 401", got.status)
	}
	if got := call(t, "GET", kept.url, "", nil); got.status != 200 {
		t.Errorf("another key's: got %d %q, want it to live on", got.status, got.body)
	}

	// An operator's key makes them in any project, whose log has it.
	op := lanyardtest.Operator(t, w.World, http.MethodPost, "/v1/operator/keys", map[string]any{"operator": true})
	made := call(t, "POST", w.URL+"/v1/token-urls", `{"types":["onbehalf"],"candidates":[{"end_user_id":"ana-1"}],"meetings":["`+w.number+`"]}`,
		map[string]string{"Authorization": "Bearer " + op.Str("credential"), "Lanyard-Project": w.OK("GET", "/v1/project", nil).Str("id"), "Content-Type": "application/json"})
	if was := lanyardtest.Operator(t, w.World, http.MethodDelete, "/v1/operator/keys/"+op.Str("id")+"?token_urls=true", nil); was["token_urls_revoked"] != 1.0 {
		t.Errorf("an operator's key: got %v, want its one revoked with it", was)
	}
	if got := call(t, "GET", made.json(t).Str("url"), "", nil); got.status != 401 {
		t.Errorf("an operator's: got %d, want 401", got.status)
	}

	said := map[string]string{}
	for _, e := range w.OK("GET", "/v1/audit/entries?what=token_url.revoked&outcome=ok", nil).List("data") {
		said[e.Str("detail.key")] += e.Str("detail.count") + " "
	}
	if said[first.id] != "0 2 " || said[second.id] != "1 " || said[op.Str("id")] != "1 " || said[kept.id] != "" {
		t.Errorf("the log has %v, want how many of which key, newest first", said)
	}
}
