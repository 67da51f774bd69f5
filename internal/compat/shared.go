package compat

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"

	"lanyard"
	"lanyard/internal/web"
)

// shared serves a path that several vendors have, for a key that speaks no dialect: a list
// with the members of all of them; what is about a bot, in the words that it was asked for in.
func (m *mount) shared(w http.ResponseWriter, r *http.Request, p lanyard.Principal, have []*vendor) {
	if path, _ := have[0].at(r); r.Method == http.MethodGet && path.How == Served {
		together(w, r, have)
		return
	}
	d := lanyard.DialectNone
	if m.speaks != nil {
		d = m.speaks(r, p, refOf(r))
	}
	for _, v := range have {
		if v.Name() == d {
			v.ServeHTTP(w, r)
			return
		}
	}
	have[0].ServeHTTP(w, r)
}

// refOf is the bot of a path below /bots.
func refOf(r *http.Request) string {
	rest, ok := strings.CutPrefix(r.URL.Path, common+"/bots/")
	if !ok {
		return ""
	}
	ref, _, _ := strings.Cut(rest, "/")
	return ref
}

// together answers with the members of all the vendors' answers; the first that is not a
// success is the answer. A cursor is of one of their lists, so whoever does not know it is
// left out, unless nobody does; who cannot answer for another reason is not.
func together(w http.ResponseWriter, r *http.Request, have []*vendor) {
	members := map[string]json.RawMessage{}
	var refused *web.Held
	for _, v := range have {
		a := &web.Held{}
		v.ServeHTTP(a, r)
		var mine map[string]json.RawMessage
		if err := json.Unmarshal(a.Body.Bytes(), &mine); a.Status() == http.StatusOK && err == nil {
			maps.Copy(members, mine)
		} else if refused == nil || unknown(refused) && !unknown(a) {
			refused = a
		}
	}
	if refused != nil && (len(members) == 0 || !r.URL.Query().Has("cursor") || !unknown(refused)) {
		maps.Copy(w.Header(), refused.Header())
		w.WriteHeader(refused.Status())
		_, _ = w.Write(refused.Body.Bytes()) // the caller has gone
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(members)
}

// unknown says whether a vendor may have refused a list because its cursor is another's.
func unknown(a *web.Held) bool {
	return a.Status() == http.StatusBadRequest || a.Status() == http.StatusNotFound
}
