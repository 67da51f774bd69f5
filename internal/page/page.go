package page

import (
	"bytes"
	"log/slog"
	"net/http"

	"github.com/a-h/templ"

	"lanyard/internal/web"
)

// Kit makes pages.
type Kit struct {
	Assets
	Logger *slog.Logger
}

// New returns a Kit.
func New(log *slog.Logger) (*Kit, error) {
	a, err := loadAssets()
	return &Kit{a, log}, err
}

// Words are what the frame around every page says, in one language.
type Words struct {
	Lang        string
	KeptBy      string
	NotRendered string
}

// Sheet is what every page needs besides its content.
type Sheet struct {
	Words
	Title  string
	Style  string // address of the style sheet
	Script string
	Mark   string
	Policy Policy
	Onward string // without script: where the page goes on to by itself
	Wide   bool   // a page with more to see than one thing
}

// Sheet starts a page.
func (k *Kit) Sheet(say Words, title string) Sheet {
	return Sheet{Words: say, Title: title, Style: k.Path("page.css"), Script: k.Path("page.js"), Mark: k.Path("mark.svg")}
}

// Show renders into memory first, so that a failing template is a clean 500 and
// never half a page under status 200.
func (k *Kit) Show(w http.ResponseWriter, r *http.Request, status int, s Sheet, content templ.Component) {
	var b bytes.Buffer
	if err := layout(s, content).Render(r.Context(), &b); err != nil {
		k.Logger.ErrorContext(r.Context(), "page not rendered", "request_id", web.RequestOf(r.Context()).ID, "error", err)
		http.Error(w, s.NotRendered, http.StatusInternalServerError)
		return
	}
	s.Policy.Set(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", s.Lang)
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the person has gone; nobody is left to tell
}

// Redirect is a 303, which a browser follows with a GET without the body (T06).
// It writes no page: a code could be in its address.
func Redirect(w http.ResponseWriter, to string) {
	Policy{}.Set(w.Header())
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
