package sandbox

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"time"
)

//go:embed pages
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

const maxPending = 10_000

// consentPage shows who asks for what, with a chooser of persons. It works without script.
func (s *Sandbox) consentPage(w http.ResponseWriter, r *http.Request, req *authRequest, who *Person) {
	now := time.Now()
	for id, old := range s.pending {
		if now.After(old.expires) || len(s.pending) >= maxPending {
			delete(s.pending, id)
		}
	}
	req.expires = now.Add(10 * time.Minute)
	id := randomText(24)
	s.pending[id] = req
	if who == nil {
		if cookie, err := r.Cookie("sandbox_person"); err == nil {
			who = req.provider.person(cookie.Value)
		}
	}
	if who == nil {
		who = req.provider.people[0]
	}
	type line struct {
		Name, Say string
		Optional  bool
	}
	var lines []line
	for _, x := range append(slices.Clone(req.scopes), req.userScopes...) {
		lines = append(lines, line{x, plainWords[x], slices.Contains(req.optional, x)})
	}
	host := ""
	if u, err := url.Parse(req.redirectURI); err == nil {
		host = u.Host
	}
	s.page(w, http.StatusOK, "consent.html", map[string]any{
		"Provider": req.provider.id, "ProviderName": req.provider.name, "App": req.client.Name, "Host": host,
		"Request": id, "People": req.provider.people, "Chosen": who.Handle, "Scopes": lines,
	})
}

// decide is what the consent page posts to.
func (s *Sandbox) decide(p *provider) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			s.stopPage(w, p, &mistake{"Invalid request", "The form could not be read.", "malformed form"}, "")
			return
		}
		req := s.pending[r.PostForm.Get("request")]
		if req == nil || req.provider != p || time.Now().After(req.expires) {
			s.stopPage(w, p, &mistake{"This page has expired", "It was answered already, or it was open for more than ten minutes. Go back to the app and begin again.", "stale consent"}, "")
			return
		}
		who := p.person(r.PostForm.Get("person"))
		decision := r.PostForm.Get("decision")
		if who == nil || decision != "allow" && decision != "deny" {
			s.stopPage(w, p, &mistake{"Invalid request", "Choose a person, and Allow or Deny.", "incomplete consent"}, "")
			return
		}
		delete(s.pending, r.PostForm.Get("request"))
		http.SetCookie(w, &http.Cookie{Name: "sandbox_person", Value: who.Handle, Path: "/" + p.id + "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		if decision == "deny" {
			s.deny(w, r, req, who)
			return
		}
		s.allow(w, r, req, who, r.PostForm["scope"])
	}
}

// unknownClient says that nobody is registered silently, and how it is done if the sandbox is open.
func (s *Sandbox) unknownClient(p *provider, id, redirect string) *mistake {
	text := "There is no app with the client_id " + id + " at this pretend " + p.name + "."
	if s.config.OpenRegistration {
		text += ` Register it with POST ` + s.base + `/admin/clients {"provider":"` + p.id + `","client_id":"…","redirect_uris":["…"]}; it asked to return to ` + redirect + "."
	}
	return &mistake{"Unknown app", text, "unknown client"}
}

// wrongPage tells the person what an app's developer must repair.
func (s *Sandbox) wrongPage(w http.ResponseWriter, p *provider, m *mistake) {
	s.stopPage(w, p, m, "This page is for the developer of the app. Nobody was sent back to it, because its address could not be trusted.")
}

func (s *Sandbox) stopPage(w http.ResponseWriter, p *provider, m *mistake, note string) {
	s.ledger.add(Entry{Event: "refused", Provider: p.id, Kind: "authorize", Detail: m.cause})
	s.page(w, http.StatusBadRequest, "wrong.html", map[string]any{"Provider": p.id, "ProviderName": p.name, "Title": m.title, "Text": m.text, "Note": note})
}

func (s *Sandbox) page(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		s.log.Error("page", "name", name, "error", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html;charset=UTF-8")
	// form-action lets the answer through to any app: browsers apply it to redirects after the form as well.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' http: https:")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // into a buffer
}

func asset(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=300")
		http.ServeFileFS(w, r, pageFiles, "pages/"+name)
	}
}

// plainWords say what a scope lets an app do.
var plainWords = map[string]string{
	"openid":  "Know who you are",
	"email":   "See your e-mail address",
	"profile": "See your name",
	"https://www.googleapis.com/auth/userinfo.email":           "See your e-mail address",
	"https://www.googleapis.com/auth/userinfo.profile":         "See your name",
	"https://www.googleapis.com/auth/calendar.readonly":        "See your calendars without changing them",
	"https://www.googleapis.com/auth/calendar.events.readonly": "See the events in your calendars",
	"https://www.googleapis.com/auth/calendar.events":          "See and change the events in your calendars",
	"offline_access":                     "Keep access while you are away",
	"User.Read":                          "Sign you in and read your profile",
	"Calendars.Read":                     "Read your calendars",
	"OnlineMeetings.Read":                "Read your online meetings",
	"user:read:user":                     "See your name, e-mail address and personal meeting ID",
	"user:read":                          "See your profile",
	"user:read:token":                    "Bring a bot into meetings that you are in",
	"user:read:zak":                      "Start and join meetings as you",
	"user_zak:read":                      "Start and join meetings as you",
	"meeting:read:list_meetings":         "See the meetings you have scheduled",
	"meeting:read:meeting":               "See the details of your meetings",
	"meeting:read:local_recording_token": "Record the meetings you host without asking each time",
	"meeting_token:read:local_recording": "Record the meetings you host without asking each time",
	"meeting:read:live_streaming_token":  "Stream the meetings you host",
	"chat:write":                         "Post messages as the app",
	"users:read":                         "See who is in the workspace",
	"channels:read":                      "See the public channels",
	"channels:history":                   "Read the public channels it is in",
}
