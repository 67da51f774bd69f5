package compat

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"lanyard"
)

// vendor is a dialect on the router.
type vendor struct {
	Dialect
	base  string         // "/attendee/api/v1"
	exact *http.ServeMux // "GET /attendee/api/v1/bots/{id}", and the same at /api/v1
	any   *http.ServeMux // the paths alone, to know which methods they take
	paths map[string][]Path
}

// common is where each vendor's clients have the API below the vendor's own address.
const common = "/api/v1"

func newVendor(d Dialect) *vendor {
	v := &vendor{Dialect: d, base: "/" + string(d.Name()) + common, exact: http.NewServeMux(), any: http.NewServeMux(), paths: map[string][]Path{}}
	for _, p := range d.Paths() {
		if p.How == Absent == (p.Serve != nil) || p.How == Absent && p.Say == "" || p.How == Absent != (p.Scope == "") {
			panic(fmt.Sprintf("compat: %s %s %s is neither served for a scope nor absent with a sentence", d.Name(), p.Method, p.Pattern))
		}
		for _, base := range []string{v.base, common} {
			whole := base + p.Pattern
			v.exact.HandleFunc(p.Method+" "+whole, v.serving(p))
			if v.paths[whole] == nil {
				v.any.HandleFunc(whole, v.wrongMethod)
			}
			v.paths[whole] = append(v.paths[whole], p)
		}
	}
	return v
}

func (v *vendor) serving(p Path) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		switch {
		case r.Method == http.MethodHead: // a GET of a vendor's may do something
			v.wrongMethod(w, r)
		case p.How == Absent:
			v.Refuse(w, r, lanyard.Errorf(lanyard.CodeNotFound, "%s", p.Say))
		default:
			p.Serve(w, r)
		}
	}
}

func (v *vendor) wrongMethod(w http.ResponseWriter, r *http.Request) {
	_, pattern := v.any.Handler(r)
	for _, p := range v.paths[pattern] {
		if allow := w.Header().Get("Allow"); allow == "" {
			w.Header().Set("Allow", p.Method)
		} else {
			w.Header().Set("Allow", allow+", "+p.Method)
		}
	}
	v.Refuse(w, r, lanyard.Errorf(lanyard.CodeMethodNotAllowed, ""))
}

// at returns the path that a request means; ok is false where there is none with its method.
func (v *vendor) at(r *http.Request) (p Path, ok bool) {
	_, pattern := v.exact.Handler(r)
	method, whole, _ := strings.Cut(pattern, " ")
	i := slices.IndexFunc(v.paths[whole], func(p Path) bool { return p.Method == method })
	if i < 0 {
		return Path{}, false
	}
	return v.paths[whole][i], true
}

// knows says whether the vendor has the path, with whatever method.
func (v *vendor) knows(r *http.Request) bool {
	_, pattern := v.any.Handler(r)
	return pattern != ""
}

// ServeHTTP answers for every path below the vendor's.
func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch _, ok := v.at(r); {
	case ok:
		v.exact.ServeHTTP(w, r)
	case v.knows(r):
		v.any.ServeHTTP(w, r)
	default:
		v.Refuse(w, r, lanyard.Errorf(lanyard.CodeNotFound, "there is nothing at this address"))
	}
}
