package lanyardtest_test

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// browser WHO … is a person's browser, with cookies of its own:
//
//	open URL                 looks at a page; head URL asks for its header only
//	continue URL             presses Continue on a connect page
//	consent PERSON [URL] [scopes=A,B]   agrees at the provider, as PERSON, where Continue led, or at URL
//	deny [URL]               says no there
//	follow                   goes where the last answer leads, one step
//	post URL [NAME=VALUE…]   sends a form from another site
//
// What it is answered is what expect and keep look at; it follows nothing by itself.
func cmdBrowser(p *play, ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: browser WHO open|head|continue|consent|deny|follow|post …")
	}
	b := p.browsers[args[0]]
	if b == nil {
		b = p.w.Browser()
		p.browsers[args[0]] = b
	}
	rest := args[2:]
	at := func(i int) string { // the address that is given, or where the last answer led
		if i < len(rest) {
			return rest[i]
		}
		if next := b.Next(); next != "" {
			return next
		}
		ts.Fatalf("%s's last answer leads nowhere: %d", args[0], b.Status)
		return ""
	}
	switch args[1] {
	case "open":
		b.Go(http.MethodGet, at(0), nil)
	case "head":
		b.Go(http.MethodHead, at(0), nil)
	case "continue":
		b.Go(http.MethodPost, at(0), url.Values{})
	case "follow":
		b.Go(http.MethodGet, at(0), nil)
	case "consent":
		more := "&sandbox_consent=allow&sandbox_person=" + rest[0]
		if n := len(rest); n > 1 && strings.HasPrefix(rest[n-1], "scopes=") {
			more += "&sandbox_scopes=" + url.QueryEscape(strings.TrimPrefix(rest[n-1], "scopes="))
			rest = rest[:n-1]
		}
		b.Go(http.MethodGet, at(1)+more, nil)
	case "deny":
		b.Go(http.MethodGet, at(0)+"&sandbox_consent=deny&sandbox_person=ana", nil)
	case "post":
		form := url.Values{}
		for name, value := range pairs(ts, rest[1:]) {
			form.Set(name, value)
		}
		b.PostFrom("https://provider.example", rest[0], form)
	default:
		ts.Fatalf("a browser cannot %s", args[1])
	}
	p.note(answer{url: b.At.String(), status: b.Status, header: b.Header, body: b.Body, next: b.Next()})
}
