package connectpage_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"testing"
)

var serve = flag.Bool("serve", false, "serve the pages with pretended content until interrupted, and print where")

// TestServe is for looking at the pages, and for the browser tests: with -serve
// it prints one line of JSON that says where Lanyard, a provider and a customer
// are, three origins on two sites, and runs until interrupted.
func TestServe(t *testing.T) {
	if !*serve {
		return // not a skip: nothing is left unchecked
	}
	listen := func() (net.Listener, string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		return l, port
	}
	lanyardL, lanyardPort := listen()
	providerL, providerPort := listen()
	customerL, customerPort := listen()
	at := map[string]string{
		"lanyard":  "http://localhost:" + lanyardPort,
		"provider": "http://127.0.0.1:" + providerPort,
		"customer": "http://127.0.0.1:" + customerPort,
		"app":      someApp,
	}
	h, _ := handler(t, at["lanyard"], 0, &pretend{provider: at["provider"], customer: at["customer"]})
	for l, h := range map[net.Listener]http.Handler{
		lanyardL: h, providerL: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { pretendProvider(w, r, at) }),
		customerL: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { pretendCustomer(w, r, at) }),
	} {
		go func() { _ = http.Serve(l, h) }()
	}
	line, _ := json.Marshal(at)
	fmt.Println(string(line))
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	<-stop
}

// pretendProvider asks Allow or Deny. With cut=1 its page cuts the tie to the
// window that opened it, as the sign-in pages of large providers do; with auto=1
// it goes on by itself, as they do for who has allowed before.
func pretendProvider(w http.ResponseWriter, r *http.Request, at map[string]string) {
	q := r.URL.Query()
	back := at["lanyard"] + q.Get("redirect")
	yes := back + "?" + url.Values{"code": {"the-code"}, "state": {q.Get("state")}}.Encode()
	no := back + "?" + url.Values{"error": {"access_denied"}, "error_description": {"<b>no</b>"}, "state": {q.Get("state")}}.Encode()
	if c, err := r.Cookie("auto"); err == nil && c.Value == "1" {
		http.Redirect(w, r, yes, http.StatusFound)
		return
	}
	if q.Get("cut") == "1" {
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Provider</title><h1>Provider</h1>
<a id="allow" href="%s">Allow</a> <a id="deny" href="%s">Deny</a>
<form method="post" action="%s"><input type="hidden" name="code" value="the-code"><input type="hidden" name="state" value="%s"><button id="post">Allow by POST</button></form>`,
		html.EscapeString(yes), html.EscapeString(no), html.EscapeString(back), html.EscapeString(q.Get("state")))
}

// pretendCustomer is a page with a button for each way to connect, and the
// return URL's page.
func pretendCustomer(w http.ResponseWriter, r *http.Request, at map[string]string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	switch r.URL.Path {
	case "/app.js":
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, `for (const b of document.querySelectorAll("button[data-url]")) b.onclick = () => Lanyard.connect(b.dataset.url, {
  onComplete: (r) => result.textContent = "complete " + JSON.stringify(r),
  onError: (r) => result.textContent = "error " + JSON.stringify(r),
  onClosed: () => shut.textContent = "closed",
});`)
	case "/return":
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Back</title><h1>Back at the customer</h1><script src="%s/lanyard.js"></script>`, at["lanyard"])
	default:
		fmt.Fprint(w, `<!doctype html><html lang="en"><title>Customer</title><h1>Customer</h1>`)
		for _, link := range []string{"popup", "longway", "lost"} {
			fmt.Fprintf(w, `<button id="%s" data-url="%s/connect/%[1]s">%[1]s</button> `, link, at["lanyard"])
		}
		fmt.Fprintf(w, `<p id="result"></p><p id="shut"></p><script src="%s/lanyard.js"></script><script src="/app.js"></script>`, at["lanyard"])
	}
}
