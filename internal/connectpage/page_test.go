package connectpage_test

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"lanyard"
	"lanyard/internal/web"
)

var update = flag.Bool("update", false, "write the golden files")

const public = "https://connect.example.com"

// do asks in process: a bubble's clock stops at sockets.
func do(h http.Handler, method, target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, public+target, nil)
	r.Header.Set("X-Request-Id", "req_from_the_test")
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func form(v url.Values) func(*http.Request) {
	return func(r *http.Request) {
		with := httptest.NewRequest(r.Method, r.URL.String(), strings.NewReader(v.Encode()))
		r.Body, r.ContentLength = with.Body, with.ContentLength
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
}

// carry brings the cookies of an answer along.
func carry(w *httptest.ResponseRecorder) func(*http.Request) {
	return func(r *http.Request) {
		for _, c := range w.Result().Cookies() {
			if c.MaxAge >= 0 {
				r.AddCookie(c)
			}
		}
	}
}

var hashed = regexp.MustCompile(`-[0-9a-f]{16}\.(css|js|svg)`)

func golden(t *testing.T, name, got string) {
	t.Helper()
	got = hashed.ReplaceAllString(got, "-HASH.$1")
	got = strings.ReplaceAll(got, "><", ">\n<") + "\n"
	file := filepath.Join("testdata", name+".html")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs; if that is meant, run with -update (-want +got):\n%s", file, d)
	}
}

func TestPages(t *testing.T) {
	for _, c := range []struct {
		name, target string
		status       int
	}{
		{"zoom", "/connect/zoom", 200},
		{"plain", "/connect/plain", 200},
		{"again", "/connect/again", 200},
		{"popup", "/connect/popup", 200},
		{"hostile", "/connect/hostile", 200},
		{"logo", "/connect/logo", 200},
		{"unknown", "/connect/nothing-of-ours", 404},
		{"expired", "/connect/expired", 410},
		{"used", "/connect/used", 410},
		{"broken", "/connect/broken", 500},
		{"cancelled", "/connect/cancelled", 200},
		{"return-again", "/connect/return/AAAAAAAAAAAA", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, _ := handler(t, public, 0, &pretend{customer: "https://app.northwind.example"})
				w := do(h, "GET", c.target)
				if w.Code != c.status {
					t.Errorf("status: got %d, want %d", w.Code, c.status)
				}
				checkHeaders(t, w)
				golden(t, c.name, w.Body.String())
			})
		})
	}
}

// checkHeaders is what holds for every page, whatever it says.
func checkHeaders(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	h := w.Header()
	csp := h.Get("Content-Security-Policy")
	for _, d := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
		if !strings.Contains(csp+";", d+";") && !strings.Contains(csp, d+" ") {
			t.Errorf("CSP: no %q in %q", d, csp)
		}
	}
	for _, bad := range []string{"unsafe", " *", " http:;", " http: "} {
		if strings.Contains(csp, bad) {
			t.Errorf("CSP: %q in %q", bad, csp)
		}
	}
	for k, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		"X-Frame-Options": "DENY", "Strict-Transport-Security": "max-age=31536000", "Cross-Origin-Opener-Policy": "unsafe-none",
	} {
		if got := h.Get(k); got != want {
			t.Errorf("%s: got %q, want %q", k, got, want)
		}
	}
	body := w.Body.String()
	for _, bad := range []*regexp.Regexp{
		regexp.MustCompile(`(?i)<[^>]+\son[a-z]+\s*=`), regexp.MustCompile(`(?i)<[^>]+\sstyle\s*=`),
		regexp.MustCompile(`(?i)<style`), regexp.MustCompile(`(?i)(href|src|action)="?(javascript|data|vbscript):`),
		regexp.MustCompile(`(?i)<script(?: [^>]*)?>[^<]`),
	} {
		if m := bad.FindString(body); m != "" {
			t.Errorf("the page has %q in it", m)
		}
	}
}

// A project named <script>… used to be everybody's idea of a joke.
func TestHostileTextIsEscaped(t *testing.T) {
	h, _ := handler(t, public, 0, &pretend{})
	w := do(h, "GET", "/connect/hostile")
	body := w.Body.String()
	if n := strings.Count(body, "<script"); n != 1 {
		t.Errorf("got %d script elements, want our own 1", n)
	}
	if n := strings.Count(body, "<img"); n != 1 {
		t.Errorf("got %d images, want our mark only", n)
	}
	if strings.ContainsAny(body, "\u202e\x00") {
		t.Error("a character that turns the text around came through")
	}
	if csp := w.Header().Get("Content-Security-Policy"); strings.Contains(csp, "logo.example") || strings.Contains(csp, "*//") {
		t.Errorf("the logo's address got into the policy: %s", csp)
	}
	for _, bad := range []string{`href="javascript`, `href="//evil`, `href="data:`} {
		if strings.Contains(body, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
}

func TestLogoIsTheOnlyForeignImage(t *testing.T) {
	h, _ := handler(t, public, 0, &pretend{})
	csp := do(h, "GET", "/connect/logo").Header().Get("Content-Security-Policy")
	if want := "img-src 'self' https://cdn.northwind.example:8443;"; !strings.Contains(csp, want) {
		t.Errorf("got %q, want %q in it", csp, want)
	}
	if csp := do(h, "GET", "/connect/zoom").Header().Get("Content-Security-Policy"); !strings.Contains(csp, "img-src 'self';") {
		t.Errorf("without a logo: got %q", csp)
	}
}

// Chromium applies form-action to each redirect after a POST; with 'self' alone
// Continue did nothing there. Everywhere else there is no form that leaves.
func TestOnlyContinueMayLeave(t *testing.T) {
	h, _ := handler(t, public, 0, &pretend{})
	for target, leaves := range map[string]bool{"/connect/zoom": true, "/connect/expired": false, "/connect/problem/internal": false, "/connect/cancelled": false} {
		if got := strings.Contains(do(h, "GET", target).Header().Get("Content-Security-Policy"), "form-action 'self' https:"); got != leaves {
			t.Errorf("%s: got %t, want %t", target, got, leaves)
		}
	}
}

// What a person in a browser does not know, and does not have to.
var jargon = regexp.MustCompile("(?i)`|\\b(oauth|token|client|secret|scope|state|callback|redirect|database|log|operator|authorization code|url|api)\\b")

// Rows whose sentences speak to whoever runs the server; the page has its own.
var reworded = map[lanyard.Code]bool{
	lanyard.CodeInstanceNotAdopted: true, lanyard.CodeNodeNameTaken: true,
	lanyard.CodeInternal: true, lanyard.CodeStoreUnavailable: true, lanyard.CodeAppNotReady: true,
	lanyard.CodeAppMisconfigured: true, lanyard.CodeCodeRejected: true, lanyard.CodeProviderAnswerInvalid: true,
}

// Every code that a person can meet has a page that says what docs/errors.md
// says, and no other code has one.
func TestEveryRowHasItsPage(t *testing.T) {
	h, _ := handler(t, public, 0, &pretend{})
	md, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	pages := 0
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| [a-z_]+ \\| (yes|no) \\|").FindAllStringSubmatch(string(md), -1) {
		row := lanyard.RowOf(lanyard.Code(m[1]))
		if string(row.Code) != m[1] || row.Person != (m[2] == "yes") {
			t.Fatalf("%s: errors.gen.go is not docs/errors.md; run go generate", m[1])
		}
		w := do(h, "GET", "/connect/problem/"+m[1]+"/req_of_the_callback")
		checkHeaders(t, w)
		if !row.Person {
			if w.Code != 404 || strings.Contains(w.Body.String(), escaped(row.Happened)) {
				t.Errorf("%s: a page for what nobody can meet (%d)", m[1], w.Code)
			}
			continue
		}
		pages++
		if want := web.Status(row.Code); w.Code != want {
			t.Errorf("%s: status: got %d, want %d", m[1], w.Code, want)
		}
		body := w.Body.String()
		wants := []string{"<h1>" + escaped(row.Title) + "</h1>", "req_of_the_callback", "<title>" + escaped(row.Title)}
		if !reworded[row.Code] {
			wants = append(wants, escaped(row.Happened), escaped(row.Do))
		}
		for _, want := range wants {
			if row.Happened == "" || row.Do == "" || !strings.Contains(body, want) {
				t.Errorf("%s: no %q on its page", m[1], want)
			}
		}
		text := regexp.MustCompile(`(?s)<h1>.*</section>`).FindString(body)
		if text == "" || strings.Count(text, "<p") != 2 {
			t.Errorf("%s: the page does not say what happened and what to do: %s", m[1], text)
		}
		_, after, _ := strings.Cut(text, "</h1>")
		if j := jargon.FindString(after); j != "" {
			t.Errorf("%s: %q is no word for a person: %s", m[1], j, after)
		}
	}
	if pages < 15 {
		t.Errorf("got %d pages; the table was not read", pages)
	}
}

func escaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(s)
}

func TestProblemPageTakesNoText(t *testing.T) {
	h, _ := handler(t, public, 0, &pretend{})
	w := do(h, "GET", "/connect/problem/call-0800-EVIL/your%20money%20is%20gone")
	if w.Code != 404 || strings.Contains(w.Body.String(), "EVIL") || strings.Contains(w.Body.String(), "money") {
		t.Errorf("got %d and a text from the address: %s", w.Code, w.Body)
	}
}

func TestAssets(t *testing.T) {
	h, _ := handler(t, public, 0, &pretend{})
	body := do(h, "GET", "/connect/zoom").Body.String()
	found := regexp.MustCompile(`/connect-assets/[a-z]+-[0-9a-f]{16}\.(css|js|svg)`).FindAllString(body, -1)
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	if len(found) < 3 {
		t.Fatalf("got %q", found)
	}
	for _, a := range found {
		w := do(h, "GET", a)
		if got := w.Header().Get("Cache-Control"); w.Code != 200 || got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: got %d, %q", a, w.Code, got)
		}
		if got := w.Header().Get("Content-Type"); got != kinds[filepath.Ext(a)] {
			t.Errorf("%s: type %q", a, got)
		}
		if w := do(h, "GET", a, func(r *http.Request) { r.Header.Set("If-None-Match", w.Header().Get("ETag")) }); w.Code != http.StatusNotModified {
			t.Errorf("%s asked for again: got %d, want 304", a, w.Code)
		}
	}
	if w := do(h, "GET", "/connect-assets/page.css"); w.Code != 404 {
		t.Errorf("a name without a hash: got %d, want 404", w.Code)
	}
	w := do(h, "GET", "/lanyard.js")
	if w.Code != 200 || w.Body.Len() > 4096 || w.Header().Get("Cross-Origin-Resource-Policy") != "cross-origin" {
		t.Errorf("/lanyard.js: %d, %d bytes (the promise is 4096), %v", w.Code, w.Body.Len(), w.Header())
	}
}
