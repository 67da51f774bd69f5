package sandbox

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Notice orders a notice to a Zoom app's webhook, sent as Zoom would, or as somebody would who is not Zoom.
type Notice struct {
	Client string `json:"client_id"`
	Event  string `json:"event"`            // app_deauthorized, user.…, meeting.…, endpoint.url_validation
	Person string `json:"person,omitempty"` // whom it is about
	As     string `json:"as,omitempty"`     // "": as Zoom sends it; late, early (six minutes), doubled, replayed (the last one, byte for byte), forged, reserialised, two_signatures, unsigned, gzip, oracle
}

// Noticed is what a webhook answered; Status 0: nothing.
type Noticed struct {
	Status int    `json:"status"`
	Answer string `json:"answer,omitempty"`
}

// skewed is how far the times of late and early notices are off.
const skewed = 6 * time.Minute

// SendNotice sends at once and returns the answers: two for doubled, one otherwise. Nothing else happens: the person's grant
// stays as it is.
func (s *Sandbox) SendNotice(n Notice) ([]Noticed, error) {
	d, err := s.noticeFor(n)
	if err != nil {
		return nil, err
	}
	at, key, text := time.Now(), d.key, string(d.body)
	h := http.Header{}
	var more []http.Header
	switch n.As {
	case "", "doubled", "two_signatures", "unsigned", "gzip", "reserialised", "oracle", "replayed":
	case "late":
		at = at.Add(-skewed)
	case "early":
		at = at.Add(skewed)
	case "forged":
		key = randomText(16)
	default:
		return nil, fmt.Errorf("a notice cannot be sent as %q", n.As)
	}
	signAs(h, Zoom, key, d.body, at)
	switch n.As {
	case "doubled":
		more = append(more, h)
	case "two_signatures":
		h.Add("x-zm-signature", "v0="+mac(randomText(8), text))
	case "unsigned":
		h.Del("x-zm-signature")
	case "gzip":
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(d.body) // to memory
		_ = w.Close()
		d.body = b.Bytes()
		signAs(h, Zoom, key, d.body, at)
		h.Set("Content-Encoding", "gzip")
	case "reserialised":
		d.body = []byte(strings.Replace(text, "{", "{ ", 1))
	case "oracle": // signed well, by who can have Zoom send it: its answer must not sign the notice in it
		ts := strconv.FormatInt(at.Unix(), 10)
		d.body, _ = json.Marshal(object{"event": "endpoint.url_validation", "payload": object{"plainToken": "v0:" + ts + ":" + text}})
		signAs(h, Zoom, key, d.body, at)
	case "replayed":
		var ok bool
		if h, d.body, ok = s.courier.lastOf(d); !ok {
			return nil, errors.New("nothing was sent to this client yet")
		}
	}
	var out []Noticed
	for _, h := range append([]http.Header{h}, more...) {
		status, answer, err := s.courier.send(d, h)
		detail := "by order"
		if n.As != "" {
			detail += ", " + n.As
		}
		if err != nil {
			detail += ": " + err.Error()
		}
		s.noteDelivery(d, status, detail)
		out = append(out, Noticed{status, string(answer)})
	}
	return out, nil
}

// noticeFor makes what Zoom would send.
func (s *Sandbox) noticeFor(n Notice) (delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.client(Zoom, n.Client)
	if c == nil || c.WebhookURL == "" {
		return delivery{}, fmt.Errorf("no Zoom client %q with a webhook_url", n.Client)
	}
	who := s.providers[Zoom].person(n.Person)
	if who == nil && n.Event != "endpoint.url_validation" {
		return delivery{}, fmt.Errorf("nobody is called %q at zoom", n.Person)
	}
	body := object{"event": n.Event, "event_ts": time.Now().UnixMilli()}
	switch kind, _, _ := strings.Cut(n.Event, "."); {
	case n.Event == "endpoint.url_validation":
		body["payload"] = object{"plainToken": randomText(16)}
	case n.Event == "app_deauthorized":
		body = deauthorization(c, who)
	case kind == "user":
		body["payload"] = object{"account_id": who.AccountID, "operator": "admin@example.com", "operator_id": "op",
			"object": object{"id": who.ID, "email": who.Email, "type": 2}}
	case kind == "meeting":
		body["payload"] = object{"account_id": who.AccountID, "object": object{"id": "85246371900", "uuid": "4444AAAiAAAAAiAiAiiAii==",
			"host_id": who.ID, "topic": "By order", "type": 2, "participant": personObject(who, "join_time")}}
	default:
		return delivery{}, fmt.Errorf("Zoom has no notice %q here", n.Event)
	}
	raw, err := json.Marshal(body)
	d := delivery{client: c.ID, provider: Zoom, event: n.Event, url: c.WebhookURL, key: c.WebhookKey, body: raw}
	if who != nil {
		d.person = who.Handle
	}
	return d, err
}
