package connectpage

import (
	"errors"
	"log/slog"
	"net/http"

	"lanyard/internal/flow"
	"lanyard/internal/page"
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
	kit     *page.Kit
	say     words
}

// New refuses a Config in which something is missing.
func New(c Config) (*Page, error) {
	if c.Pages == nil || c.Front == nil || c.Logger == nil {
		return nil, errors.New("connectpage: Config needs Pages, Front and Logger")
	}
	kit, err := page.New(c.Logger)
	if err != nil {
		return nil, err
	}
	return &Page{pages: c.Pages, front: c.Front, cookies: c.Front.Cookies, log: c.Logger, kit: kit, say: english}, nil
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
	get("/lanyard.js", p.kit.ServeLibrary)
	get("/connect-assets/{name}", p.kit.Serve)

	// Continue begins a trip and sets a cookie, so another site must not press
	// it (T34). The callback by POST is cross-site by nature and not behind this.
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(http.HandlerFunc(p.crossSite))

	p.front.Handle("POST /connect/{link}", csrf.Handler(http.HandlerFunc(p.proceed)))
	p.front.Handle("POST /oauth/callback/{app_id}", http.HandlerFunc(p.callbackByPost))
}

func (p *Page) sheet(title string) page.Sheet { return p.kit.Sheet(p.say.Words, title) }
