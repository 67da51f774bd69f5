package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"time"

	"lanyard/client"
	"lanyard/internal/sandbox"
	"lanyard/wire"
)

// appURL is of the customer's pretend product; nobody goes there.
const appURL = "http://localhost:7000/connected"

// hold is one end user of the customer's with one account of one class.
type hold struct {
	class   class
	person  string
	endUser string

	mu     sync.Mutex
	id     string // of the connection; empty: none yet
	token  string // fingerprint of the access token read last
	dead   bool   // and the person has not mended it yet
	mended time.Time
	busy   bool    // the person is at it
	deaths []death // each time it was found dead
}

type death struct {
	at     time.Time
	reason string
	how    string // "seen", or byEvent
}

// byEvent is how it is known by an event, which has the time at which it was decided.
const byEvent = "told"

// connectAll registers the apps and connects everybody of the start.
func (w *world) connectAll(ctx context.Context) error {
	api, err := w.all[0].ask(w.key)
	if err != nil {
		return err
	}
	returns := []string{appURL}
	if _, err := api.ChangeProject(ctx, wire.ProjectChange{ReturnURLs: &returns}); err != nil {
		return err
	}
	for i, p := range w.providers {
		c := p.class
		app, err := api.CreateApp(ctx, wire.NewApp{Provider: "crash-" + strings.ReplaceAll(c.name, "_", "-"), AppChange: wire.AppChange{Scopes: []string{"calls.read"}}})
		if err != nil {
			return err
		}
		kills := c.kills
		made, err := p.box.RegisterClient(sandbox.Client{Provider: sandbox.OIDC, ID: "client-" + c.name, RedirectURIs: []string{app.RedirectURI},
			Class: c.kind, GraceSeconds: c.grace, AccessTTL: w.ttl(), KillsAccess: &kills})
		if err != nil {
			return err
		}
		if _, err := api.UpdateApp(ctx, app.ID, wire.AppChange{ClientID: &made.ID, ClientSecret: &made.Secret}); err != nil {
			return err
		}
		w.apps[c.name] = app.ID
		for j := range w.grants {
			w.newHold(c, i*w.grants+j+1)
		}
	}
	for _, h := range w.holds {
		if err := w.connect(ctx, api, h); err != nil {
			return fmt.Errorf("%s at %s: %w", h.person, h.class.name, err)
		}
	}
	return nil
}

// newHold adds an end user, number n of the crowd.
func (w *world) newHold(c class, n int) *hold {
	h := &hold{class: c, person: fmt.Sprintf("p%d", n), endUser: fmt.Sprintf("%s-%d", c.name, n)}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holds = append(w.holds, h)
	return h
}

// connect takes a person through the whole journey.
func (w *world) connect(ctx context.Context, api *client.Client, h *hold) error {
	s, err := api.CreateConnectSession(ctx, wire.NewConnectSession{AppID: w.apps[h.class.name], EndUser: wire.EndUser{ID: h.endUser}, ReturnURL: appURL})
	if err != nil {
		return err
	}
	completion, err := consent(ctx, s.ConnectURL, h.person)
	if err != nil {
		return err
	}
	made, err := api.CreateConnection(ctx, wire.NewConnection{Completion: completion, EndUserID: h.endUser})
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.id = made.ID
	return nil
}

// reconnect takes the person of a dead connection through the journey again.
func (w *world) reconnect(ctx context.Context, api *client.Client, h *hold, id string) error {
	s, err := api.ReconnectConnection(ctx, id, wire.ReconnectRequest{ReturnURL: appURL})
	if err != nil {
		return err
	}
	if _, err := consent(ctx, s.ConnectURL, h.person); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dead, h.mended = false, time.Now()
	return nil
}

// consent is the person's browser: Continue, consent at the provider, callback.
// It returns the completion out of the address it is sent to at the end.
func consent(ctx context.Context, link, person string) (completion string, err error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	browser := *plain
	browser.Jar = jar
	at, err := url.Parse(link)
	if err != nil {
		return "", err
	}
	for method := http.MethodPost; ; method = http.MethodGet {
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
		if strings.HasPrefix(at.String(), appURL) {
			q := at.Query()
			if code := q.Get("lanyard_error"); code != "" {
				return "", errors.New(code)
			}
			return cmp.Or(q.Get("lanyard_completion"), q.Get("connection_id")), nil
		}
		if strings.HasSuffix(at.Path, "/authorize") {
			q := at.Query()
			q.Set("sandbox_consent", "allow")
			q.Set("sandbox_person", person)
			at.RawQuery = q.Encode()
		}
	}
}
