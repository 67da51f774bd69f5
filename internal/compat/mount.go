package compat

import (
	"net/http"

	"lanyard"
	"lanyard/internal/web"
)

// Speaks says in whose words a bot was asked for: by its id, or what its runner calls it.
// DialectNone where there is no such bot, or none of theirs.
type Speaks func(r *http.Request, p lanyard.Principal, ref string) lanyard.Dialect

// Mount puts the dialects on the router, and the addresses of vendors that are not spoken
// here. It panics where a list of paths is not complete, like http.ServeMux.Handle.
func Mount(f *web.Front, speaks Speaks, dialects ...Dialect) {
	m := &mount{front: f, speaks: speaks}
	for _, d := range dialects {
		v := newVendor(d)
		m.vendors = append(m.vendors, v)
		f.Handle(v.base+"/", v)
		v.describe(f)
	}
	f.Handle(common+"/", m)
	for _, o := range Others {
		f.Handle("/"+o.Name+"/", absent(f, o.Say))
	}
}

// absent answers for every path of a vendor whose words are not spoken here.
func absent(f *web.Front, say string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.WriteProblem(w, r, lanyard.Errorf(lanyard.CodeNotFound, "%s", say))
	}
}

// mount is /api/v1.
type mount struct {
	front   *web.Front
	speaks  Speaks
	vendors []*vendor
}

func (m *mount) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p, err := m.front.Caller(r)
	if err == nil && p.Dialect != lanyard.DialectNone {
		m.dialect(w, r, p.Dialect)
		return
	}
	var have []*vendor
	for _, v := range m.vendors {
		if _, ok := v.at(r); ok {
			have = append(have, v)
		}
	}
	switch {
	case len(have) == 1 || len(have) > 1 && err != nil:
		have[0].ServeHTTP(w, r)
	case len(have) > 1:
		m.shared(w, r, p, have)
	default:
		m.nowhere(w, r)
	}
}

// dialect serves in the words of the key. A path of another vendor's is not there, and is
// said to be another's.
func (m *mount) dialect(w http.ResponseWriter, r *http.Request, d lanyard.Dialect) {
	var mine *vendor
	others := false
	for _, v := range m.vendors {
		if v.Name() == d {
			mine = v
		} else {
			others = others || v.knows(r)
		}
	}
	switch {
	case mine == nil:
		m.front.WriteProblem(w, r, lanyard.Errorf(lanyard.CodeNotFound, "this server does not speak the dialect of this key"))
	case others && !mine.knows(r):
		mine.Refuse(w, r, lanyard.Errorf(lanyard.CodeNotFound, "this key speaks the words of another vendor than this path's: use a key with its dialect, or with none"))
	default:
		mine.ServeHTTP(w, r)
	}
}

// nowhere answers where no vendor has the path with this method.
func (m *mount) nowhere(w http.ResponseWriter, r *http.Request) {
	for _, v := range m.vendors {
		if v.knows(r) {
			v.ServeHTTP(w, r)
			return
		}
	}
	r.Pattern = common + "/"
	m.front.WriteProblem(w, r, lanyard.Errorf(lanyard.CodeNotFound, "there is nothing at this address"))
}
