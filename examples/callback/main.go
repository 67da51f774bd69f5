// Command callback is a customer's own site that connects its users' accounts, with a
// callback of its own: GET /connect leads to the provider, and /callback ends the journey.
//
//	LANYARD_URL=http://localhost:8080 LANYARD_KEY=lyk_… LANYARD_APP=app_… go run ./examples/callback
//
// The address of /callback is one of the app's redirect_uris, here and at the provider.
package main

import (
	"bytes"
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const cookie = "lanyard_state"

var (
	server = os.Getenv("LANYARD_URL")
	listen = cmp.Or(os.Getenv("LISTEN"), "localhost:7000")
	own    = cmp.Or(os.Getenv("PUBLIC_URL"), "http://"+listen) + "/callback"
)

// user is who is logged in at this site. A real one asks its session.
func user(*http.Request) string { return "user-42" }

func main() {
	http.HandleFunc("GET /connect", connect)
	http.HandleFunc("GET /callback", callback)
	log.Fatal((&http.Server{Addr: listen, ReadHeaderTimeout: 5 * time.Second}).ListenAndServe())
}

// lanyard makes one call with the key, which stays on this side of the browser.
func lanyard(r *http.Request, method, path string, in, out any) error {
	body, _ := json.Marshal(in) // texts: it cannot fail
	if in == nil {
		body = nil
	}
	call, err := http.NewRequestWithContext(r.Context(), method, server+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	call.Header.Set("Authorization", "Bearer "+os.Getenv("LANYARD_KEY"))
	call.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(call)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		var problem struct{ Code, Detail string }
		_ = json.NewDecoder(resp.Body).Decode(&problem)
		return fmt.Errorf("%s: %s", problem.Code, problem.Detail)
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

func connect(w http.ResponseWriter, r *http.Request) {
	var to struct {
		AuthorizeURL string `json:"authorize_url"`
		State        string `json:"state"`
	}
	q := url.Values{"app_id": {os.Getenv("LANYARD_APP")}, "redirect_uri": {own}, "end_user_id": {user(r)}}
	if err := lanyard(r, http.MethodGet, "/v1/authorize-url?"+q.Encode(), nil, &to); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	// Only the browser that began may end the journey.
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: to.State, Path: "/callback", MaxAge: 600, HttpOnly: true,
		Secure: strings.HasPrefix(own, "https:"), SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, to.AuthorizeURL, http.StatusSeeOther)
}

func callback(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	began, err := r.Cookie(cookie)
	switch {
	case err != nil || subtle.ConstantTimeCompare([]byte(began.Value), []byte(q.Get("state"))) != 1:
		http.Error(w, "This is not the browser that began.", http.StatusBadRequest)
		return
	case q.Get("code") == "":
		http.Error(w, "Access was not allowed.", http.StatusForbidden)
		return
	}
	var c struct{ ID, Provider, Status string }
	if err := lanyard(r, http.MethodPost, "/v1/connections", map[string]string{"app_id": os.Getenv("LANYARD_APP"), "code": q.Get("code"),
		"state": q.Get("state"), "redirect_uri": own, "end_user_id": user(r)}, &c); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	fmt.Fprintf(w, "connected %s %s %s\n", c.Provider, c.ID, c.Status)
}
