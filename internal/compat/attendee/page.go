package attendee

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"strings"

	"lanyard"
)

// list is a page of results, with the addresses of those beside it.
type list struct {
	Next     *string `json:"next"`
	Previous *string `json:"previous"`
	Results  any     `json:"results"`
}

const perPage = 25

// A cursor is opaque to whoever is given one: which way, and from which id.
const after, before = "n.", "p."

// pageOf reads the cursor of a request, for a list of things whose ids have this prefix.
func pageOf(r *http.Request, prefix string) (lanyard.Page, error) {
	page := lanyard.Page{Limit: perPage}
	cursor := r.URL.Query().Get("cursor")
	if cursor == "" {
		return page, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(cursor, "="))
	id, forth := strings.CutPrefix(string(raw), after)
	if !forth {
		id, page.Back = strings.CutPrefix(string(raw), before)
	}
	if err != nil || !forth && !page.Back || !lanyard.ValidID(prefix, id) {
		return page, &refusal{http.StatusNotFound, detail("Invalid cursor")}
	}
	page.Cursor = id
	return page, nil
}

// links are the addresses of the pages beside one of these ids, of which a key with limits may
// reach none; more is the cursor that the store gave for going on the same way.
func (a *API) links(r *http.Request, page lanyard.Page, ids []string, more string) (next, previous *string) {
	if len(ids) == 0 { // nothing is shown of it: on from where the store has come to
		ids = []string{cmp.Or(more, page.Cursor)}
	}
	first, last := ids[0], ids[len(ids)-1]
	if page.Back || more != "" {
		next = a.link(r, after+last)
	}
	if page.Back && more != "" || !page.Back && page.Cursor != "" {
		previous = a.link(r, before+first)
	}
	return next, previous
}

func (a *API) link(r *http.Request, cursor string) *string {
	q := r.URL.Query()
	q.Set("cursor", base64.RawURLEncoding.EncodeToString([]byte(cursor)))
	s := a.Front.PublicURL() + r.URL.EscapedPath() + "?" + q.Encode()
	return &s
}
