package portal

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"lanyard"
	"lanyard/internal/page"
)

// saidCookie carries what came of a button to the page that says it, in this
// browser alone. There is nothing in it that the person did not cause.
const (
	saidCookie = "portal_said"
	saidAge    = 10 * time.Minute
)

// said is what came of a button.
type said struct {
	About string       `json:"a,omitempty"` // the connection
	What  string       `json:"w"`           // "checked", "again", "not_again", "gone"
	Code  lanyard.Code `json:"c,omitempty"` // why not
	Gone  *gone        `json:"g,omitempty"`

	Good    bool   `json:"-"`
	Text    string `json:"-"`
	General bool   `json:"-"` // shown above all cards
	Title   string `json:"-"`
}

func (p *Page) remember(w http.ResponseWriter, s said) {
	if b, err := json.Marshal(s); err == nil {
		p.cookies.Set(w, saidCookie, base64.RawURLEncoding.EncodeToString(b), saidAge)
	}
}

func (p *Page) readSaid(r *http.Request) *said {
	var s said
	b, err := base64.RawURLEncoding.DecodeString(p.cookies.Get(r, saidCookie))
	if err != nil || json.Unmarshal(b, &s) != nil {
		return nil
	}
	return &s
}

// takeSaid is for what is said once.
func (p *Page) takeSaid(w http.ResponseWriter, r *http.Request) *said {
	s := p.readSaid(r)
	if s == nil || s.What == "gone" {
		return nil
	}
	p.cookies.Clear(w, saidCookie)
	if s.What == "not_again" {
		row := p.say.row(lanyard.RowOf(s.Code))
		s.General, s.Title, s.Text = true, p.say.NotConnectedAgain, row.Happened
	}
	return s
}

// tell puts what came of a button into words, beside the connection it is about.
func (p *Page) tell(c card, s *said) *said {
	switch {
	case s.What == "again":
		s.Good, s.Text = true, c.fill(p.say.ConnectedAgain)
	case s.What != "checked":
		return nil
	case s.Code == "":
		s.Good, s.Text = true, c.fill(p.say.CheckedGood)
	case s.Code == lanyard.CodeRateLimited:
		s.Text = p.say.CheckedTooOften
	default:
		s.Text = p.say.CheckedUnknown
		if k := lanyard.RowOf(s.Code).Kind; k == lanyard.Reconnect || s.Code == lanyard.CodeTokenRefused || s.Code == lanyard.CodeNoRefreshToken {
			s.Text = p.say.CheckedBad
		}
		s.Text += " " + c.fill(p.reason(s.Code))
	}
	return s
}

// back takes what the way to the provider ended with out of the address.
func (p *Page) back(w http.ResponseWriter, r *http.Request) bool {
	q := r.URL.Query()
	switch id, code := q.Get("lanyard_connection"), lanyard.Code(q.Get("lanyard_error")); {
	case lanyard.ValidID("con_", id):
		p.remember(w, said{About: id, What: "again"})
	case code != "" && lanyard.RowOf(code).Code == code:
		p.remember(w, said{What: "not_again", Code: code})
	case r.URL.RawQuery == "":
		return false
	}
	page.Redirect(w, "/portal")
	return true
}

// check asks the provider. A person who asks too often is told so, beside what was
// found before.
func (p *Page) check(w http.ResponseWriter, r *http.Request, who visitor) {
	id := lanyard.ConnectionID(r.PathValue("id"))
	if _, err := p.Connections.Show(r.Context(), who.Principal, id); err != nil {
		p.refuse(w, r, err)
		return
	}
	s := said{About: string(id), What: "checked"}
	if _, ok := p.checks.Take(string(id)); !ok {
		s.Code = lanyard.CodeRateLimited
	} else if err := p.Connections.Check(r.Context(), who.Principal, id); err != nil {
		s.Code = lanyard.CodeOf(err)
		if s.Code == lanyard.CodeRateLimited { // it is the provider who asks to wait
			s.Code = lanyard.CodeProviderUnavailable
		}
		if lanyard.RowOf(s.Code).Kind == lanyard.Internal || lanyard.RowOf(s.Code).Kind == lanyard.NotFound {
			p.refuse(w, r, err)
			return
		}
	}
	p.remember(w, s)
	page.Redirect(w, "/portal#"+string(id))
}

// reconnect invites the person to connect the same account again; the connect page
// says what is asked for.
func (p *Page) reconnect(w http.ResponseWriter, r *http.Request, who visitor) {
	in, err := p.Flow.Reconnect(r.Context(), who.Principal, lanyard.ConnectionID(r.PathValue("id")), p.Flow.PortalURL(), "")
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	page.Redirect(w, in.ConnectURL)
}
