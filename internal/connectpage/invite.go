package connectpage

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lanyard"
	"lanyard/internal/flow"
	"lanyard/internal/page"
	"lanyard/internal/web"
)

// retryCookie remembers the link last used in this browser for as long as a trip
// to the provider may take, so that a page about a trip that failed can offer it.
const (
	retryCookie = "retry"
	retryAge    = 15 * time.Minute
)

// open shows the invitation. It writes nothing: mail scanners and previews open
// links too, and a person opens them twice.
func (p *Page) open(w http.ResponseWriter, r *http.Request) {
	link := r.PathValue("link")
	if !p.admit(w, r, link) {
		return
	}
	inv, err := p.pages.Open(r.Context(), link)
	if err != nil {
		p.refuse(w, r, err, "")
		return
	}
	v := p.invitation(inv)
	v.Shown = p.pages.Mark(link, v.text())
	s := p.sheet(v.Heading)
	s.Policy = page.Policy{Image: v.LogoOrigin, Leave: page.Leaving(p.cookies.Secure)}
	p.kit.Show(w, r, http.StatusOK, s, connect(v))
}

// proceed is Continue: the cookie that ties the trip to this browser (T01), and
// off to the provider.
func (p *Page) proceed(w http.ResponseWriter, r *http.Request) {
	link := r.PathValue("link")
	if !p.admit(w, r, link) {
		return
	}
	rq := web.RequestOf(r.Context())
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		p.refuse(w, r, lanyard.Errorf(lanyard.CodePageChanged, "the page's form cannot be read"), linkPath(link))
		return
	}
	// What the page says now; the service compares it with what was read.
	inv, err := p.pages.Open(r.Context(), link)
	if err != nil {
		p.refuse(w, r, err, retryOf(link, err))
		return
	}
	d, err := p.pages.Continue(r.Context(), link, flow.Shown{Text: p.invitation(inv).text(), Mark: r.PostForm.Get("shown")}, rq.Origin, rq.ID)
	if err != nil {
		p.refuse(w, r, err, retryOf(link, err))
		return
	}
	p.cookies.Set(w, d.CookieName, string(d.CookieValue.Reveal()), d.CookieAge)
	p.cookies.Set(w, retryCookie, link, retryAge)
	page.Redirect(w, d.URL)
}

// admit takes one from the invitation's allowance. Each method has its own, so
// that whoever looks a link up with HEAD does not keep its owner out.
func (p *Page) admit(w http.ResponseWriter, r *http.Request, link string) bool {
	err := p.front.TakeOpen(r.Method + " " + link)
	if err != nil {
		p.refuse(w, r, err, linkPath(link))
	}
	return err == nil
}

// crossSite answers a Continue that another site pressed. The person is shown
// the way to press it themselves.
func (p *Page) crossSite(w http.ResponseWriter, r *http.Request) {
	s := p.sheet(p.say.CrossSiteTitle)
	p.kit.Show(w, r, http.StatusForbidden, s, page.Notice{
		Say: p.say.NoticeWords, Icon: "stop", Heading: p.say.CrossSiteTitle, Happened: p.say.CrossSite,
		Retry: linkPath(r.PathValue("link")), RetryLabel: p.say.OpenLink, RequestID: web.RequestOf(r.Context()).ID,
	}.Content())
}

// retryOf returns the link again, unless err says that it will not work again.
func retryOf(link string, err error) string {
	for _, dead := range []lanyard.Code{lanyard.CodeLinkUnknown, lanyard.CodeLinkExpired, lanyard.CodeLinkUsed} {
		if errors.Is(err, dead) {
			return ""
		}
	}
	return linkPath(link)
}

// linkPath is the address of an invitation's page; "" for what cannot be one.
func linkPath(link string) string {
	if link == "" || len(link) > 1024 || link == "." || link == ".." {
		return ""
	}
	return "/connect/" + url.PathEscape(link)
}

// inviteView is an invitation with its text made ready to be read.
type inviteView struct {
	words
	flow.Invitation
	Heading    string
	Lead       string
	Logo       string // "" if there is none that is safe to show
	LogoOrigin string
	Action     string
	Cancel     string
	LastTry    *lanyard.Row
	Minutes    int
	Scopes     []string
	Shown      string // the mark of this page
}

func (p *Page) invitation(inv flow.Invitation) inviteView {
	inv.ProjectName, inv.ProviderName = page.Tidy(inv.ProjectName, 60), page.Tidy(inv.ProviderName, 40)
	if inv.ProjectName == "" {
		inv.ProjectName = p.say.SomeProject
	}
	inv.PrivacyURL, _ = page.WebURL(inv.PrivacyURL)
	inv.TermsURL, _ = page.WebURL(inv.TermsURL)
	inv.ManageURL, _ = page.WebURL(inv.ManageURL)
	v := inviteView{words: p.say, Invitation: inv, Action: linkPath(inv.Link), Cancel: "/connect/cancelled"}
	v.Heading, v.Lead = v.fill(p.say.ConnectTitle), v.fill(p.say.ConnectLead)
	if inv.Reconnect {
		v.Heading, v.Lead = v.fill(p.say.ReconnectTitle), v.fill(p.say.ReconnectLead)
	}
	if logo, origin := page.WebURL(inv.LogoURL); logo != "" {
		v.Logo, v.LogoOrigin = logo, origin
	}
	if to, _ := page.WebURL(inv.CancelURL); to != "" {
		v.Cancel = to
	}
	if row := p.say.row(lanyard.RowOf(inv.LastError)); inv.LastError != "" && row.Person {
		v.LastTry = &row
	}
	if left := time.Until(inv.ExpiresAt); !inv.ExpiresAt.IsZero() && left > 0 {
		v.Minutes = max(1, int(left.Minutes()))
	}
	for _, perm := range inv.Asked {
		v.Scopes = append(v.Scopes, perm.Scope)
	}
	for _, perm := range inv.Optional {
		v.Scopes = append(v.Scopes, perm.Scope)
	}
	return v
}

// fill puts the names into a sentence.
func (v inviteView) fill(s string) string {
	s = page.Fill(s, "{project}", v.ProjectName, "{provider}", v.ProviderName)
	if rest, ok := strings.CutPrefix(s, v.SomeProject); ok {
		first, n := utf8.DecodeRuneInString(v.SomeProject)
		s = string(unicode.ToUpper(first)) + v.SomeProject[n:] + rest
	}
	return s
}

// shown is a list of permissions as the page has them.
func shown(list []flow.Permission) (out []page.Permission) {
	for _, one := range list {
		out = append(out, page.Permission{Say: one.Say, Sensitive: one.Sensitive, Writes: one.Writes})
	}
	return out
}
