package demo

import (
	"context"
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"lanyard"
	"lanyard/client"
	"lanyard/wire"
)

//go:embed product.html
var productHTML string

//go:embed product.css
var productCSS []byte

// product is Harbour Notes: what a customer writes to use Lanyard. It has its
// own users, who are whoever they say they are, and its own cookie.
type product struct {
	api     *client.Client
	page    *template.Template
	url     string
	sandURL string
}

// users are who can be logged in. Their ids are the product's own.
var users = []struct{ ID, Name string }{{"user-ana", "Ana"}, {"user-ben", "Ben"}, {"user-dana", "Dana"}}

func (d *Demo) productHandler() http.Handler {
	api, err := client.New(client.Config{Server: d.url, Key: lanyard.NewSecret(d.key)})
	p := &product{api: api, url: d.product, sandURL: d.sandURL, page: template.Must(template.New("").Parse(productHTML))}
	mux := http.NewServeMux()
	if err != nil { // the address is our own and valid
		mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		})
		return mux
	}
	mux.HandleFunc("GET /{$}", p.home)
	mux.HandleFunc("GET /product.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(productCSS)
	})
	mux.HandleFunc("POST /login", p.login)
	mux.HandleFunc("POST /connect", p.connect)
	mux.HandleFunc("GET /connected", p.connected)
	mux.HandleFunc("POST /disconnect", p.disconnect)
	mux.HandleFunc("POST /bot", p.bot)
	return http.NewCrossOriginProtection().Handler(mux)
}

const productCookie = "harbour_user"

func user(r *http.Request) string {
	c, err := r.Cookie(productCookie)
	if err != nil {
		return ""
	}
	for _, u := range users {
		if u.ID == c.Value {
			return u.ID
		}
	}
	return ""
}

// view is what the one page shows.
type view struct {
	User        string
	Users       []struct{ ID, Name string }
	Connections []wire.Connection
	Sandbox     string
	Said        string // what the last step led to
	Bad         bool
}

func (p *product) show(w http.ResponseWriter, r *http.Request, said string, bad bool) {
	v := view{User: user(r), Users: users, Sandbox: p.sandURL, Said: said, Bad: bad}
	if v.User != "" {
		list, err := p.api.ListConnections(r.Context(), client.ConnectionFilter{EndUserID: v.User}, client.Page{})
		if err != nil {
			v.Said, v.Bad = say(err), true
		} else {
			v.Connections = list.Data
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self' http: https:; base-uri 'none'; frame-ancestors 'none'")
	_ = p.page.Execute(w, v)
}

func (p *product) home(w http.ResponseWriter, r *http.Request) { p.show(w, r, "", false) }

func (p *product) login(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: productCookie, Value: r.FormValue("user"), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// connect invites whoever is logged in, and sends the browser to the invitation.
func (p *product) connect(w http.ResponseWriter, r *http.Request) {
	s, err := p.api.CreateConnectSession(r.Context(), wire.NewConnectSession{Provider: "zoom", EndUser: wire.EndUser{ID: user(r)}, ReturnURL: p.url + "/connected"})
	if err != nil {
		p.show(w, r, say(err), true)
		return
	}
	http.Redirect(w, r, s.ConnectURL, http.StatusSeeOther)
}

// connected is the return URL: the completion is traded by whoever is logged in
// now, which is what makes a stolen link worthless.
func (p *product) connected(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case q.Get("lanyard_completion") != "":
		c, err := p.api.CreateConnection(r.Context(), wire.NewConnection{Completion: q.Get("lanyard_completion"), EndUserID: user(r)})
		if err != nil {
			p.show(w, r, say(err), true)
			return
		}
		p.show(w, r, "Connected: "+c.Account.DisplayName+"’s "+c.Provider+" account.", false)
	case q.Get("lanyard_error") != "":
		row := lanyard.RowOf(lanyard.Code(q.Get("lanyard_error")))
		p.show(w, r, row.Title+". "+row.Do, true)
	default:
		p.show(w, r, "Connected again.", false)
	}
}

func (p *product) disconnect(w http.ResponseWriter, r *http.Request) {
	if !p.owns(r.Context(), user(r), r.FormValue("connection")) {
		p.show(w, r, "That is not yours.", true)
		return
	}
	gone, err := p.api.DeleteConnection(r.Context(), r.FormValue("connection"))
	if err != nil {
		p.show(w, r, say(err), true)
		return
	}
	p.show(w, r, "Disconnected. At Zoom: "+strings.ReplaceAll(gone.Outcome, "_", " ")+".", false)
}

// bot mints an on-behalf token and knocks at the meeting with it.
func (p *product) bot(w http.ResponseWriter, r *http.Request) {
	if !p.owns(r.Context(), user(r), r.FormValue("connection")) {
		p.show(w, r, "That is not yours.", true)
		return
	}
	out, err := p.api.CreateJoinTokens(r.Context(), wire.JoinTokenRequest{ConnectionID: r.FormValue("connection"), MeetingURL: r.FormValue("meeting"), Types: []string{"onbehalf"}})
	if err != nil {
		p.show(w, r, say(err), true)
		return
	}
	var answer struct{ Reason, Message string }
	d := &Demo{sandURL: p.sandURL}
	status, err := d.do(r.Context(), call{method: "POST", path: p.sandURL + "/zoom/meetings/" + url.PathEscape(out.MeetingNumber) + "/join",
		body: map[string]string{"bot_name": "Harbour Notes", "onbehalf_token": out.Tokens[0].Token}}, "", &answer)
	switch {
	case err != nil:
		p.show(w, r, "The meeting could not be reached.", true)
	case status == http.StatusOK:
		p.show(w, r, "The bot is in meeting "+out.MeetingNumber+".", false)
	default:
		p.show(w, r, "Zoom did not let the bot in: "+answer.Message, true)
	}
}

func (p *product) owns(ctx context.Context, user, id string) bool {
	c, err := p.api.GetConnection(ctx, id)
	return err == nil && user != "" && c.EndUser.ID == user
}

func say(err error) string {
	if e, ok := errors.AsType[*client.Error](err); ok {
		if e.UserMessage != "" {
			return e.UserMessage
		}
		return e.Detail
	}
	return "Lanyard cannot be reached."
}
