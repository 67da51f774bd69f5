package connectpage_test

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lanyard"
)

const loopback = "http://localhost:8080"

func TestOpeningChangesNothing(t *testing.T) {
	s := &pretend{}
	h, _ := handler(t, public, 0, s)
	for range 10 {
		for _, method := range []string{"GET", "HEAD"} {
			w := do(h, method, "/connect/zoom")
			if w.Code != 200 || len(w.Result().Cookies()) > 0 {
				t.Fatalf("%s: got %d and cookies %v", method, w.Code, w.Result().Cookies())
			}
			do(h, method, "/connect/problem/internal")
			do(h, method, "/connect/cancelled")
		}
	}
	if w := do(h, "HEAD", "/oauth/callback/"+someApp+"?code=c&state=zoom.x"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("HEAD of the callback: got %d, want 405", w.Code)
	}
	if got := s.changes(); len(got) > 0 {
		t.Errorf("looking changed something: %v", got)
	}
	if w := do(h, "POST", "/connect/zoom"); w.Code != http.StatusSeeOther {
		t.Errorf("Continue after that: got %d, want 303", w.Code)
	}
}

func TestContinue(t *testing.T) {
	for _, c := range []struct {
		public, prefix string
		secure         bool
	}{
		{public, "__Host-lanyard_", true},
		{loopback, "lanyard_", false},
	} {
		s := &pretend{provider: "https://zoom.example"}
		h, _ := handler(t, c.public, 0, s)
		w := do(h, "POST", "/connect/zoom")
		if got := w.Header().Get("Location"); w.Code != 303 || !strings.HasPrefix(got, "https://zoom.example/authorize?") {
			t.Fatalf("got %d to %q", w.Code, got)
		}
		if w.Body.Len() > 0 || w.Header().Get("Referrer-Policy") != "no-referrer" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("the redirect says more than it must: %v %q", w.Header(), w.Body)
		}
		flows := 0
		for _, k := range w.Result().Cookies() {
			if !strings.HasPrefix(k.Name, c.prefix) || k.Secure != c.secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || k.Domain != "" {
				t.Errorf("%s: cookie %v", c.public, k)
			}
			if strings.HasPrefix(k.Name, c.prefix+"flow_") {
				flows++
				if k.MaxAge != 600 || !strings.HasPrefix(k.Value, "c-") {
					t.Errorf("flow cookie %v", k)
				}
			}
		}
		if flows != 1 {
			t.Errorf("got %d flow cookies, want 1", flows)
		}
	}
}

// Another site makes the person's browser press Continue, so that the trip
// begins without them having read anything.
func TestContinueFromAnotherSite(t *testing.T) {
	s := &pretend{}
	h, _ := handler(t, public, 0, s)
	for _, head := range []map[string]string{{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}} {
		w := do(h, "POST", "/connect/zoom", func(r *http.Request) {
			for k, v := range head {
				r.Header.Set(k, v)
			}
		})
		if w.Code != 403 || len(w.Result().Cookies()) > 0 || !strings.Contains(w.Body.String(), `href="/connect/zoom"`) {
			t.Errorf("%v: got %d, cookies %v", head, w.Code, w.Result().Cookies())
		}
		checkHeaders(t, w)
	}
	if got := s.changes(); len(got) > 0 {
		t.Errorf("it began: %v", got)
	}
}

// The page has changed since it was read, or its form says something that no page of
// ours has said. Nothing begins, and the way to read it again is shown.
func TestContinueOfAnotherPage(t *testing.T) {
	s := &pretend{provider: "https://zoom.example"}
	h, _ := handler(t, public, 0, s)
	page := do(h, "GET", "/connect/zoom").Body.String()
	mark := regexp.MustCompile(`name="shown" value="([^"]+)"`).FindStringSubmatch(page)
	if mark == nil {
		t.Fatal("the page's form has no mark")
	}
	for name, body := range map[string]url.Values{"another page": {"shown": {"zoom.0"}}, "another link's": {"shown": {strings.Replace(mark[1], "zoom", "plain", 1)}},
		"too large": {"shown": {strings.Repeat("x", 65<<10)}}} {
		w := do(h, "POST", "/connect/zoom", form(body))
		if w.Code != http.StatusConflict || w.Header().Get("Location") != "" || len(w.Result().Cookies()) > 0 ||
			!strings.Contains(w.Body.String(), "Please read this again") || !strings.Contains(w.Body.String(), `href="/connect/zoom"`) {
			t.Errorf("%s: got %d, cookies %v", name, w.Code, w.Result().Cookies())
		}
		checkHeaders(t, w)
	}
	if got := s.changes(); len(got) > 0 {
		t.Errorf("it began: %v", got)
	}
	if w := do(h, "POST", "/connect/zoom", form(url.Values{"shown": {mark[1]}})); w.Code != http.StatusSeeOther {
		t.Errorf("the page that was read: got %d, want 303", w.Code)
	}
}

func TestContinueRefused(t *testing.T) {
	s := &pretend{}
	h, logged := handler(t, public, 0, s)
	for link, status := range map[string]int{"expired": 410, "used": 410, "nothing": 404} {
		if w := do(h, "POST", "/connect/"+link); w.Code != status || w.Header().Get("Location") != "" || strings.Contains(w.Body.String(), "Try again") {
			t.Errorf("%s: got %d", link, w.Code)
		}
	}
	s.fail = lanyard.Errorf(lanyard.CodeAppMisconfigured, "")
	if w := do(h, "POST", "/connect/zoom"); w.Code != 503 || !strings.Contains(w.Body.String(), `href="/connect/zoom"`) {
		t.Errorf("misconfigured: got %d without a way to try again", w.Code)
	}
	// What concerns nobody in a browser is "our side" to them, and named in the log.
	s.fail = lanyard.Errorf(lanyard.CodeTampered, "row %s", "flw_x")
	w := do(h, "POST", "/connect/zoom")
	if w.Code != 500 || strings.Contains(w.Body.String(), "flw_x") || !strings.Contains(w.Body.String(), "req_from_the_test") {
		t.Errorf("tampered: got %d, %s", w.Code, w.Body)
	}
	if !strings.Contains(logged.String(), "tampered") || !strings.Contains(logged.String(), "req_from_the_test") {
		t.Errorf("the log has nothing of it: %s", logged)
	}
}

func TestCallback(t *testing.T) {
	customer := "https://app.northwind.example"
	for _, c := range []struct {
		name, link, query string
		noCookie          bool
		want              string // prefix of Location
	}{
		{name: "back to the customer", link: "zoom", query: "code=the-code", want: customer + "/return?lanyard_completion=cmp_"},
		{name: "denied, customer has a page", link: "zoom", query: "error=access_denied", want: customer + "/return?lanyard_error=consent_denied"},
		{name: "pop-up", link: "popup", query: "code=the-code", want: "/connect/return/"},
		{name: "nothing to return to", link: "again", query: "code=the-code", want: "/connect/return/"},
		{name: "denied, nothing to return to", link: "again", query: "error=access_denied&error_description=<b>", want: "/connect/problem/consent_denied/req_from_the_test"},
		{name: "another browser", link: "zoom", query: "code=the-code", noCookie: true, want: "/connect/problem/browser_mismatch/req_from_the_test"},
		{name: "no parameters", want: "/connect/problem/attempt_unknown/req_from_the_test"},
		{name: "broken query", query: "code=%zz", want: "/connect/problem/attempt_unknown/req_from_the_test"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, _ := handler(t, public, 0, &pretend{customer: customer})
			target, begin := "/oauth/callback/"+someApp+"?"+c.query, func(*http.Request) {}
			if c.link != "" {
				w := do(h, "POST", "/connect/"+c.link)
				u, err := url.Parse(w.Header().Get("Location"))
				if err != nil {
					t.Fatal(err)
				}
				target += "&state=" + u.Query().Get("state")
				if !c.noCookie {
					begin = carry(w)
				}
			}
			w := do(h, "GET", target, begin)
			to := w.Header().Get("Location")
			if w.Code != 303 || !strings.HasPrefix(to, c.want) {
				t.Fatalf("got %d to %q, want 303 to %q", w.Code, to, c.want)
			}
			if strings.Contains(to, "the-code") || strings.Contains(to, "state=") || w.Body.Len() > 0 {
				t.Errorf("the provider's parameters go on: %q %q", to, w.Body)
			}
			if w.Header().Get("Referrer-Policy") != "no-referrer" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", w.Header())
			}
			cleared := false
			for _, k := range w.Result().Cookies() {
				cleared = cleared || strings.HasPrefix(k.Name, "__Host-lanyard_flow_") && k.MaxAge < 0
			}
			if want := c.link != "" && !c.noCookie; cleared != want {
				t.Errorf("flow cookie cleared: got %t, want %t", cleared, want)
			}
			if !strings.HasPrefix(to, "/") {
				return
			}
			page := do(h, "GET", to, carry(w))
			checkHeaders(t, page)
			if len(page.Body.String()) < 500 {
				t.Errorf("the page is %q", page.Body)
			}
		})
	}
}

// The result goes to a page at a clean address by a cookie of this trip alone.
func TestHandOver(t *testing.T) {
	h, _ := handler(t, public, 0, &pretend{customer: "https://app.northwind.example"})
	trip := func(link string) (string, func(*http.Request)) {
		w := do(h, "POST", "/connect/"+link)
		u, _ := url.Parse(w.Header().Get("Location"))
		w = do(h, "GET", "/oauth/callback/"+someApp+"?code=c&state="+u.Query().Get("state"), carry(w))
		return w.Header().Get("Location"), carry(w)
	}
	to, cookies := trip("popup")
	w := do(h, "GET", to, cookies)
	for _, want := range []string{`data-origin="https://app.northwind.example"`, `lanyard_completion`, `cs_popup`,
		`<noscript><meta http-equiv="refresh" content="0; url=https://app.northwind.example/return?lanyard_completion=cmp_`, `href="https://app.northwind.example/return?`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s in %s", want, w.Body)
		}
	}
	checkHeaders(t, w)
	if w := do(h, "GET", to); w.Code != 200 || strings.Contains(w.Body.String(), "cmp_") || !strings.Contains(w.Body.String(), "Nothing more to do here") {
		t.Errorf("without its cookie: got %d, %s", w.Code, w.Body)
	}
	if w := do(h, "HEAD", to, cookies); w.Code != 405 || len(w.Result().Cookies()) > 0 {
		t.Errorf("HEAD: got %d", w.Code)
	}

	to, cookies = trip("again")
	if w := do(h, "GET", to, cookies); !strings.Contains(w.Body.String(), "Your Zoom account is connected") {
		t.Errorf("got %s", w.Body)
	}
}

// What is in a hand-over cookie comes from a browser: an address that is no web
// address must not become a link.
func TestHandOverCookieForged(t *testing.T) {
	h, _ := handler(t, loopback, 0, &pretend{})
	w := do(h, "GET", "/connect/return/AAAAAAAAAAAA", func(r *http.Request) {
		r.AddCookie(&http.Cookie{Name: "lanyard_return_AAAAAAAAAAAA",
			Value: "eyJyIjoiamF2YXNjcmlwdDphbGVydCgxKSIsIm8iOiJodHRwczovL2EuZXhhbXBsZSJ9"}) // {"r":"javascript:alert(1)","o":"https://a.example"}
	})
	if strings.Contains(w.Body.String(), "javascript") {
		t.Errorf("got %s", w.Body)
	}
}

// A provider may answer by POST (response_mode=form_post), without our cookie.
func TestCallbackByPost(t *testing.T) {
	s := &pretend{customer: "https://app.northwind.example"}
	h, _ := handler(t, public, 0, s)
	begun := do(h, "POST", "/connect/zoom")
	u, _ := url.Parse(begun.Header().Get("Location"))
	cross := func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", "https://appleid.example")
	}
	w := do(h, "POST", "/oauth/callback/"+someApp, form(url.Values{"code": {"the-code"}, "state": {u.Query().Get("state")}}), cross)
	to := w.Header().Get("Location")
	if w.Code != 303 || !strings.HasPrefix(to, "/oauth/callback/"+someApp+"?lanyard_handle=") || strings.Contains(to, "the-code") {
		t.Fatalf("got %d to %q", w.Code, to)
	}
	w = do(h, "GET", to, carry(begun))
	if got := w.Header().Get("Location"); w.Code != 303 || !strings.Contains(got, "lanyard_completion=") {
		t.Errorf("got %d to %q", w.Code, got)
	}

	for name, c := range map[string]struct {
		app  string
		form url.Values
	}{
		"no state":    {someApp, url.Values{"code": {"c"}}},
		"not our app": {"app_x", url.Values{"code": {"c"}, "state": {"s"}}},
		"too large":   {someApp, url.Values{"state": {"s"}, "id_token": {strings.Repeat("x", 70<<10)}}},
	} {
		before := len(s.changes())
		w := do(h, "POST", "/oauth/callback/"+c.app, form(c.form), cross)
		if to := w.Header().Get("Location"); w.Code != 303 || !strings.HasPrefix(to, "/connect/problem/attempt_unknown") {
			t.Errorf("%s: got %d to %q", name, w.Code, to)
		}
		if len(s.changes()) != before {
			t.Errorf("%s: something was kept", name)
		}
	}
}

// After a trip that failed the page knows the way back, and only in the browser
// that made the trip.
func TestProblemOffersTheLink(t *testing.T) {
	h, _ := handler(t, public, 0, &pretend{})
	begun := do(h, "POST", "/connect/again")
	for code, want := range map[string]bool{"consent_denied": true, "attempt_expired": true, "link_expired": false, "link_used": false} {
		if got := strings.Contains(do(h, "GET", "/connect/problem/"+code, carry(begun)).Body.String(), `href="/connect/again"`); got != want {
			t.Errorf("%s: got %t, want %t", code, got, want)
		}
	}
	if strings.Contains(do(h, "GET", "/connect/problem/consent_denied").Body.String(), "Try again") {
		t.Error("another browser is offered a link")
	}
}

// Ten opens of one invitation a minute. Another invitation, and Continue, have
// their own.
func TestOpensAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := handler(t, public, 10, &pretend{})
		for range 10 {
			if w := do(h, "GET", "/connect/zoom"); w.Code != 200 {
				t.Fatalf("got %d", w.Code)
			}
		}
		w := do(h, "GET", "/connect/zoom")
		if w.Code != 429 || !strings.Contains(w.Body.String(), "Too many requests") || !strings.Contains(w.Body.String(), `href="/connect/zoom"`) {
			t.Errorf("the eleventh: got %d", w.Code)
		}
		checkHeaders(t, w)
		if s, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || s < 1 || s > 60 {
			t.Errorf("Retry-After: %q", w.Header().Get("Retry-After"))
		}
		if w := do(h, "GET", "/connect/plain"); w.Code != 200 {
			t.Errorf("another invitation: got %d", w.Code)
		}
		if w := do(h, "POST", "/connect/zoom"); w.Code != 303 {
			t.Errorf("Continue: got %d", w.Code)
		}
		time.Sleep(time.Minute)
		if w := do(h, "GET", "/connect/zoom"); w.Code != 200 {
			t.Errorf("a minute later: got %d", w.Code)
		}
	})
}

func TestUnexpectedErrorSaysNothing(t *testing.T) {
	s := &pretend{fail: errors.New("dial tcp 10.1.2.3: refused")}
	h, logged := handler(t, public, 0, s)
	w := do(h, "GET", "/oauth/callback/"+someApp+"?code=the-code&state=zoom.x")
	if to := w.Header().Get("Location"); to != "/connect/problem/internal/req_from_the_test" {
		t.Errorf("got %q", to)
	}
	if !strings.Contains(logged.String(), "10.1.2.3") || strings.Contains(logged.String(), "the-code") {
		t.Errorf("log: %s", logged)
	}
}
