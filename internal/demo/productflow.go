package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lanyard"
	"lanyard/client"
	"lanyard/wire"
)

// connect invites whoever is logged in, and sends the browser to the invitation.
func (p *product) connect(w http.ResponseWriter, r *http.Request) {
	s, err := p.api.CreateConnectSession(r.Context(), wire.NewConnectSession{Provider: "zoom", EndUser: wire.EndUser{ID: user(r).ID}, ReturnURL: p.url + "/connected"})
	if err != nil {
		p.tell(w, r, sorry(err))
		return
	}
	http.Redirect(w, r, s.ConnectURL, http.StatusSeeOther)
}

// invitation makes one for a pop-up, before the click that opens it: browsers
// block a window that opens later.
func (p *product) invitation(w http.ResponseWriter, r *http.Request) {
	s, err := p.api.CreateConnectSession(r.Context(), wire.NewConnectSession{Provider: "zoom", EndUser: wire.EndUser{ID: user(r).ID},
		ReturnURL: p.url + "/handed-over", Origin: p.url})
	if err != nil {
		http.Error(w, sorry(err).Text, http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]string{"connect_url": s.ConnectURL}) // the reader may have gone
}

// connected is the return URL.
func (p *product) connected(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case q.Get("lanyard_completion") != "":
		p.trade(w, r, q.Get("lanyard_completion"))
	case q.Get("lanyard_error") != "":
		p.tell(w, r, about(lanyard.Code(q.Get("lanyard_error"))))
	case q.Get("lanyard_connection") != "" && p.owns(r.Context(), user(r).ID, q.Get("lanyard_connection")):
		p.tell(w, r, flash{Text: "Connected again."})
	default:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

// trade completes: by whoever is logged in now, which is what makes a link that
// somebody else began worthless (T01).
func (p *product) trade(w http.ResponseWriter, r *http.Request, completion string) {
	if user(r).ID == "" {
		p.tell(w, r, flash{Text: "Nobody is logged in here, so nothing was connected. Log in and connect again.", Bad: true})
		return
	}
	c, err := p.api.CreateConnection(r.Context(), wire.NewConnection{Completion: completion, EndUserID: user(r).ID})
	if err != nil {
		p.tell(w, r, sorry(err))
		return
	}
	p.tell(w, r, flash{Text: "Connected: " + c.Account.DisplayName + "’s Zoom account."})
}

// handedOver is the return URL of a pop-up that could not reach the page that
// opened it: /lanyard.js on it brings the result there. If there is no such page,
// it completes by itself.
func (p *product) handedOver(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p.show(w, "handed-over", view{User: user(r), Users: users, Lanyard: p.lanyard, Completion: q.Get("lanyard_completion"), Failure: q.Get("lanyard_error")})
}

func (p *product) complete(w http.ResponseWriter, r *http.Request) {
	p.trade(w, r, r.FormValue("completion"))
}

// reconnect has the person connect the same account again.
func (p *product) reconnect(w http.ResponseWriter, r *http.Request) {
	if !p.owns(r.Context(), user(r).ID, r.FormValue("connection")) {
		p.tell(w, r, notYours)
		return
	}
	s, err := p.api.ReconnectConnection(r.Context(), r.FormValue("connection"), wire.ReconnectRequest{ReturnURL: p.url + "/connected"})
	if err != nil {
		p.tell(w, r, sorry(err))
		return
	}
	http.Redirect(w, r, s.ConnectURL, http.StatusSeeOther)
}

var revoked = map[string]string{"revoked": "Zoom has been told, and has ended the access.", "not_supported": "Zoom cannot be told; take the app out there as well.",
	"shared": "Another of your connections uses the same access, so it stays at Zoom.", "failed": "Zoom could not be reached; take the app out there as well."}

func (p *product) disconnect(w http.ResponseWriter, r *http.Request) {
	if !p.owns(r.Context(), user(r).ID, r.FormValue("connection")) {
		p.tell(w, r, notYours)
		return
	}
	gone, err := p.api.DeleteConnection(r.Context(), r.FormValue("connection"))
	if err != nil {
		p.tell(w, r, sorry(err))
		return
	}
	said := "Disconnected."
	if s := revoked[gone.Outcome]; s != "" {
		said += " " + s
	}
	p.tell(w, r, flash{Text: said})
}

// bot mints an on-behalf token and knocks at the meeting with it.
func (p *product) bot(w http.ResponseWriter, r *http.Request) {
	if !p.owns(r.Context(), user(r).ID, r.FormValue("connection")) {
		p.tell(w, r, notYours)
		return
	}
	meeting := strings.TrimSpace(r.FormValue("meeting"))
	in := wire.JoinTokenRequest{ConnectionID: r.FormValue("connection"), Types: []string{"onbehalf"}}
	if strings.Trim(meeting, "0123456789 ") == "" {
		in.MeetingNumber = strings.ReplaceAll(meeting, " ", "")
	} else {
		in.MeetingURL = meeting
	}
	out, err := p.api.CreateJoinTokens(r.Context(), in)
	if err != nil {
		p.tell(w, r, sorry(err))
		return
	}
	var answer struct{ Reason, Message string }
	d := &Demo{sandURL: p.sandURL}
	status, err := d.do(r.Context(), call{method: "POST", path: p.sandURL + "/zoom/meetings/" + url.PathEscape(out.MeetingNumber) + "/join",
		body: map[string]string{"bot_name": "Harbour Notes", "onbehalf_token": out.Tokens[0].Token}}, "", &answer)
	v := visit{Meeting: out.MeetingNumber, At: time.Now().UTC(), In: err == nil && status == http.StatusOK}
	said := "The bot is in meeting " + out.MeetingNumber + "."
	switch {
	case v.In:
		v.Said = "It got in."
	case err != nil:
		v.Said = "The meeting could not be reached."
		said = v.Said
	default:
		v.Said = answer.Message
		said = "Zoom did not let the bot in: " + answer.Message
	}
	p.note(user(r).ID, v)
	p.tell(w, r, flash{Text: said, Bad: !v.In})
}

// note keeps the last few visits.
func (p *product) note(user string, v visit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := append([]visit{v}, p.visits[user]...)
	p.visits[user] = list[:min(len(list), 5)]
}

func (p *product) owns(ctx context.Context, user, id string) bool {
	c, err := p.api.GetConnection(ctx, id)
	return err == nil && user != "" && c.EndUser.ID == user
}

var notYours = flash{Text: "That account is not yours.", Bad: true}

// about says what a code that came back with the browser means.
func about(code lanyard.Code) flash {
	row := lanyard.RowOf(code)
	return flash{Text: row.Title + ". " + row.Happened + " " + row.Do, Bad: true, Code: row.Code}
}

// sorry says why a call to Lanyard did not work: what it lets a bot say, where
// there is such a sentence.
func sorry(err error) flash {
	e, ok := errors.AsType[*client.Error](err)
	switch {
	case !ok:
		return flash{Text: "Lanyard cannot be reached.", Bad: true}
	case e.UserMessage != "":
		return flash{Text: e.UserMessage, Bad: true}
	case e.RetryAfter > 0:
		return flash{Text: fmt.Sprintf("That did not work yet. Please try again in %d seconds.", e.RetryAfter), Bad: true}
	}
	return flash{Text: e.Detail, Bad: true}
}
