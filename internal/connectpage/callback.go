package connectpage

import (
	"mime"
	"net/http"
	"net/url"

	"lanyard"
	"lanyard/internal/flow"
	"lanyard/internal/page"
	"lanyard/internal/web"
)

// callback takes the provider's answer and sends the browser on, whatever came
// of it. No page is ever shown here: its address has a code in it (T06).
func (p *Page) callback(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead { // it would spend the state for somebody who only looks
		p.notHere(w, "GET, POST")
		return
	}
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		p.sendToProblem(w, r, lanyard.Errorf(lanyard.CodeAttemptUnknown, "the callback's query cannot be read"))
		return
	}
	rq := web.RequestOf(r.Context())
	a, err := p.pages.Callback(r.Context(), flow.CallbackRequest{
		App: lanyard.AppID(r.PathValue("app_id")), Params: params, Origin: rq.Origin, RequestID: rq.ID,
		Cookie: func(name string) string { return p.cookies.Get(r, name) },
	})
	if a.ClearCookie != "" {
		p.cookies.Clear(w, a.ClearCookie)
	}
	if err != nil {
		p.sendToProblem(w, r, err)
		return
	}
	p.cookies.Clear(w, retryCookie)
	if a.Origin == "" && a.RedirectURL != "" {
		page.Redirect(w, a.RedirectURL)
		return
	}
	p.sendToHandOver(w, a)
}

// maxForm is far above any provider's answer; an ID token is the longest thing in one.
const maxForm = 64 << 10

// callbackByPost takes the answer as a form (OAuth 2.0 Form Post Response Mode
// §2). The form comes from the provider's page without our SameSite=Lax cookie,
// so its parameters are kept and the browser comes again by GET, with the cookie.
func (p *Page) callbackByPost(w http.ResponseWriter, r *http.Request) {
	app := lanyard.AppID(r.PathValue("app_id"))
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" || !lanyard.ValidID("app_", string(app)) {
		p.sendToProblem(w, r, lanyard.Errorf(lanyard.CodeAttemptUnknown, "not a provider's answer"))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil || r.PostForm.Get("state") == "" {
		p.sendToProblem(w, r, lanyard.Errorf(lanyard.CodeAttemptUnknown, "the provider's form cannot be read"))
		return
	}
	handle, err := p.pages.Hold(r.Context(), app, r.PostForm)
	if err != nil {
		p.sendToProblem(w, r, err)
		return
	}
	page.Redirect(w, "/oauth/callback/"+url.PathEscape(string(app))+"?"+url.Values{"lanyard_handle": {handle}}.Encode())
}

func (p *Page) notHere(w http.ResponseWriter, allow string) {
	page.Policy{}.Set(w.Header())
	w.Header().Set("Allow", allow)
	w.WriteHeader(http.StatusMethodNotAllowed)
}
