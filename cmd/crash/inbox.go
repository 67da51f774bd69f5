package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"lanyard"
	"lanyard/wire"
)

// inbox is a customer's server that is told of everything that happens.
type inbox struct {
	front    *http.Server
	endpoint string // its id
	key      []byte

	mu      sync.Mutex
	letters map[string]*letter // by webhook-id
	forged  []string           // ids of those whose signature is not by our key
	acked   []string           // events that an answer of the API has promised
	paused  map[string]int     // connection → pauses that were answered with success
	held    chan chan struct{} // nil: answer at once; else the next message waits until its channel is closed
}

// letter is a message, as often as it came.
type letter struct {
	times int
	body  string // without what is fresh on every try
	other string // a body under the same id that says something else
}

// openInbox starts the customer's server and has everything sent there.
func (w *world) openInbox(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b := &inbox{letters: map[string]*letter{}, paused: map[string]int{}}
	b.front = &http.Server{Handler: b, ReadHeaderTimeout: 10 * time.Second}
	w.undo = append(w.undo, b.front.Close)
	go func() { _ = b.front.Serve(l) }() // ends by Close
	api, err := w.all[0].ask(w.key)
	if err != nil {
		return err
	}
	made, err := api.CreateWebhookEndpoint(ctx, wire.NewWebhookEndpoint{URL: "http://" + l.Addr().String() + "/hook"})
	if err != nil {
		return fmt.Errorf("make the webhook endpoint: %w", err)
	}
	b.endpoint = made.ID
	b.key, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(made.Secret, "whsec_"))
	w.inbox = b
	return err
}

func (b *inbox) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender died on the way: this never came
	}
	id := r.Header.Get("Webhook-Id")
	mac := hmac.New(sha256.New, b.key)
	fmt.Fprintf(mac, "%s.%s.%s", id, r.Header.Get("Webhook-Timestamp"), body)
	signed := strings.Contains(r.Header.Get("Webhook-Signature"), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	b.mu.Lock()
	if !signed {
		b.forged = append(b.forged, id)
	}
	b.take(id, steady(body))
	held := b.held
	b.held = nil
	b.mu.Unlock()
	if held != nil {
		answer := make(chan struct{})
		held <- answer
		<-answer
	}
	rw.WriteHeader(http.StatusNoContent)
}

// take notes a message that came. The caller holds mu.
func (b *inbox) take(id, body string) {
	l := b.letters[id]
	if l == nil {
		l = &letter{body: body}
		b.letters[id] = l
	}
	if l.times++; l.body != body {
		l.other = body
	}
}

// steady is a body without the link in it, which is fresh on every try.
func steady(body []byte) string {
	var m struct {
		Type, Timestamp string
		Data            map[string]string
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return string(body)
	}
	delete(m.Data, "reconnect_url")
	out, _ := json.Marshal(m) // strings only
	return string(out)
}

// next holds the next message that arrives, and returns the channel whose closing
// lets it be answered; nil: none came.
func (b *inbox) next(ctx context.Context, most time.Duration) chan struct{} {
	held := make(chan chan struct{}, 1)
	b.mu.Lock()
	b.held = held
	b.mu.Unlock()
	select {
	case answer := <-held:
		return answer
	case <-ctx.Done():
	case <-time.After(most):
	}
	b.mu.Lock()
	b.held = nil
	b.mu.Unlock()
	select {
	case answer := <-held: // at the last moment
		return answer
	default:
		return nil
	}
}

// makeEvents has things happen that the customer is told of, until ctx ends: test
// events, and a connection that is paused and resumed.
func (w *world) makeEvents(ctx context.Context) {
	w.mu.Lock() // newcomers are on their way
	h := w.holds[0]
	w.mu.Unlock()
	b, resumed := w.inbox, true
	for n := 0; ctx.Err() == nil; n++ {
		if err := w.oneEvent(ctx, b, h.id, n, &resumed); err != nil {
			pause(ctx, 50*time.Millisecond) // it is just being killed
		}
		pause(ctx, 30*time.Millisecond)
	}
	// It is not to be examined while it is paused.
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	for last.Err() == nil && w.setPaused(last, h.id, false) != nil {
		pause(last, 100*time.Millisecond)
	}
}

// oneEvent has the next thing happen. resumed says whether the connection is known not
// to be paused: only then is a pause a change, of which there is an event.
func (w *world) oneEvent(ctx context.Context, b *inbox, connection string, n int, resumed *bool) error {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	switch n % 10 {
	case 3:
		changes := *resumed
		*resumed = false
		err := w.setPaused(ctx, connection, true)
		if err == nil && changes {
			b.mu.Lock()
			b.paused[connection]++
			b.mu.Unlock()
		}
		return err
	case 4, 5: // the second, in case that the first was lost
		err := w.setPaused(ctx, connection, false)
		*resumed = *resumed || err == nil
		return err
	}
	api, err := w.all[0].ask(w.key)
	if err != nil {
		return err
	}
	d, err := api.TestWebhookEndpoint(ctx, b.endpoint)
	if err == nil {
		b.mu.Lock()
		b.acked = append(b.acked, d.EventID)
		b.mu.Unlock()
	}
	return err
}

func (w *world) setPaused(ctx context.Context, connection string, yes bool) error {
	api, err := w.all[0].ask(w.key)
	if err != nil {
		return err
	}
	c, err := api.UpdateConnection(ctx, connection, wire.ConnectionChange{Paused: &yes})
	if err == nil && (c.Status == string(lanyard.StatusPaused)) != yes {
		err = fmt.Errorf("it is %s", c.Status)
	}
	return err
}
