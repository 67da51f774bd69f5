package connectpage

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"

	"github.com/a-h/templ"

	"lanyard/internal/flow"
	"lanyard/internal/web"
)

// Config is what the pages work with; all of it is needed.
type Config struct {
	Pages  flow.Pages
	Front  *web.Front // cookies, the limit on opens, and where the routes go
	Logger *slog.Logger
}

// Page serves the end user's pages.
type Page struct {
	pages   flow.Pages
	front   *web.Front
	cookies web.Cookies
	log     *slog.Logger
	assets  assets
	say     words
}

// New refuses a Config in which something is missing.
func New(c Config) (*Page, error) {
	if c.Pages == nil || c.Front == nil || c.Logger == nil {
		return nil, errors.New("connectpage: Config needs Pages, Front and Logger")
	}
	a, err := loadAssets()
	if err != nil {
		return nil, err
	}
	return &Page{pages: c.Pages, front: c.Front, cookies: c.Front.Cookies, log: c.Logger, assets: a, say: english}, nil
}

// Mount registers the routes of the package's protocol. A pattern with GET takes
// HEAD as well; where a GET spends something, HEAD is refused by hand.
func (p *Page) Mount() {
	get := func(pattern string, h http.HandlerFunc) { p.front.Handle("GET "+pattern, h) }
	get("/connect/{link}", p.open)
	get("/connect/return/{nonce}", p.handOver)
	get("/connect/problem/{code}", p.problem)
	get("/connect/problem/{code}/{request}", p.problem)
	get("/connect/cancelled", p.cancelled)
	get("/oauth/callback/{app_id}", p.callback)
	get("/lanyard.js", p.assets.serveLibrary)
	get("/connect-assets/{name}", p.assets.serve)

	// Continue begins a trip and sets a cookie, so another site must not press
	// it (T34). The callback by POST is cross-site by nature and not behind this.
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(http.HandlerFunc(p.crossSite))

	p.front.Handle("POST /connect/{link}", csrf.Handler(http.HandlerFunc(p.proceed)))
	p.front.Handle("POST /oauth/callback/{app_id}", http.HandlerFunc(p.callbackByPost))
}

// sheet is what every page needs besides its content.
type sheet struct {
	words
	Title  string
	Style  string // address of the style sheet
	Script string
	Mark   string
	Policy policy
	Onward string // without script: where the page goes on to by itself
}

func (p *Page) sheet(title string) sheet {
	return sheet{words: p.say, Title: title, Style: p.assets.path("page.css"),
		Script: p.assets.path("page.js"), Mark: p.assets.path("mark.svg")}
}

// show renders into memory first, so that a failing template is a clean 500 and
// never half a page under status 200.
func (p *Page) show(w http.ResponseWriter, r *http.Request, status int, s sheet, content templ.Component) {
	var b bytes.Buffer
	if err := layout(s, content).Render(r.Context(), &b); err != nil {
		p.log.ErrorContext(r.Context(), "page not rendered", "request_id", web.RequestOf(r.Context()).ID, "error", err)
		http.Error(w, p.say.NotRendered, http.StatusInternalServerError)
		return
	}
	s.Policy.set(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", s.Lang)
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the person has gone; nobody is left to tell
}

// redirect is a 303, which a browser follows with a GET without the body (T06).
// It writes no page: a code could be in its address.
func redirect(w http.ResponseWriter, to string) {
	policy{}.set(w.Header())
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
