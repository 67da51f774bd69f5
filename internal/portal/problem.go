package portal

import (
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"

	"lanyard"
	"lanyard/internal/page"
	"lanyard/internal/web"
)

// refuse shows why not, with the status of its kind. A connection that is not this
// person's, that the link's key does not reach, that is gone or never was has one
// answer.
func (p *Page) refuse(w http.ResponseWriter, r *http.Request, err error) {
	row := lanyard.RowOf(lanyard.CodeOf(err))
	n := page.Notice{Say: p.say.NoticeWords, Icon: "stop", RequestID: web.RequestOf(r.Context()).ID}
	switch row.Kind {
	case lanyard.NotFound, lanyard.Forbidden:
		row = lanyard.RowOf(lanyard.CodeNotFound)
		n.Icon, n.Retry, n.RetryLabel, n.RequestID = "info", "/portal", p.say.BackToList, ""
	case lanyard.Unauthenticated, lanyard.Gone:
		n.Icon, n.Close = "wait", true
	case lanyard.Limited, lanyard.Unavailable:
		n.Icon, n.Retry, n.RetryLabel = "wait", "/portal", p.say.BackToList
	}
	if e, ok := errors.AsType[*lanyard.Error](err); ok && e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if row.Kind == lanyard.Internal {
		p.Logger.LogAttrs(r.Context(), slog.LevelError, "portal refused",
			slog.String("request_id", n.RequestID), slog.String("code", string(row.Code)), slog.String("error", err.Error()))
	}
	row = p.say.row(row)
	n.Heading, n.Happened, n.Do = row.Title, row.Happened, row.Do
	p.kit.Show(w, r, web.Status(row.Code), p.sheet(n.Heading), n.Content())
}

// crossSite answers a button that another site pressed. The person is shown the
// way to press it themselves.
func (p *Page) crossSite(w http.ResponseWriter, r *http.Request) {
	n := page.Notice{Say: p.say.NoticeWords, Icon: "stop", Heading: p.say.CrossSiteTitle, Happened: p.say.CrossSite,
		Retry: "/portal", RetryLabel: p.say.BackToList, RequestID: web.RequestOf(r.Context()).ID}
	if link := r.PathValue("link"); link != "" {
		n.Retry, n.RetryLabel = openPath(link), p.say.OpenLink
	}
	p.kit.Show(w, r, http.StatusForbidden, p.sheet(n.Heading), n.Content())
}
