package sandbox

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Notice orders a notice to an app's webhook, sent as its provider would, or as somebody would who is not the provider.
//
// Events: of Zoom app_deauthorized, user.…, meeting.…, endpoint.url_validation; of Slack tokens_revoked, app_uninstalled,
// url_verification; of Google tokens-revoked, token-revoked, account-disabled, account-enabled, account-purged, sessions-revoked,
// account-credential-change-required, verification; of Microsoft user.deleted, user.updated, lifecycle.subscriptionRemoved,
// lifecycle.reauthorizationRequired, lifecycle.missed.
//
// As: "" as the provider sends it; late, early (six minutes; Google's tokens eight days, and a Microsoft subscription that has
// ended), doubled, replayed (the last one, byte for byte), forged (another secret or key), reserialised, unsigned, gzip. Of
// Zoom and Slack two_signatures and oracle too: a challenge that is the signed text of a notice. Of Google other_client (for
// another client), other_issuer and id_token (an ID token of the person, signed with the same key).
type Notice struct {
	Provider string `json:"provider,omitempty"` // "": zoom
	Client   string `json:"client_id"`
	Event    string `json:"event"`
	Person   string `json:"person,omitempty"` // whom it is about
	As       string `json:"as,omitempty"`
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
	if n.Provider == "" {
		n.Provider = Zoom
	}
	if !slices.Contains(waysToSend[n.Provider], n.As) {
		return nil, fmt.Errorf("a notice of %q cannot be sent as %q", n.Provider, n.As)
	}
	d, err := s.noticeFor(n)
	if err != nil {
		return nil, err
	}
	at, key := time.Now(), d.key
	switch n.As {
	case "late":
		at = at.Add(-skewed)
	case "early":
		at = at.Add(skewed)
	case "forged":
		key = randomText(16)
	}
	h := http.Header{}
	signAs(h, d.provider, key, d.body, at)
	var more []http.Header
	switch n.As {
	case "doubled":
		more = append(more, h)
	case "two_signatures":
		h.Add(signatureHeader(d.provider), "v0="+mac(randomText(8), string(d.body)))
	case "unsigned":
		h.Del(signatureHeader(d.provider))
	case "gzip":
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(d.body) // to memory
		_ = w.Close()
		d.body = b.Bytes()
		signAs(h, d.provider, key, d.body, at)
		h.Set("Content-Encoding", "gzip")
	case "reserialised":
		d.body = []byte(strings.Replace(string(d.body), "{", "{ ", 1))
	case "oracle": // signed well, by who can have the provider send it: its answer must not sign the notice in it
		text := "v0:" + strconv.FormatInt(at.Unix(), 10) + ":" + string(d.body)
		ask := object{"event": "endpoint.url_validation", "payload": object{"plainToken": text}}
		if d.provider == Slack {
			ask = object{"type": "url_verification", "challenge": text}
		}
		d.body, _ = json.Marshal(ask)
		signAs(h, d.provider, key, d.body, at)
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

// waysToSend are what Notice.As can be, by provider.
var waysToSend = map[string][]string{
	Zoom:      {"", "late", "early", "doubled", "replayed", "forged", "reserialised", "two_signatures", "unsigned", "gzip", "oracle"},
	Slack:     {"", "late", "early", "doubled", "replayed", "forged", "reserialised", "two_signatures", "unsigned", "gzip", "oracle"},
	Google:    {"", "late", "early", "doubled", "replayed", "forged", "reserialised", "unsigned", "gzip", "other_client", "other_issuer", "id_token"},
	Microsoft: {"", "late", "doubled", "replayed", "forged", "unsigned", "gzip"},
}

// noticeFor makes what the provider would send.
func (s *Sandbox) noticeFor(n Notice) (delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.client(n.Provider, n.Client)
	if c == nil || c.WebhookURL == "" {
		return delivery{}, fmt.Errorf("no %s client %q with a webhook_url", n.Provider, n.Client)
	}
	who := s.providers[n.Provider].person(n.Person)
	if who == nil && !slices.Contains([]string{"endpoint.url_validation", "url_verification", "verification"}, n.Event) {
		return delivery{}, fmt.Errorf("nobody is called %q at %s", n.Person, n.Provider)
	}
	d := delivery{client: c.ID, provider: n.Provider, event: n.Event, url: c.WebhookURL, key: c.WebhookKey}
	if who != nil {
		d.person = who.Handle
	}
	var err error
	switch n.Provider {
	case Slack:
		d.body, err = slackNotice(n, c, who)
	case Google:
		d.body, err = s.googleNotice(n, c, who)
	case Microsoft:
		d.body, err = microsoftNotice(n, c, who)
	default:
		d.body, err = zoomNotice(n, c, who)
	}
	return d, err
}

func zoomNotice(n Notice, c *Client, who *Person) ([]byte, error) {
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
		return nil, fmt.Errorf("Zoom has no notice %q here", n.Event)
	}
	return json.Marshal(body)
}
