package portal

import (
	"net/http"
	"time"

	"lanyard"
	"lanyard/internal/page"
)

// gone is what letting go came to, on its way to the page that says it.
type gone struct {
	Provider string `json:"p"`
	Outcome  string `json:"o"`
	Again    bool   `json:"r,omitempty"` // it is tried again
	Manage   string `json:"m,omitempty"`
	Lives    []life `json:"l,omitempty"`
}

type life struct {
	Token string `json:"t"`
	Until int64  `json:"u,omitempty"` // Unix seconds; 0: not known
}

// confirmView says what will happen before it does.
type confirmView struct {
	card
	Will []string
}

// confirm shows what disconnecting would do. It does nothing.
func (p *Page) confirm(w http.ResponseWriter, r *http.Request, who visitor) {
	c, err := p.Connections.Show(r.Context(), who.Principal, lanyard.ConnectionID(r.PathValue("id")))
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	h := p.head(who.Of)
	v := confirmView{card: p.card(h, newClock(p.say, who.Of.Settings.TimeZone), c)}
	will := []string{p.say.WillStop}
	if len(v.Joins) > 0 {
		will = append(will, p.say.WillStopBots)
	}
	switch {
	case c.Shared:
		will = append(will, p.say.WillShare)
	case c.Revokes:
		will = append(will, p.say.WillRevoke, p.say.WillDelete)
	default:
		will = append(will, p.say.WillNotRevoke, p.say.WillDelete)
	}
	for _, s := range append(will, p.say.WillStay) {
		v.Will = append(v.Will, v.fill(s))
	}
	s := p.sheet(v.fill(p.say.ConfirmTitle))
	s.Policy.Image = h.LogoOrigin
	p.kit.Show(w, r, http.StatusOK, s, confirmPage(v))
}

// disconnect lets go, and goes on to the page that says how that went.
func (p *Page) disconnect(w http.ResponseWriter, r *http.Request, who visitor) {
	id := lanyard.ConnectionID(r.PathValue("id"))
	c, err := p.Connections.Show(r.Context(), who.Principal, id)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	done, err := p.Connections.Delete(r.Context(), who.Principal, id)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	g := gone{Provider: c.ProviderName, Outcome: done.Outcome, Again: done.Again}
	g.Manage, _ = page.WebURL(c.ManageURL)
	for _, l := range done.Lives {
		one := life{Token: l.Token}
		if !l.Until.IsZero() {
			one.Until = l.Until.Unix()
		}
		g.Lives = append(g.Lives, one)
	}
	p.remember(w, said{What: "gone", Gone: &g})
	page.Redirect(w, "/portal/disconnected")
}

// goneView is how letting go went.
type goneView struct {
	head
	Title      string
	Provider   string
	Lead       string
	AtProvider string
	Still      []string
	Manage     string
	Check      string
	Link       string
}

// disconnected says how letting go went, as often as it is asked.
func (p *Page) disconnected(w http.ResponseWriter, r *http.Request, who visitor) {
	s := p.readSaid(r)
	if s == nil || s.Gone == nil {
		page.Redirect(w, "/portal")
		return
	}
	h, at := p.head(who.Of), newClock(p.say, who.Of.Settings.TimeZone)
	g := *s.Gone
	name := page.Tidy(g.Provider, 40)
	fill := func(s string) string { return h.fill(s, "{provider}", name) }
	v := goneView{head: h, Title: fill(p.say.GoneTitle), Provider: fill(p.say.AtProvider), Lead: fill(p.say.GoneLead)}
	v.AtProvider = fill(map[string]string{"revoked": p.say.Revoked, "already_gone": p.say.AlreadyGone, "not_supported": p.say.NotSupported,
		"shared": p.say.SharedStays}[g.Outcome])
	switch {
	case v.AtProvider == "" && g.Again:
		v.AtProvider = fill(p.say.FailedAgain)
	case v.AtProvider == "":
		v.AtProvider = fill(p.say.Failed)
	}
	for _, l := range g.Lives {
		switch {
		case l.Token == "refresh" && g.Again:
			v.Still = append(v.Still, fill(p.say.RefreshLent))
		case l.Token == "refresh":
			v.Still = append(v.Still, fill(p.say.RefreshDeleted))
		case l.Until == 0:
			v.Still = append(v.Still, fill(p.say.AccessEndless))
		default:
			v.Still = append(v.Still, page.Fill(fill(p.say.AccessUntil), "{time}", at.until(time.Unix(l.Until, 0))))
		}
	}
	if len(v.Still) == 0 && g.Outcome != "shared" {
		v.Still = []string{fill(p.say.Nothing)}
	}
	v.Manage, _ = page.WebURL(g.Manage)
	v.Check, v.Link = fill(p.say.NotCheckedThere), fill(p.say.CheckThereLink)
	if v.Manage != "" {
		v.Check = fill(p.say.CheckThereText)
	}
	sheet := p.sheet(v.Title)
	sheet.Policy.Image = h.LogoOrigin
	p.kit.Show(w, r, http.StatusOK, sheet, gonePage(v))
}
