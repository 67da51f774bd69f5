package portal

import (
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/page"
)

// head is what the pages say about the customer.
type head struct {
	words
	Project    string
	Logo       string // "" if there is none that is safe to show
	LogoOrigin string
}

func (p *Page) head(of lanyard.Project) head {
	name := of.Settings.DisplayName
	if name == "" {
		name = of.Name
	}
	h := head{words: p.say, Project: page.Tidy(name, 60)}
	if h.Project == "" {
		h.Project = p.say.SomeProject
	}
	h.Logo, h.LogoOrigin = page.WebURL(of.Settings.LogoURL)
	return h
}

// fill puts the names into a sentence, which begins with a capital.
func (h head) fill(s string, pairs ...string) string {
	s = page.Fill(s, append(pairs, "{project}", h.Project)...)
	first, n := utf8.DecodeRuneInString(s)
	if strings.HasPrefix(s, h.SomeProject) {
		s = string(unicode.ToUpper(first)) + s[n:]
	}
	return s
}

// card is a connection made ready to be read.
type card struct {
	head
	ID       string
	Provider string // its name
	Tint     string // what its colour is made of
	Account  string
	Label    string
	Status   string // for the style
	Icon     string
	Title    string
	Text     string
	Said     *said
	Since    time.Time
	Used     time.Time
	clock    clock
	Allowed  []page.Permission
	Lacking  []page.Permission
	Joins    []joinView
	Cannot   []string
	Checks   bool // checking can tell something
	Again    bool // connecting again is possible
	Mends    bool // and is what the person is asked to do
	Ended    bool // what was allowed is not any more
	Open     bool // the only one: nothing is folded
	Manage   string
}

type joinView struct {
	Possible bool
	Say      string
}

func (c card) fill(s string, pairs ...string) string {
	return c.head.fill(s, append(pairs, "{provider}", c.Provider, "{account}", c.Account)...)
}

func (p *Page) card(h head, at clock, c connection.Shown) card {
	v := card{head: h, ID: string(c.ID), Provider: page.Tidy(c.ProviderName, 40), Tint: c.Connection.Provider, Label: page.Tidy(c.Label, 64),
		Status: string(c.Status), Since: c.CreatedAt, Used: c.Used, clock: at, Cannot: c.Cannot}
	v.Manage, _ = page.WebURL(c.ManageURL)
	for _, name := range []string{c.Account.Email, c.Account.DisplayName, p.say.SomeAccount} {
		if v.Account = page.Tidy(name, 100); v.Account != "" {
			break
		}
	}
	is := p.say.Status[c.Status]
	v.Icon, v.Title = is.Icon, is.Title
	v.Text = v.fill(is.Text, "{reason}", v.fill(p.reason(c.Grant.Reason)))
	for _, sc := range c.Allowed {
		v.Allowed = append(v.Allowed, page.Permission{Say: v.scope(sc.Say, sc.Scope), Sensitive: sc.Sens == "high", Writes: strings.Contains(sc.RW, "w")})
	}
	for _, sc := range c.Lacking {
		v.Lacking = append(v.Lacking, page.Permission{Say: v.scope(sc.Say, sc.Scope)})
	}
	for _, j := range c.Joins {
		if say, ok := p.say.JoinKinds[j.Type]; ok && j.Possible {
			v.Joins = append(v.Joins, joinView{true, say.May})
		} else if ok {
			v.Joins = append(v.Joins, joinView{false, say.MayNot})
		}
	}
	v.Checks = c.State == lanyard.Live && c.Grant.Health != lanyard.Dead
	v.Again = c.State == lanyard.Live
	v.Ended = c.Status == lanyard.StatusNeedsReauth
	v.Mends = v.Ended || c.Status == lanyard.StatusPartial
	return v
}

func (c card) scope(say, scope string) string {
	if say == "" {
		say = c.fill(c.Unnamed, "{scope}", scope)
	}
	return page.Tidy(say, 300)
}

func (p *Page) reason(code lanyard.Code) string {
	if s, ok := p.say.Reasons[code]; ok {
		return s
	}
	return p.say.OtherReason
}

// listView is the whole page.
type listView struct {
	head
	Lead  string
	Cards []card
	Fresh *said // about no card
	Back  string
	Zone  string
}

// list shows the connections. Back from the provider, it notes in the browser what
// came of that, and goes on to a clean address.
func (p *Page) list(w http.ResponseWriter, r *http.Request, who visitor) {
	if p.back(w, r) {
		return
	}
	shown, err := p.Connections.Mine(r.Context(), who.Principal)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	person, err := p.Connections.Whose(r.Context(), who.Principal)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	h, at := p.head(who.Of), newClock(p.say, who.Of.Settings.TimeZone)
	v := listView{head: h, Lead: h.fill(p.say.ListLead), Zone: page.Fill(p.say.Zone, "{zone}", at.zone.String())}
	for _, name := range []string{person.DisplayName, person.Email} {
		if name = page.Tidy(name, 60); name != "" {
			v.Lead = h.fill(p.say.ListLeadNamed, "{name}", name)
			break
		}
	}
	v.Back, _ = page.WebURL(who.ReturnURL)
	v.Fresh = p.takeSaid(w, r)
	for _, c := range shown {
		one := p.card(h, at, c)
		one.Open = len(shown) == 1
		if v.Fresh != nil && v.Fresh.About == one.ID {
			one.Said, v.Fresh = p.tell(one, v.Fresh), nil
		}
		v.Cards = append(v.Cards, one)
	}
	if v.Fresh != nil && !v.Fresh.General {
		v.Fresh = nil
	}
	s := p.sheet(p.say.ListTitle)
	s.Policy.Image, s.Wide = h.LogoOrigin, true
	p.kit.Show(w, r, http.StatusOK, s, listPage(v))
}

// beforeAt and fromAt are the two parts of an address, between which a narrow page
// may break it.
func beforeAt(s string) string { before, _, _ := strings.Cut(s, "@"); return before }

func fromAt(s string) string { return strings.TrimPrefix(s, beforeAt(s)) }
