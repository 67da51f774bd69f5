package connectpage

import (
	"errors"
	"log/slog"
	"math"
	"net/http"
	"regexp"
	"strconv"

	"lanyard"
	"lanyard/internal/page"
	"lanyard/internal/web"
)

// pageOf returns the row whose page is shown for err. What a person can do
// nothing about is "internal" to them; it is logged here, since nobody above
// would.
func (p *Page) pageOf(r *http.Request, err error) lanyard.Row {
	row := lanyard.RowOf(lanyard.CodeOf(err))
	if row.Person && row.Kind != lanyard.Internal {
		return row
	}
	p.log.LogAttrs(r.Context(), slog.LevelError, "page refused",
		slog.String("request_id", web.RequestOf(r.Context()).ID), slog.String("code", string(row.Code)), slog.String("error", err.Error()))
	return lanyard.RowOf(lanyard.CodeInternal)
}

// refuse shows err's page at this address, with the status of its kind.
func (p *Page) refuse(w http.ResponseWriter, r *http.Request, err error, retry string) {
	row := p.pageOf(r, err)
	if e, ok := errors.AsType[*lanyard.Error](err); ok && e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	p.showRow(w, r, row, retry, web.RequestOf(r.Context()).ID)
}

// sendToProblem leads away from an address that has a code in it. The request id
// goes along, because the log has the line of this request and not of the next.
func (p *Page) sendToProblem(w http.ResponseWriter, r *http.Request, err error) {
	to := "/connect/problem/" + string(p.pageOf(r, err).Code)
	if id := web.RequestOf(r.Context()).ID; requestShape.MatchString(id) {
		to += "/" + id
	}
	page.Redirect(w, to)
}

var requestShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// problem is the page of one code. It keeps nothing and reads nothing but the
// link that this browser came from.
func (p *Page) problem(w http.ResponseWriter, r *http.Request) {
	row := lanyard.RowOf(lanyard.Code(r.PathValue("code")))
	if !row.Person || string(row.Code) != r.PathValue("code") {
		row = lanyard.RowOf(lanyard.CodeLinkUnknown)
	}
	id := r.PathValue("request")
	if !requestShape.MatchString(id) {
		id = ""
	}
	retry := ""
	if l := p.cookies.Get(r, retryCookie); l != "" && row.Kind != lanyard.NotFound {
		retry = retryOf(l, row.Code)
	}
	p.showRow(w, r, row, retry, id)
}

func (p *Page) showRow(w http.ResponseWriter, r *http.Request, row lanyard.Row, retry, id string) {
	row = p.say.row(row)
	v := page.Notice{Say: p.say.NoticeWords, Icon: "stop", Heading: row.Title, Happened: row.Happened, Do: row.Do,
		Retry: retry, RetryLabel: p.say.TryAgain, Close: true, RequestID: id}
	switch row.Kind {
	case lanyard.Unavailable, lanyard.Limited:
		v.Icon = "wait"
	case lanyard.Conflict:
		v.Icon = "info"
	}
	if row.Code == lanyard.CodeLinkUsed {
		v.Icon = "check"
	}
	p.kit.Show(w, r, web.Status(row.Code), p.sheet(row.Title), v.Content())
}
