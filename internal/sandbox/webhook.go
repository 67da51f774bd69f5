package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// delivery is one webhook on its way to a client.
type delivery struct {
	client, provider string
	event            string
	person, meeting  string
	url, key         string
	body             []byte
}

// courier carries webhooks: in order for each client, three seconds for an answer, three tries.
type courier struct {
	ctx    context.Context
	http   *http.Client
	report func(d delivery, status int, detail string)
	group  sync.WaitGroup

	mu     sync.Mutex
	queues map[string][]delivery
	last   map[string]posted // by client: what somebody on the wire could have kept
}

type posted struct {
	header http.Header
	body   []byte
}

const (
	maxQueued     = 1000 // per client; more are dropped and the ledger says so
	answerWithin  = 3 * time.Second
	deliveryTries = 3
)

func newCourier(ctx context.Context, transport http.RoundTripper, report func(delivery, int, string)) *courier {
	if transport == nil {
		transport = &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	}
	return &courier{ctx: ctx, report: report, queues: map[string][]delivery{}, last: map[string]posted{}, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *courier) wait() { c.group.Wait() }

// take queues a delivery and returns false if there are too many. A client has a worker while it has deliveries.
func (c *courier) take(d delivery) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := d.provider + " " + d.client
	queue, running := c.queues[name]
	if len(queue) >= maxQueued || c.ctx.Err() != nil {
		return false
	}
	c.queues[name] = append(queue, d)
	if !running {
		c.group.Go(func() { c.work(name) })
	}
	return true
}

func (c *courier) work(name string) {
	for {
		c.mu.Lock()
		queue := c.queues[name]
		if len(queue) == 0 {
			delete(c.queues, name)
			c.mu.Unlock()
			return
		}
		d := queue[0]
		c.queues[name] = queue[1:]
		c.mu.Unlock()
		c.deliver(d)
	}
}

func (c *courier) deliver(d delivery) {
	for try := 1; try <= deliveryTries && c.ctx.Err() == nil; try++ {
		status, _, err := c.post(d)
		detail := fmt.Sprintf("try %d", try)
		if err != nil {
			detail += ": " + err.Error()
		}
		c.report(d, status, detail)
		if status >= 200 && status < 300 {
			return
		}
		wait := time.NewTimer(time.Duration(try) * time.Second)
		select {
		case <-wait.C:
		case <-c.ctx.Done():
			wait.Stop()
		}
	}
}

// post sends once and returns the answer's status and the beginning of its body.
func (c *courier) post(d delivery) (int, []byte, error) {
	h := http.Header{}
	signAs(h, d.provider, d.key, d.body, time.Now())
	return c.send(d, h)
}

// send is post with these headers.
func (c *courier) send(d delivery, h http.Header) (int, []byte, error) {
	ctx, stop := context.WithTimeout(c.ctx, answerWithin)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(d.body))
	if err != nil {
		return 0, nil, errors.New("bad URL")
	}
	req.Header = h.Clone()
	c.mu.Lock()
	c.last[d.provider+" "+d.client] = posted{req.Header.Clone(), d.body}
	c.mu.Unlock()
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return 0, nil, errors.New("no answer in time")
		}
		return 0, nil, errors.New("no connection")
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil {
		return resp.StatusCode, nil, errors.New("answer cut")
	}
	return resp.StatusCode, body, nil
}

// lastOf is what was sent to a client last.
func (c *courier) lastOf(d delivery) (http.Header, []byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.last[d.provider+" "+d.client]
	return p.header, p.body, ok
}

// signAs adds the provider's signature over "v0:{timestamp}:{body}" (Zoom, "Validate webhook events"; Slack, "Verifying requests from Slack"). Google signs
// the body itself, and a notification of Microsoft has its secret inside.
func signAs(h http.Header, provider, key string, body []byte, at time.Time) {
	ts := strconv.FormatInt(at.Unix(), 10)
	signature := "v0=" + mac(key, "v0:"+ts+":"+string(body))
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("User-Agent", "sandbox-webhook/1.0")
	switch provider {
	case Slack:
		h.Set("X-Slack-Request-Timestamp", ts)
		h.Set("X-Slack-Signature", signature)
	case Zoom:
		h.Set("x-zm-request-timestamp", ts)
		h.Set("x-zm-signature", signature)
	case Google: // signed by itself
		h.Set("Content-Type", "application/secevent+jwt")
	}
}

func signatureHeader(provider string) string {
	if provider == Slack {
		return "X-Slack-Signature"
	}
	return "x-zm-signature"
}

func mac(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func (s *Sandbox) noteDelivery(d delivery, status int, detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteWebhook(d, status, detail)
}

func (s *Sandbox) noteWebhook(d delivery, status int, detail string) {
	s.log.Info("webhook", "event", d.event, "client", d.client, "status", status, "detail", detail)
	s.ledger.add(Entry{Event: "webhook", Provider: d.provider, Kind: d.event, Client: d.client, Person: d.person, Meeting: d.meeting, Status: status, Detail: detail})
}

// tell queues an event for a client that has a webhook.
func (s *Sandbox) tell(c *Client, event string, who *Person, number string, body object) {
	if c.WebhookURL == "" {
		return
	}
	raw, err := json.Marshal(body)
	if err != nil {
		s.log.Error("webhook", "event", event, "error", err)
		return
	}
	d := delivery{client: c.ID, provider: c.Provider, event: event, meeting: number, url: c.WebhookURL, key: c.WebhookKey, body: raw}
	if who != nil {
		d.person = who.Handle
	}
	s.carry(d)
}

func (s *Sandbox) carry(d delivery) {
	if !s.courier.take(d) {
		s.noteWebhook(d, 0, "dropped: too many are waiting")
	}
}
