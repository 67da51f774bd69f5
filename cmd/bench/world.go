package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/sandbox"
)

// world is what is measured: one database, and what leads to it.
type world struct {
	options
	dir         string
	databaseURL string // empty: SQLite
	address     string // of the product, the same at every start: its database remembers for whom it was made
	key         string // an API key
	original    string // id of the connection that came by the whole journey
	grant       lanyard.GrantID
	app         lanyard.AppID // of both
	project     lanyard.ProjectID
	sqlite      string // path of the database, where it is not in dir/data
	twinURL     string // of the database that is made for the other side
	apiURL      string // of the provider's API, where it is not the sandbox
	ids         []string
	plainKey    []byte // of the ceiling
}

func (w *world) name() string {
	if w.databaseURL == "" {
		return "sqlite"
	}
	return "postgres"
}

const (
	appURL     = "http://localhost:7000/connected" // of the customer's pretend product; nobody goes there
	person     = "ana"                             // of the sandbox's cast
	zoomScopes = "user:read:user user:read:token user:read:zak meeting:read:list_meetings meeting:read:local_recording_token"
)

// withSandbox calls fn while a pretend provider runs.
func (w *world) withSandbox(ctx context.Context, fn func(base string, box *sandbox.Sandbox) error) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	base := "http://" + l.Addr().String()
	box, err := sandbox.New(sandbox.Config{BaseURL: base, OpenRegistration: true})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer box.Close()
	provider := &http.Server{Handler: box.Handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = provider.Serve(l) }() // ends by Close
	defer func() { _ = provider.Close() }()
	return fn(base, box)
}

// prepare connects one account by the whole journey, makes its token expired,
// and asks for it many times at once.
func (w *world) prepare(ctx context.Context) (e expired, err error) {
	err = w.withSandbox(ctx, func(base string, box *sandbox.Sandbox) (err error) {
		client, err := w.first(ctx, base, box)
		if err != nil {
			return err
		}
		if err := w.expire(ctx); err != nil {
			return fmt.Errorf("expire: %w", err)
		}
		product, err := w.startProduct(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, product.close()) }()
		e.Reads = expiredReads
		if e.Took, e.Tokens, err = w.readAtOnce(ctx, product, expiredReads); err != nil {
			return err
		}
		for _, event := range []string{"used", "refused", "expired", "reuse_detected"} {
			e.ProviderCalls += len(box.Ledger(sandbox.Query{Client: client, Kind: "refresh", Event: event}))
		}
		return nil
	})
	return e, err
}

// first starts the product on the empty database and makes the connection.
func (w *world) first(ctx context.Context, provider string, box *sandbox.Sandbox) (client string, err error) {
	product, err := w.startProduct(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, product.close()) }()
	w.key = product.Key
	client, err = w.connect(ctx, product.URL, provider, box)
	if err != nil {
		return "", fmt.Errorf("connect: %w", err)
	}
	return client, nil
}

// connect takes a person through the hosted journey and leaves the connection's
// id in w.original.
func (w *world) connect(ctx context.Context, server, provider string, box *sandbox.Sandbox) (client string, err error) {
	api := func(method, path string, in any) (out map[string]any, err error) {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		r, err := http.NewRequestWithContext(ctx, method, server+path, bytes.NewReader(raw))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+w.key)
		r.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		if resp.StatusCode >= 300 {
			text, _ := io.ReadAll(io.LimitReader(resp.Body, 500)) // for the message
			return nil, fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, text)
		}
		return out, json.NewDecoder(resp.Body).Decode(&out)
	}
	if _, err := api("PATCH", "/v1/project", map[string]any{"return_urls": []string{appURL}}); err != nil {
		return "", err
	}
	zoom := provider + "/zoom"
	app, err := api("POST", "/v1/apps", map[string]any{"provider": "zoom", "scopes": strings.Fields(zoomScopes), "endpoints": map[string]string{
		"authorize": zoom + "/oauth/authorize", "token": zoom + "/oauth/token", "revoke": zoom + "/oauth/revoke",
		"identity": zoom + "/v2/users/me", "api": cmp.Or(w.apiURL, zoom)}})
	if err != nil {
		return "", err
	}
	appID, _ := app["id"].(string)
	redirect, _ := app["redirect_uri"].(string)
	c, err := box.RegisterClient(sandbox.Client{Provider: sandbox.Zoom, Name: "Bench", RedirectURIs: []string{redirect},
		Scopes: strings.Fields(zoomScopes)})
	if err != nil {
		return "", err
	}
	if _, err := api("PATCH", "/v1/apps/"+appID, map[string]any{"client_id": c.ID, "client_secret": c.Secret}); err != nil {
		return "", err
	}
	session, err := api("POST", "/v1/connect-sessions", map[string]any{"app_id": appID, "end_user": map[string]any{"id": "bench"}, "return_url": appURL})
	if err != nil {
		return "", err
	}
	link, _ := session["connect_url"].(string)
	completion, err := consent(ctx, link)
	if err != nil {
		return "", err
	}
	made, err := api("POST", "/v1/connections", map[string]any{"completion": completion, "end_user_id": "bench"})
	if err != nil {
		return "", err
	}
	w.original, _ = made["id"].(string)
	return c.ID, nil
}

// consent is the person's browser: Continue, consent at the provider, callback,
// and the completion out of the address it is sent to at the end.
func consent(ctx context.Context, link string) (completion string, err error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	at, err := url.Parse(link)
	if err != nil {
		return "", err
	}
	method := http.MethodPost
	for range 10 {
		r, err := http.NewRequestWithContext(ctx, method, at.String(), nil)
		if err != nil {
			return "", err
		}
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", at.Scheme+"://"+at.Host)
		}
		resp, err := browser.Do(r)
		if err != nil {
			return "", err
		}
		if err := resp.Body.Close(); err != nil {
			return "", err
		}
		next := resp.Header.Get("Location")
		if next == "" {
			return "", fmt.Errorf("the browser is stuck at %s: %d", at.Path, resp.StatusCode)
		}
		if at, err = at.Parse(next); err != nil {
			return "", err
		}
		q := at.Query()
		if found := cmp.Or(q.Get("lanyard_completion"), q.Get("lanyard_error")); found != "" {
			return found, nil
		}
		if strings.HasSuffix(at.Path, "/oauth/authorize") {
			q.Set("sandbox_consent", "allow")
			q.Set("sandbox_person", person)
			at.RawQuery = q.Encode()
		}
		method = http.MethodGet
	}
	return "", errors.New("the browser goes in circles")
}
