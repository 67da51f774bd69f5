package portal

import (
	"net/http"
	"net/url"

	"lanyard/internal/access"
	"lanyard/internal/page"
	"lanyard/internal/web"
)

func openPath(link string) string { return "/portal/open/" + url.PathEscape(link) }

// look shows where a link leads. It says no name of the person's: scanners and
// previews open links too.
func (p *Page) look(w http.ResponseWriter, r *http.Request) {
	link := r.PathValue("link")
	if !p.admit(w, r, link) {
		return
	}
	to, err := p.Access.PortalLink(r.Context(), link)
	if err != nil {
		if v, here := p.visitor(r); here == nil && p.Access.SentBy(v.Portal, link) { // Back, in the browser that it opened
			page.Redirect(w, "/portal")
			return
		}
		p.refuse(w, r, err)
		return
	}
	h := p.head(to.Of)
	s := p.sheet(h.fill(p.say.OpenTitle))
	s.Policy.Image = h.LogoOrigin
	p.kit.Show(w, r, http.StatusOK, s, openPage(p.say, h, openPath(link)))
}

// open spends the link. A double click is no second browser.
func (p *Page) open(w http.ResponseWriter, r *http.Request) {
	link := r.PathValue("link")
	if !p.admit(w, r, link) {
		return
	}
	if v, err := p.visitor(r); err == nil && p.Access.SentBy(v.Portal, link) {
		page.Redirect(w, "/portal")
		return
	}
	rq := web.RequestOf(r.Context())
	cookie, err := p.Access.OpenPortal(r.Context(), link, rq.Origin, rq.ID)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	p.cookies.Set(w, visitCookie, string(cookie.Reveal()), access.PortalFor)
	p.cookies.Clear(w, saidCookie)
	page.Redirect(w, "/portal")
}

// admit takes one from the link's allowance, each method having its own.
func (p *Page) admit(w http.ResponseWriter, r *http.Request, link string) bool {
	err := p.Front.TakeOpen("portal " + r.Method + " " + link)
	if err != nil {
		p.refuse(w, r, err)
	}
	return err == nil
}

// leave ends the visit, and goes back to the customer's page where there is one.
func (p *Page) leave(w http.ResponseWriter, r *http.Request, v visitor) {
	if err := p.Access.ClosePortal(r.Context(), v.Principal, v.Portal); err != nil {
		p.refuse(w, r, err)
		return
	}
	p.cookies.Clear(w, visitCookie)
	p.cookies.Clear(w, saidCookie)
	h := p.head(v.Of)
	n := page.Notice{Say: p.say.NoticeWords, Icon: "check", Heading: p.say.LeftTitle, Happened: p.say.Left, Close: true}
	if to, _ := page.WebURL(v.ReturnURL); to != "" {
		n.Retry, n.RetryLabel = to, h.fill(p.say.BackToProject)
	}
	p.kit.Show(w, r, http.StatusOK, p.sheet(n.Heading), n.Content())
}
