package provider_test

import (
	"testing"

	"lanyard"
	"lanyard/internal/provider"
)

// A call with a token goes to the base, to a host of the catalogue's list, and nowhere
// else; an app with an API of its own has that alone (T28).
func TestWhereCallsGo(t *testing.T) {
	google := mustTarget(t, lanyard.App{ID: "app_1", Provider: "google", ClientID: "client"})
	zoom := mustTarget(t, lanyard.App{ID: "app_1", Provider: "zoom", ClientID: "client"})
	own := mustTarget(t, lanyard.App{ID: "app_1", Provider: "zoom", ClientID: "client", Endpoints: map[string]string{"api": "https://zoom.example.com/base"}})
	for _, c := range []struct {
		name                 string
		target               *provider.Target
		answered, host, want string
	}{
		{"the usual one", google, "", "", "https://www.googleapis.com"},
		{"named", google, "", "www.googleapis.com", "https://www.googleapis.com"},
		{"another of the list", google, "", "gmail.googleapis.com", "https://gmail.googleapis.com"},
		{"below one of the list", google, "", "evil.gmail.googleapis.com", ""},
		{"with a port", google, "", "gmail.googleapis.com:8443", ""},
		{"with a user", google, "", "x@gmail.googleapis.com", ""},
		{"with a path", google, "", "gmail.googleapis.com/x", ""},
		{"with a dot at the end", google, "", "gmail.googleapis.com.", ""},
		{"not of the list", google, "", "evil.example", ""},
		{"where the token answer says", zoom, "https://zoom.us", "", "https://zoom.us"},
		{"unless it may not", zoom, "https://evil.example", "", "https://api.zoom.us"},
		{"in the clear", zoom, "http://api.zoom.us", "", "https://api.zoom.us"},
		{"the app's own", own, "", "", "https://zoom.example.com/base"},
		{"which has no other", own, "", "api.zoom.us", ""},
		{"whatever the token answer says", own, "https://api.zoom.us", "", "https://zoom.example.com/base"},
	} {
		u, err := c.target.APIAt(lanyard.TokenSet{APIBase: c.answered}, c.host)
		got := ""
		if err == nil {
			got = u.String()
		}
		if got != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}
