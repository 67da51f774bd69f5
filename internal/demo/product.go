package demo

import (
	"cmp"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"sync"
	"time"

	"lanyard"
	"lanyard/client"
	"lanyard/wire"
)

//go:embed product.html
var productHTML string

//go:embed product.css
var productCSS []byte

//go:embed product.js
var productJS []byte

//go:embed product.svg
var productMark []byte

// product is Harbour Notes: what a customer writes to use Lanyard. It has its
// own users, who are whoever they say they are, and its own cookie.
//
//	POST /login                who is logged in
//	POST /connect              invites them and sends the browser to the invitation
//	POST /invitation           the same for a pop-up: {"connect_url"}, for product.js
//	GET  /connected            the return URL: the completion is traded, and the address is clean again
//	GET  /handed-over          the return URL of a pop-up, whose result goes to the page that opened it
//	POST /complete             the completion that a pop-up brought
//	POST /reconnect, /disconnect, /bot
type product struct {
	api     *client.Client
	pages   *template.Template
	url     string
	lanyard string
	sandURL string

	mu     sync.Mutex
	visits map[string][]visit // by user, newest first
}

// person is a user of the product. The id is the product's own.
type person struct{ ID, Name, Job string }

// Initial stands in for a picture.
func (p person) Initial() string { return p.Name[:1] }

var users = []person{{"user-ana", "Ana", "Account manager"}, {"user-ben", "Ben", "Sales lead"}, {"user-dana", "Dana", "Administrator"}}

// visit is one time that a bot was sent to a meeting.
type visit struct {
	Meeting, Said string
	At            time.Time
	In            bool
}

func (d *Demo) productHandler() http.Handler {
	api, err := client.New(client.Config{Server: d.url, Key: lanyard.NewSecret(d.key)})
	p := &product{api: api, url: d.product, lanyard: d.url, sandURL: d.sandURL, visits: map[string][]visit{},
		pages: template.Must(template.New("").Parse(productHTML))}
	mux := http.NewServeMux()
	if err != nil { // the address is our own and valid
		mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		})
		return mux
	}
	mux.HandleFunc("GET /{$}", p.home)
	mux.HandleFunc("GET /product.css", file("text/css; charset=utf-8", productCSS))
	mux.HandleFunc("GET /product.js", file("text/javascript; charset=utf-8", productJS))
	mux.HandleFunc("GET /product.svg", file("image/svg+xml", productMark))
	mux.HandleFunc("POST /login", p.login)
	mux.HandleFunc("GET /connected", p.connected)
	mux.HandleFunc("GET /handed-over", p.handedOver)
	for path, h := range map[string]http.HandlerFunc{"/connect": p.connect, "/invitation": p.invitation, "/complete": p.complete,
		"/reconnect": p.reconnect, "/disconnect": p.disconnect, "/bot": p.bot} {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			if user(r).ID == "" {
				p.tell(w, r, flash{Text: "Log in first.", Bad: true})
				return
			}
			h(w, r)
		})
	}
	return http.NewCrossOriginProtection().Handler(mux)
}

func file(contentType string, b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(b)
	}
}

const (
	userCookie  = "harbour_user"
	flashCookie = "harbour_said"
)

// user is who is logged in; nobody has no ID.
func user(r *http.Request) person {
	c, err := r.Cookie(userCookie)
	if err != nil {
		return person{}
	}
	i := slices.IndexFunc(users, func(u person) bool { return u.ID == c.Value })
	if i < 0 {
		return person{}
	}
	return users[i]
}

// flash is what the last step led to, for the next page and that alone.
type flash struct {
	Text string       `json:"t"`
	Bad  bool         `json:"b,omitempty"`
	Code lanyard.Code `json:"c,omitempty"` // leads to Lanyard's page about it, if it has one
}

// tell sends the browser to the page with what there is to say. It leaves
// nothing of the step in the address (T06).
func (p *product) tell(w http.ResponseWriter, r *http.Request, f flash) {
	raw, err := json.Marshal(f)
	if err == nil {
		setCookie(w, flashCookie, base64.RawURLEncoding.EncodeToString(raw), 60)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func told(w http.ResponseWriter, r *http.Request) (f flash) {
	c, err := r.Cookie(flashCookie)
	if err != nil {
		return f
	}
	setCookie(w, flashCookie, "", -1)
	raw, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || json.Unmarshal(raw, &f) != nil {
		return flash{}
	}
	return f
}

func setCookie(w http.ResponseWriter, name, value string, age int) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// view is what the pages show.
type view struct {
	User        person
	Users       []person
	Connections []account
	Visits      []visit
	Lanyard     string // its address
	Sandbox     string
	Said        flash
	About       string // Lanyard's page about what was said
	Completion  string // of a pop-up
	Failure     string // or why there is none
}

// account is a connection in the product's words.
type account struct {
	wire.Connection
	Word, Tone string // Tone: good, warn
	Again      bool   // connecting again would help
}

var statusWords = map[string][2]string{"active": {"Connected", "good"}, "partial": {"Some access missing", "warn"},
	"degraded": {"Not working right now", "warn"}, "needs_reauth": {"Connect again", "warn"}, "paused": {"Paused", "warn"}}

// Initial stands in for a picture.
func (a account) Initial() string {
	for _, letter := range cmp.Or(a.Account.DisplayName, a.Account.Email, a.Provider) {
		return string(letter)
	}
	return ""
}

func (p *product) home(w http.ResponseWriter, r *http.Request) {
	v := view{User: user(r), Users: users, Lanyard: p.lanyard, Sandbox: p.sandURL, Said: told(w, r)}
	if v.User.ID == "" {
		p.show(w, "front", v)
		return
	}
	list, err := p.api.ListConnections(r.Context(), client.ConnectionFilter{EndUserID: v.User.ID}, client.Page{})
	if err != nil {
		v.Said = sorry(err)
	} else {
		for _, c := range list.Data {
			if words, ok := statusWords[c.Status]; ok { // a revoked one is gone
				v.Connections = append(v.Connections, account{c, words[0], words[1], c.ReconnectURL != ""})
			}
		}
	}
	if v.Said.Code != "" && lanyard.RowOf(v.Said.Code).Person {
		v.About = p.lanyard + "/connect/problem/" + string(v.Said.Code)
	}
	p.mu.Lock()
	v.Visits = slices.Clone(p.visits[v.User.ID])
	p.mu.Unlock()
	p.show(w, "accounts", v)
}

func (p *product) show(w http.ResponseWriter, name string, v view) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	// script-src names Lanyard for /lanyard.js. Browsers apply form-action to the
	// redirects after Connect as well, and those lead to any provider.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; script-src 'self' "+p.lanyard+
		"; form-action 'self' http: https:; base-uri 'none'; frame-ancestors 'none'")
	_ = p.pages.ExecuteTemplate(w, name, v) // the reader may have gone
}

func (p *product) login(w http.ResponseWriter, r *http.Request) {
	setCookie(w, userCookie, r.FormValue("user"), 0)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
