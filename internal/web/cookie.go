package web

import (
	"net/http"
	"time"
)

// Cookies sets and reads our cookies. On https they are __Host- cookies, which
// a neighbouring subdomain can neither set nor read (RFC 6265bis §4.1.3.2); on
// http, which is loopback only, browsers refuse those, so they have no prefix
// and are not Secure.
type Cookies struct{ Secure bool }

// Name returns the whole name: __Host-lanyard_flow or lanyard_flow.
func (c Cookies) Name(name string) string {
	if c.Secure {
		return "__Host-lanyard_" + name
	}
	return "lanyard_" + name
}

// Set sets a cookie that lives for age; 0: until the browser closes. It is sent
// on top-level GETs from elsewhere (SameSite=Lax), which the return from a
// provider needs, and no script can read it.
func (c Cookies) Set(w http.ResponseWriter, name, value string, age time.Duration) {
	http.SetCookie(w, c.cookie(name, value, int(age/time.Second)))
}

// Clear takes it away.
func (c Cookies) Clear(w http.ResponseWriter, name string) {
	http.SetCookie(w, c.cookie(name, "", -1))
}

// Get returns its value; "" if there is none, or more than one, which is
// somebody trying to make us pick theirs.
func (c Cookies) Get(r *http.Request, name string) string {
	if all := r.CookiesNamed(c.Name(name)); len(all) == 1 {
		return all[0].Value
	}
	return ""
}

func (c Cookies) cookie(name, value string, age int) *http.Cookie {
	return &http.Cookie{Name: c.Name(name), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: c.Secure, SameSite: http.SameSiteLaxMode}
}
