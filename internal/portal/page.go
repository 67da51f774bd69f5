package portal

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"lanyard"
	"lanyard/internal/access"
	"lanyard/internal/connection"
	"lanyard/internal/flow"
	"lanyard/internal/page"
	"lanyard/internal/web"
)

// Config is what the pages work with; all of it is needed.
type Config struct {
	Access      *access.Service
	Connections *connection.Service
	Flow        *flow.Service
	Front       *web.Front
	Logger      *slog.Logger
}

// Page serves the portal.
type Page struct {
	Config
	cookies web.Cookies
	kit     *page.Kit
	checks  *web.Buckets // of one connection
	say     words
}

// checksPerMinute is how often one connection may be checked. A person who presses
// again and again asks nothing new.
const checksPerMinute = 6

// New refuses a Config in which something is missing.
func New(c Config) (*Page, error) {
	if c.Access == nil || c.Connections == nil || c.Flow == nil || c.Front == nil || c.Logger == nil {
		return nil, errors.New("portal: Config needs Access, Connections, Flow, Front and Logger")
	}
	kit, err := page.New(c.Logger)
	if err != nil {
		return nil, err
	}
	return &Page{c, c.Front.Cookies, kit, web.NewBuckets(checksPerMinute, time.Minute), english}, nil
}

// Mount registers the routes of the package's protocol. What a POST does, another
// site must not press (T34).
func (p *Page) Mount() {
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(http.HandlerFunc(p.crossSite))
	get := func(pattern string, h http.HandlerFunc) { p.Front.Handle("GET "+pattern, h) }
	post := func(pattern string, h http.HandlerFunc) { p.Front.Handle("POST "+pattern, csrf.Handler(h)) }

	get("/portal/open/{link}", p.look)
	post("/portal/open/{link}", p.open)
	get("/portal", p.visit(p.list))
	post("/portal/connections/{id}/check", p.visit(p.check))
	post("/portal/connections/{id}/reconnect", p.visit(p.reconnect))
	get("/portal/connections/{id}/disconnect", p.visit(p.confirm))
	post("/portal/connections/{id}/disconnect", p.visit(p.disconnect))
	get("/portal/disconnected", p.visit(p.disconnected))
	post("/portal/leave", p.visit(p.leave))
}

// visitCookie holds the secret of a visit.
const visitCookie = "portal"

// visitor is who is in the browser, and where.
type visitor struct {
	lanyard.Principal
	access.Visit
}

// visit lets in who has the cookie of a visit that goes on.
func (p *Page) visit(h func(http.ResponseWriter, *http.Request, visitor)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := p.visitor(r)
		if err != nil {
			p.refuse(w, r, err)
			return
		}
		h(w, r, v)
	}
}

func (p *Page) visitor(r *http.Request) (visitor, error) {
	rq := web.RequestOf(r.Context())
	who, v, err := p.Access.Portal(r.Context(), p.cookies.Get(r, visitCookie), rq.Origin, rq.ID)
	return visitor{who, v}, err
}

func (p *Page) sheet(title string) page.Sheet { return p.kit.Sheet(p.say.Words, title) }
