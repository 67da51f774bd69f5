package sandbox_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lanyard/internal/sandbox"
)

// press posts a form as a browser does from a page of the given origin.
func (w *world) press(path, origin string, fields ...string) answer {
	w.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.BaseURL()+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", origin)
	return w.do(r)
}

// What a person can do on the pages, without script.
func TestByHand(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	here := w.BaseURL()
	w.wantStatus("nothing yet", w.get("/", ""), 200, "There is no meeting yet")

	made := w.press("/do/meetings", here, "host", "ben", "topic", " Weekly <review> ")
	path := made.header.Get("Location")
	w.wantStatus("a meeting", made, 303, "")
	if all := w.Meetings(); len(all) != 1 || all[0].Topic != "Weekly <review>" || path != "/zoom/meetings/"+all[0].Number {
		t.Fatalf("got %+v at %q, want one meeting and its page", all, path)
	}
	number := w.Meetings()[0].Number
	w.wantStatus("its page", w.get(path, ""), 200, "Weekly &lt;review&gt;")
	w.wantStatus("a host nobody knows", w.press("/do/meetings", here, "host", "nobody"), 422, "Nobody is called")

	access := w.connect(sandbox.Zoom).str("access_token")
	obf := w.obf(access, number)
	w.wantStatus("Ana absent", w.join(number, "onbehalf_token", obf), 403, "")
	w.wantStatus("the page says so", w.get(path, ""), 200, "The person who authorized it was not in the meeting.")
	w.wantStatus("Ana enters", w.press("/do/meetings/"+number+"/present", here, "person", "ana"), 303, "")
	w.wantStatus("and the bot", w.join(number, "onbehalf_token", obf), 200, "")
	w.wantStatus("the list says so", w.get("/", ""), 200, "Ana and a bot in it")
	w.wantStatus("Ana leaves", w.press("/do/meetings/"+number+"/absent", here, "person", "ana"), 303, "")
	w.wantStatus("with the bot", w.get(path, ""), 200, "thrown out: the person left")
	w.wantStatus("no such meeting", w.press("/do/meetings/123456/present", here, "person", "ana"), 422, "There is no meeting 123456.")

	w.wantStatus("Ana allowed an app", w.get("/", ""), 200, "Remove ")
	client := w.Clients()[0].ID
	w.wantStatus("from another site", w.press("/do/revoke", "https://evil.example", "provider", "zoom", "client_id", client, "person", "ana"), 403, "")
	w.wantStatus("she takes it out", w.press("/do/revoke", here, "provider", "zoom", "client_id", client, "person", "ana"), 303, "")
	w.wantStatus("it is gone", w.get("/", ""), 200, "Nobody has allowed an app yet.")
	w.wantStatus("its tokens are dead", w.get("/zoom/v2/users/me", access), 401, "")
}
