package foreigntest_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
)

func (j *journeys) read(w *lanyardtest.World, id string) (int, lanyardtest.JSON) {
	w.Age(id, 2*time.Hour)
	return w.Call(w.Key, "POST", "/v1/connections/"+id+"/token", map[string]any{})
}

func (j *journeys) renew(t *testing.T, w *lanyardtest.World, id string) string {
	t.Helper()
	status, token := j.read(w, id)
	if status != http.StatusOK || token.Str("warning") != "" {
		t.Fatalf("renew: got %d %v, want a token", status, token)
	}
	return token.Str("access_token")
}

// refreshes are the renewals on record as "generation outcome", oldest first.
func refreshes(t *testing.T, w *lanyardtest.World, id string) (out []string) {
	t.Helper()
	list := w.OK("GET", "/v1/connections/"+id+"/attempts", nil).List("data")
	slices.Reverse(list)
	for _, a := range list {
		if a.Str("class") != "reuse_kill" {
			t.Errorf("attempt %s: got class %q, want reuse_kill", a.Str("id"), a.Str("class"))
		}
		if a.Str("kind") == "refresh" {
			out = append(out, string(rune('0'+int(a["generation"].(float64))))+" "+a.Str("outcome"))
		}
	}
	return out
}

func (j *journeys) renewals(t *testing.T, w *lanyardtest.World) {
	c := w.ConnectAbroad(j.app, "rita", "rita")
	access, refresh := j.tokens()
	for range 4 {
		got := j.renew(t, w, c.Str("id"))
		call := j.s.Tap.Last()
		if call.Form.Get("refresh_token") != refresh {
			t.Fatal("the refresh token that was sent is not the last one issued")
		}
		newAccess, newRefresh := j.tokens()
		if got != newAccess || newAccess == access || newRefresh == refresh || newRefresh == "" {
			t.Fatal("the server did not rotate, or the token handed out is not the new one")
		}
		if j.s.Lives(refresh) || !j.s.Lives(newRefresh) || !j.s.Lives(newAccess) {
			t.Fatal("the server does not agree about which tokens live")
		}
		if j.s.Lives(access) != j.oidc {
			t.Errorf("the access token before lives: %v, want %v", !j.oidc, j.oidc)
		}
		access, refresh = newAccess, newRefresh
	}
	if got, want := refreshes(t, w, c.Str("id")), []string{"0 ok", "1 ok", "2 ok", "3 ok"}; !slices.Equal(got, want) {
		t.Errorf("got the renewals %v, want %v", got, want)
	}
	after := is(t, w, c.Str("id"), "active", "")
	until, err := time.Parse(time.RFC3339, after.Str("access_token_expires_at"))
	if err != nil || time.Until(until) < 55*time.Minute || after.Str("account.id") != "rita" || after.Str("last_refreshed_at") == "" {
		t.Errorf("got %v, want a token for the next hour", after)
	}
	if got := w.OK("POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{}); got.Str("access_token") != access {
		t.Error("a living token was not handed out again")
	}
}

// Where a renewal kills the token that others may be using, it waits as long as
// it can; that used to be looked up in the catalogue, where custom providers are
// not described.
func (j *journeys) margins(t *testing.T, w *lanyardtest.World) {
	id := w.ConnectAbroad(j.app, "mia", "mia").Str("id")
	calls := len(j.s.Tap.Calls())
	read := func(body map[string]any) int {
		w.OK("POST", "/v1/connections/"+id+"/token", body)
		return len(j.s.Tap.Calls()) - calls
	}
	w.Age(id, time.Hour-40*time.Second)
	if got, want := read(map[string]any{}), map[bool]int{true: 1, false: 0}[j.oidc]; got != want {
		t.Errorf("40 s before the end: got %d renewals, want %d", got, want)
	}
	if got := read(map[string]any{"min_ttl_seconds": 3000}); got != 1 {
		t.Errorf("with min_ttl_seconds: got %d renewals, want 1 in all", got)
	}
	w.Age(id, time.Hour-10*time.Second)
	if got := read(map[string]any{}); got != 2 {
		t.Errorf("10 s before the end: got %d renewals, want 2 in all", got)
	}
}

func (j *journeys) manyReaders(t *testing.T, w *lanyardtest.World) {
	id := w.ConnectAbroad(j.app, "max", "max").Str("id")
	w.Age(id, 2*time.Hour)
	calls := len(j.s.Tap.Calls())
	var mu sync.Mutex
	var all sync.WaitGroup
	got := map[string]int{}
	for range 50 {
		all.Go(func() {
			status, token := w.Call(w.Key, "POST", "/v1/connections/"+id+"/token", map[string]any{})
			mu.Lock()
			defer mu.Unlock()
			got[http.StatusText(status)+token.Str("access_token")+token.Str("warning")]++
		})
	}
	all.Wait()
	access, _ := j.tokens()
	if n := len(j.s.Tap.Calls()) - calls; n != 1 || got["OK"+access] != 50 {
		t.Errorf("got %d calls and %d of 50 the new token; want 1 and 50", n, got["OK"+access])
	}
	if got := refreshes(t, w, id); !slices.Equal(got, []string{"0 ok"}) {
		t.Errorf("got the renewals %v, want one", got)
	}
}

// refused checks what a rejection that is not confirmed means.
func (j *journeys) refused(t *testing.T, w *lanyardtest.World, id string) {
	t.Helper()
	status, out := j.read(w, id)
	if status != http.StatusServiceUnavailable || out.Str("code") != "refresh_unconfirmed" || !strings.HasPrefix(out.Str("reconnect_url"), w.URL+"/connect/rc.") {
		t.Fatalf("got %d %v, want refresh_unconfirmed with a link", status, out)
	}
	c := is(t, w, id, "degraded", "refresh_unconfirmed")
	if c.Str("reconnect_url") == "" {
		t.Error("the connection has no reconnect_url")
	}
	calls := len(j.s.Tap.Calls())
	w.Fails("refresh_unconfirmed", "POST", "/v1/connections/"+id+"/token", map[string]any{})
	if len(j.s.Tap.Calls()) != calls {
		t.Error("the server was asked again at once")
	}
	is(t, w, id, "degraded", "refresh_unconfirmed")
}

// The attack: a backup is stolen, and an old refresh token in it is presented.
// The server sees reuse and ends the family; our own next renewal is refused.
func (j *journeys) thiefLater(t *testing.T, w *lanyardtest.World) {
	id := w.ConnectAbroad(j.app, "lea", "lea").Str("id")
	_, spent := j.tokens()
	j.renew(t, w, id)
	if status, out := j.s.Spend(spent); status != http.StatusBadRequest || out.Str("error") != "invalid_grant" {
		t.Fatalf("a spent refresh token: got %d %v, want invalid_grant", status, out)
	}
	if _, current := j.tokens(); j.s.Lives(current) {
		t.Fatal("the server did not end the family")
	}
	// The access token has half an hour to live by what we know, and the server refuses
	// it too: that bears the refusal out.
	w.Age(id, 30*time.Minute)
	out := w.Fails("needs_reauth", "POST", "/v1/connections/"+id+"/token", map[string]any{"min_ttl_seconds": 3000})
	if out.Str("reconnect_url") == "" {
		t.Errorf("got %v, want a way to connect again", out)
	}
	is(t, w, id, "needs_reauth", "needs_reauth")
	if got := refreshes(t, w, id); !slices.Equal(got, []string{"0 ok", "1 rejected"}) {
		t.Errorf("got the renewals %v, want the second refused", got)
	}
}

// The attack: somebody has the refresh token of this moment and the client's
// secret, and renews before we do. Then ours is the spent one.
func (j *journeys) thiefFirst(t *testing.T, w *lanyardtest.World) {
	id := w.ConnectAbroad(j.app, "tess", "tess").Str("id")
	_, current := j.tokens()
	status, stolen := j.s.Spend(current)
	if status != http.StatusOK {
		t.Fatalf("the thief: got %d %v", status, stolen)
	}
	j.refused(t, w, id)
	if j.s.Lives(stolen.Str("refresh_token")) {
		t.Error("our renewal was to end the thief's family")
	}
	if got := refreshes(t, w, id); !slices.Equal(got, []string{"0 rejected"}) {
		t.Errorf("got the renewals %v, want one, refused", got)
	}
}

func (j *journeys) confirmed(t *testing.T, w *lanyardtest.World) {
	id := w.ConnectAbroad(j.app, "carl", "carl").Str("id")
	other := w.ConnectAbroad(j.app, "cora", "cora").Str("id")
	_, cora := j.tokens()
	j.s.Spend(j.s.Tap.Calls()[len(j.s.Tap.Calls())-2].Answer.Str("refresh_token")) // carl's
	j.refused(t, w, id)
	if !j.s.Lives(cora) {
		t.Fatal("another account's family ended too")
	}
	w.Age(id, 2*time.Minute)
	j.renew(t, w, other) // the app itself is in order
	status, out := w.Call(w.Key, "POST", "/v1/connections/"+id+"/token", map[string]any{})
	if status != http.StatusConflict || out.Str("code") != "needs_reauth" || out.Str("reconnect_url") == "" {
		t.Fatalf("refused again after two minutes, another account renewed between: got %d %v, want needs_reauth", status, out)
	}
	is(t, w, id, "needs_reauth", "needs_reauth")
	told := w.OK("GET", "/v1/events?limit=1&type=connection.needs_reauth", nil).List("data")[0]
	if told.Str("type") != "connection.needs_reauth" || told.Str("connection_id") != id {
		t.Errorf("got the event %v, want connection.needs_reauth", told)
	}
	calls := len(j.s.Tap.Calls())
	w.Age(id, 2*time.Hour)
	w.Fails("needs_reauth", "POST", "/v1/connections/"+id+"/token", map[string]any{})
	if len(j.s.Tap.Calls()) != calls {
		t.Error("a dead grant was tried again")
	}
}

// broken is a connection whose family the server has ended, and its link.
func (j *journeys) broken(t *testing.T, w *lanyardtest.World, person string) (id, link string) {
	t.Helper()
	id = w.ConnectAbroad(j.app, person, person).Str("id")
	_, current := j.tokens()
	j.s.Spend(current)
	j.refused(t, w, id)
	return id, w.OK("GET", "/v1/connections/"+id, nil).Str("reconnect_url")
}

func (j *journeys) reconnected(t *testing.T, w *lanyardtest.World) {
	id, link := j.broken(t, w, "rosa")
	b := w.Browser()
	if end := b.SignIn(b.Depart(link).String(), "rosa", "http://localhost:7000/"); end != "" || b.Status != http.StatusOK {
		t.Fatalf("got %d at %s, want a page that says all is well", b.Status, b.At)
	}
	c := is(t, w, id, "active", "")
	if c.Str("account.id") != "rosa" || c.Str("end_user.id") != "rosa" {
		t.Errorf("got %v, want rosa's account as before", c)
	}
	j.renew(t, w, id)
	if got := refreshes(t, w, id); !slices.Equal(got, []string{"0 rejected", "0 ok"}) {
		t.Errorf("got the renewals %v, want the first of a new family after the refused one", got)
	}
	if list := w.OK("GET", "/v1/connections?end_user_id=rosa", nil).List("data"); len(list) != 1 {
		t.Errorf("got %d connections, want the one", len(list))
	}
	// The link of the API, back to the customer's page.
	in := w.OK("POST", "/v1/connections/"+id+"/reconnect", map[string]any{"return_url": lanyardtest.Return})
	b = w.Browser()
	if end := b.SignIn(b.Depart(in.Str("connect_url")).String(), "rosa", lanyardtest.Return); !strings.Contains(end, "lanyard_connection="+id) {
		t.Errorf("got %q, want the connection", end)
	}
	j.renew(t, w, id)
}

func (j *journeys) otherAccount(t *testing.T, w *lanyardtest.World) {
	id, link := j.broken(t, w, "otto")
	b := w.Browser()
	if end := b.SignIn(b.Depart(link).String(), "mallory", "http://localhost:7000/"); end != "" || !strings.Contains(b.Body, "another account") {
		t.Errorf("got %q at %s, want the page of account_mismatch", end, b.At)
	}
	if access, refresh := j.tokens(); access == "" || j.s.Lives(access) || j.s.Lives(refresh) {
		t.Error("the other account's tokens were not given back")
	}
	if c := is(t, w, id, "degraded", "refresh_unconfirmed"); c.Str("account.id") != "otto" {
		t.Errorf("got %v, want otto's account as before", c)
	}
	in := w.OK("POST", "/v1/connections/"+id+"/reconnect", map[string]any{"return_url": lanyardtest.Return})
	b = w.Browser()
	if end := b.SignIn(b.Depart(in.Str("connect_url")).String(), "mallory", lanyardtest.Return); !strings.Contains(end, "lanyard_error=account_mismatch") {
		t.Errorf("got %q, want account_mismatch", end)
	}
	s := w.OK("GET", "/v1/connect-sessions/"+in.Str("id"), nil)
	if s.Str("status") != "open" || s.Str("last_error") != "account_mismatch" {
		t.Errorf("got %v, want an open invitation that says what went wrong", s)
	}
	b = w.Browser()
	if end := b.SignIn(b.Depart(in.Str("connect_url")).String(), "otto", lanyardtest.Return); !strings.Contains(end, "lanyard_connection="+id) {
		t.Errorf("got %q, want the connection", end)
	}
	is(t, w, id, "active", "")
}

func (j *journeys) otherKnownAccount(t *testing.T, w *lanyardtest.World) {
	id, link := j.broken(t, w, "kim")
	other := w.ConnectAbroad(j.app, "kurt", "kurt").Str("id")
	b := w.Browser()
	b.SignIn(b.Depart(link).String(), "kurt", "http://localhost:7000/")
	access, _ := j.tokens()
	is(t, w, id, "degraded", "refresh_unconfirmed")
	is(t, w, other, "active", "")
	// Its tokens were not given back, which could have ended them: they are its newest.
	if got := w.OK("POST", "/v1/connections/"+other+"/token", map[string]any{}); got.Str("access_token") != access || !j.s.Lives(access) {
		t.Errorf("got %v, want the newest token", got)
	}
	j.renew(t, w, other)
}

func (j *journeys) disconnect(t *testing.T, w *lanyardtest.World) {
	id := w.ConnectAbroad(j.app, "dan", "dan").Str("id")
	j.renew(t, w, id)
	access, refresh := j.tokens()
	if !j.s.Lives(access) || !j.s.Lives(refresh) {
		t.Fatal("the tokens do not live")
	}
	if gone := w.OK("DELETE", "/v1/connections/"+id, nil); gone.Str("outcome") != "revoked" || gone.Str("access_token_lives_until") != "" {
		t.Errorf("got %v, want revoked", gone)
	}
	if j.s.Lives(access) || j.s.Lives(refresh) {
		t.Error("the server still takes the tokens")
	}
	if status, out := j.s.Spend(refresh); status != http.StatusBadRequest || out.Str("error") != "invalid_grant" {
		t.Errorf("renewing: got %d %v, want invalid_grant", status, out)
	}
	w.Fails("connection_revoked", "POST", "/v1/connections/"+id+"/token", map[string]any{})
	is(t, w, id, "revoked", "")
}

func (j *journeys) shared(t *testing.T, w *lanyardtest.World) {
	first := w.ConnectAbroad(j.app, "sam-1", "sam").Str("id")
	second := w.ConnectAbroad(j.app, "sam-2", "sam").Str("id")
	access, refresh := j.tokens()
	if got := w.OK("POST", "/v1/connections/"+first+"/token", map[string]any{}); got.Str("access_token") != access || first == second {
		t.Error("both are to hold the newest consent of the account")
	}
	if gone := w.OK("DELETE", "/v1/connections/"+first, nil); gone.Str("outcome") != "shared" || !j.s.Lives(refresh) {
		t.Errorf("got %v, want shared, and the tokens alive", gone)
	}
	j.renew(t, w, second)
	_, refresh = j.tokens()
	if gone := w.OK("DELETE", "/v1/connections/"+second, nil); gone.Str("outcome") != "revoked" || j.s.Lives(refresh) {
		t.Errorf("got %v, want revoked", gone)
	}
}

func (j *journeys) wrongSecret(t *testing.T, w *lanyardtest.World) {
	id := w.ConnectAbroad(j.app, "wes", "wes").Str("id")
	_, refresh := j.tokens()
	w.OK("PATCH", "/v1/apps/"+j.app, map[string]any{"client_secret": "not the secret at all, by any means"})
	status, out := j.read(w, id)
	if status != http.StatusServiceUnavailable || out.Str("code") != "app_misconfigured" || out.Str("reconnect_url") != "" {
		t.Errorf("got %d %v, want app_misconfigured and nothing for the person to do", status, out)
	}
	is(t, w, id, "active", "") // nobody is marked for a fault of the app
	if check := w.OK("POST", "/v1/apps/"+j.app+"/check", nil).List("lines"); check[1].Str("state") != "refused" {
		t.Errorf("got %v, want id and secret refused", check)
	}
	link := w.Invite(j.app, "will").Str("connect_url")
	b := w.Browser()
	at, err := url.Parse(b.SignIn(b.Depart(link).String(), "will", lanyardtest.Return))
	if err != nil {
		t.Fatal(err)
	}
	w.Fails("app_misconfigured", "POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "will"})

	w.OK("PATCH", "/v1/apps/"+j.app, map[string]any{"client_secret": j.s.Secret})
	if !j.s.Lives(refresh) {
		t.Fatal("the wrong secret cost the refresh token")
	}
	j.renew(t, w, id)
	is(t, w, id, "active", "")
	b = w.Browser() // the same link, when it is mended
	w.Complete(b.SignIn(b.Depart(link).String(), "will", lanyardtest.Return), "will")
}

// While a client secret was rotated, renewals tried the next one, but codes were
// traded and tokens given back with the old one alone: nobody could connect, and
// what was disconnected lived on at the provider.
func (j *journeys) rotatedSecret(t *testing.T, w *lanyardtest.World) {
	id := w.ConnectAbroad(j.app, "nina", "nina").Str("id")
	w.OK("PATCH", "/v1/apps/"+j.app, map[string]any{"client_secret": "the one from before the rotation ....", "next_client_secret": j.s.Secret})
	j.renew(t, w, id)
	if got := refreshes(t, w, id); !slices.Equal(got, []string{"0 app_error", "0 ok"}) {
		t.Errorf("got the renewals %v, want the old secret refused and the next one taken", got)
	}
	c := w.ConnectAbroad(j.app, "noah", "noah")
	access, refresh := j.tokens()
	if gone := w.OK("DELETE", "/v1/connections/"+c.Str("id"), nil); gone.Str("outcome") != "revoked" || j.s.Lives(access) || j.s.Lives(refresh) {
		t.Errorf("got %v, want revoked with the next secret", gone)
	}
	w.OK("PATCH", "/v1/apps/"+j.app, map[string]any{"client_secret": j.s.Secret, "next_client_secret": ""})
}
