package connectpage

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"time"

	"lanyard"
	"lanyard/internal/flow"
	"lanyard/internal/page"
)

// handover is an Arrival on its way from the callback to a page with a clean
// address: in a cookie of this browser alone, under a name that only this trip
// knows. What is in it the browser may know: it is about to carry it anyway.
type handover struct {
	Return   string            `json:"r,omitempty"`
	Origin   string            `json:"o,omitempty"`
	Message  map[string]string `json:"m,omitempty"`
	Provider string            `json:"p,omitempty"`
}

const (
	handoverAge = 2 * time.Minute // no completion lives longer
	cookieRoom  = 3500            // browsers keep 4096 bytes of name, value and attributes
)

func (p *Page) sendToHandOver(w http.ResponseWriter, a flow.Arrival) {
	b, err := json.Marshal(handover{a.RedirectURL, a.Origin, a.Message, a.ProviderName})
	value := base64.RawURLEncoding.EncodeToString(b)
	if (err != nil || len(value) > cookieRoom) && a.RedirectURL != "" {
		// The return URL carries the result as well, and /lanyard.js on it hands it over.
		page.Redirect(w, a.RedirectURL)
		return
	}
	nonce := lanyard.Random(9)
	p.cookies.Set(w, "return_"+nonce, value, handoverAge)
	page.Redirect(w, "/connect/return/"+nonce)
}

var nonceShape = regexp.MustCompile(`^[A-Za-z0-9_-]{12}$`)

// handOver shows the end of a trip: in a pop-up the page that gives the result
// to its opener, elsewhere that all is well. It is shown once; after that it
// says that there is nothing more to do here.
func (p *Page) handOver(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		p.notHere(w, "GET")
		return
	}
	h, ok := p.takeHandover(w, r)
	if !ok {
		s := p.sheet(p.say.OverTitle)
		p.kit.Show(w, r, http.StatusOK, s, page.Notice{Say: p.say.NoticeWords, Icon: "info", Heading: p.say.OverTitle, Happened: p.say.Over, Close: true}.Content())
		return
	}
	h.Return, _ = page.WebURL(h.Return)
	_, h.Origin = page.WebURL(h.Origin)
	if h.Origin == "" {
		title := page.Fill(p.say.DoneTitle, "{provider}", page.Tidy(h.Provider, 40))
		if h.Provider == "" {
			title = p.say.DoneTitlePlain
		}
		p.kit.Show(w, r, http.StatusOK, p.sheet(title), page.Notice{Say: p.say.NoticeWords, Icon: "check", Heading: title, Happened: p.say.Done, Close: true}.Content())
		return
	}
	m, err := json.Marshal(h.Message)
	if err != nil {
		p.refuse(w, r, err, "")
		return
	}
	s := p.sheet(p.say.HandOverTitle)
	s.Onward = h.Return
	p.kit.Show(w, r, http.StatusOK, s, handOver(p.say, h, string(m)))
}

func (p *Page) takeHandover(w http.ResponseWriter, r *http.Request) (h handover, ok bool) {
	nonce := r.PathValue("nonce")
	if !nonceShape.MatchString(nonce) {
		return h, false
	}
	b, err := base64.RawURLEncoding.DecodeString(p.cookies.Get(r, "return_"+nonce))
	if err != nil || len(b) == 0 || json.Unmarshal(b, &h) != nil {
		return h, false
	}
	p.cookies.Clear(w, "return_"+nonce)
	return h, true
}

// cancelled is where Cancel leads when the customer has no page to return to.
func (p *Page) cancelled(w http.ResponseWriter, r *http.Request) {
	s := p.sheet(p.say.CancelledTitle)
	p.kit.Show(w, r, http.StatusOK, s, page.Notice{Say: p.say.NoticeWords, Icon: "info", Heading: p.say.CancelledTitle, Happened: p.say.Cancelled, Close: true}.Content())
}
