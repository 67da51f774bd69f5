package vendortest_test

import (
	"encoding/json"
	"slices"
	"testing"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// uninstalls has Zoom's notices come for an app, and returns what a person does who takes it
// out of their Zoom account: Zoom says so, and what was read of the account is erased.
func uninstalls(w *lanyardtest.World, app string) func(person string) {
	w.T.Helper()
	const secret = "webhook-secret-of-the-app"
	client := "zc_" + app[4:16]
	w.OK("PATCH", "/v1/apps/"+app, map[string]any{"webhook_secret": secret})
	change, err := json.Marshal(map[string]string{"webhook_url": w.URL + "/hooks/zoom/" + app, "webhook_secret": secret})
	if err == nil {
		_, err = w.Sandbox.PatchClient(sandbox.Zoom, client, change)
	}
	if err != nil {
		w.T.Fatal(err)
	}
	if wrong, err := w.Sandbox.ValidateWebhook(client); err != nil || wrong != "" {
		w.T.Fatalf("validate: %s %v", wrong, err)
	}
	return func(person string) {
		w.T.Helper()
		if _, err := w.Sandbox.Revoke(sandbox.Target{Provider: sandbox.Zoom, Client: client, Person: person}); err != nil {
			w.T.Fatal(err)
		}
	}
}

// The guide: "Zoom revoked the refresh token (password change, app uninstalled …). Have that
// end user reconnect via the OAuth flow." The connection of whoever has taken the app out used
// to be gone from MeetStream's list, and a bot was told that nobody was connected.
func TestMeetStreamUninstalled(t *testing.T) {
	t.Parallel()
	c := msWorld(t)
	leaves := uninstalls(c.w, c.app)
	first := c.connect("ana")
	id := first.Str("zoom_user_id")
	path := "/zoom/oauth/connections/" + id
	_, link := msLink(c, "ana")
	is := func(state string) {
		t.Helper()
		lanyardtest.Eventually(t, func() bool { return c.call("GET", path, nil).Str("state") == state }, state)
		if got := c.list(); len(got) != 1 || got[0].Str("zoom_user_id") != id || got[0].Str("state") != state || got[0].Str("metadata.tenant_user_id") != "ana" {
			t.Errorf("got %v, want Ana once, %s", got, state)
		}
	}
	for range 2 {
		is("connected")
		leaves("ana")
		is("disconnected")
		if one := c.ok("GET", path, nil); one.JSON["has_refresh_token"] != false || len(one.JSON) != 9 {
			t.Errorf("got %s", one.raw)
		}
		c.refused(400, "Zoom user "+id+" is disconnected (no valid refresh token)", "POST", "/bots/create_bot", msRequest(link, id))
		again := c.ok("POST", "/zoom/oauth/connections", map[string]any{"code": c.code("ana", "").Get("code"), "redirect_uri": msCallback})
		if again.Str("metadata.tenant_user_id") != "ana" || again.Str("zoom_user_id") != id {
			t.Errorf("got %s, want what was kept of her", again.raw)
		}
		c.ok("POST", "/bots/create_bot", msRequest(link, id))
	}
	other := msOther(c)
	other.refused(404, "Zoom user "+id+" is not connected for this account", "GET", path, nil)
	c.ok("DELETE", path, nil) // and with it what is left of before
	c.refused(404, "Zoom user "+id+" is not connected for this account", "GET", path, nil)
	if got := c.list(); len(got) != 0 {
		t.Errorf("got %v, want nobody", got)
	}
	c.connect("ana")
	leaves("ana")
	is("disconnected")
	other.refused(404, "Zoom user "+id+" is not connected for this account", "DELETE", path, nil)
	if gone := c.ok("DELETE", path, nil); gone.Str("message") == "" { // what has ended
		t.Errorf("got %s", gone.raw)
	}
	c.refused(404, "Zoom user "+id+" is not connected for this account", "DELETE", path, nil)
	c.refused(400, "No Zoom users connected for this account", "POST", "/bots/create_bot", msRequest(link, id))
}

// The same at Attendee, whose connection is one for each user of an app: whoever consents
// again has the id and the metadata of before, and both ways are told. Here the new consent
// used to be another connection in the list beside the lost one, and nobody was told of it.
func TestAttendeeUninstalled(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	leaves := uninstalls(c.w, c.app)
	h, _ := c.signed()
	first := c.connect("ana", map[string]any{"metadata": map[string]string{"tenant": "7"}})
	ben := c.connect("ben", nil).Str("id")
	id, told := first.Str("id"), 0
	for range 2 {
		leaves("ana")
		told++
		if m := h.last(t, told); m.Str("zoom_oauth_connection_id") != id || m.Str("data.state") != "disconnected" {
			t.Errorf("got %v, want that %s is lost", m, id)
		}
		lost := c.call("GET", "/zoom_oauth_connections/"+id, nil)
		if l := c.call("GET", "/zoom_oauth_connections", nil).List("results"); len(l) != 2 || l[1].Str("id") != id || l[1].Str("state") != "disconnected" {
			t.Errorf("got %v, want each once", l)
		}
		if lost.Str("id") != id || lost.Str("state") != "disconnected" || lost.JSON["connection_failure_data"] == nil || lost.Str("user_id") != first.Str("user_id") {
			t.Errorf("got %s, want it lost", lost.raw)
		}
		back := c.connect("ana", nil)
		if back.Str("id") != id || back.Str("state") != "connected" || back.Str("metadata.tenant") != "7" || back.JSON["connection_failure_data"] != nil ||
			back.Str("created_at") != first.Str("created_at") || back.Str("account_id") != first.Str("account_id") {
			t.Errorf("got %s, want the connection of before", back.raw)
		}
		told++
		if m := h.last(t, told); m.Str("zoom_oauth_connection_id") != id || m.Str("data.state") != "connected" || m.Str("zoom_oauth_connection_metadata.tenant") != "7" {
			t.Errorf("got %v, want that it is back", m)
		}
		c.call("GET", "/zoom_oauth_connections/"+id, nil).says(t, "get", 200, back.raw)
		l := c.call("GET", "/zoom_oauth_connections", nil).List("results")
		if len(l) != 2 || l[0].Str("id") != ben || l[1].Str("id") != id || l[1].Str("state") != "connected" {
			t.Errorf("got %v, want each once, the newest first", l)
		}
	}
	link, _ := c.meeting()
	on := map[string]any{"onbehalf_token": map[string]any{"zoom_oauth_connection_user_id": first.Str("user_id")}}
	if a := c.call("POST", "/bots", map[string]any{"meeting_url": link, "bot_name": "N", "zoom_settings": on}); a.status != 201 {
		t.Errorf("a bot on her behalf: got %d %s", a.status, a.raw)
	}
	c.call("DELETE", "/zoom_oauth_connections/"+id, nil).says(t, "delete", 200, "")
	c.call("GET", "/zoom_oauth_connections/"+id, nil).says(t, "after that", 404, `{"error":"Zoom OAuth Connection not found"}`)
	if l := c.call("GET", "/zoom_oauth_connections", nil).List("results"); len(l) != 1 || l[0].Str("id") != ben {
		t.Errorf("got %v, want Ben alone", l)
	}
	for _, g := range c.w.Sandbox.Grants() {
		if g.Person == "ana" && g.Ended == "" {
			t.Error("Zoom was not told that Ana is deleted")
		}
	}
	if again := c.connect("ana", nil); again.Str("id") == id || again.JSON["metadata"] != nil {
		t.Errorf("got %s, want nothing of what was deleted", again.raw)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got = slices.DeleteFunc(h.got, func(m lanyardtest.JSON) bool { return m["trigger"] == "bot.state_change" })
	if len(h.wrong) > 0 || len(h.got) != told {
		t.Errorf("got %q, and the messages %v, want %d: none of a first consent or of a deletion", h.wrong, h.got, told)
	}
}
