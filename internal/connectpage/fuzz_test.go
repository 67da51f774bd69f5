package connectpage_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Whatever a callback's query, a link or a hand-over cookie holds: never a panic,
// never a place to go but ours or the customer's, never a second directive in
// the policy.
func FuzzFromOutside(f *testing.F) {
	f.Add("code=c&state=zoom.x", "zoom", "eyJyIjoiaHR0cHM6Ly9hLmV4YW1wbGUifQ")
	f.Add("state=a;b&state=%zz", "..%2f", "e30")
	f.Add("lanyard_handle=x", "a b\x00", "bnVsbA")
	h, _ := handler(f, public, 0, &pretend{customer: "https://app.northwind.example"})
	f.Fuzz(func(t *testing.T, query, link, cookie string) {
		set := func(r *http.Request) {
			r.URL.RawQuery = query
			r.AddCookie(&http.Cookie{Name: "__Host-lanyard_return_AAAAAAAAAAAA", Value: cookie})
			r.AddCookie(&http.Cookie{Name: "__Host-lanyard_retry", Value: link})
		}
		for _, target := range []string{"/oauth/callback/" + someApp, "/connect/" + url.PathEscape(link), "/connect/return/AAAAAAAAAAAA", "/connect/problem/consent_denied"} {
			w := do(h, "GET", target, set)
			to := w.Header().Get("Location")
			ours := strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.HasPrefix(to, `/\`)
			if to != "" && !ours && !strings.HasPrefix(to, "https://app.northwind.example/") {
				t.Errorf("%s leads to %q", target, to)
			}
			if n := strings.Count(w.Header().Get("Content-Security-Policy"), ";"); n != 7 && w.Code != 404 && w.Code != 301 && w.Code != 307 {
				t.Errorf("%s: %d: policy %q", target, w.Code, w.Header().Get("Content-Security-Policy"))
			}
			if strings.Contains(strings.ToLower(w.Body.String()), `href="javascript:`) {
				t.Errorf("%s: a script as a link: %s", target, w.Body)
			}
		}
	})
}
