package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// slackNotice is an event of Slack's Events API.
func slackNotice(n Notice, c *Client, who *Person) ([]byte, error) {
	var body object
	switch n.Event {
	case "url_verification":
		body = object{"token": "legacy", "type": n.Event, "challenge": randomText(32)}
	case "tokens_revoked":
		body = slackEvent(c, who, object{"type": n.Event, "tokens": slackTokens(c, who)})
	case "app_uninstalled":
		body = slackEvent(c, who, object{"type": n.Event})
	default:
		return nil, fmt.Errorf("Slack has no notice %q here", n.Event)
	}
	return json.Marshal(body)
}

func slackTokens(c *Client, who *Person) object {
	return object{"oauth": []string{who.ID}, "bot": []string{slackID("B", c.ID+who.AccountID)}}
}

func slackEvent(c *Client, who *Person, event object) object {
	return object{
		"type": "event_callback", "api_app_id": slackID("A", c.ID), "team_id": who.AccountID,
		"event_id": "Ev" + randomText(6), "event_time": time.Now().Unix(), "event": event,
	}
}

const (
	riscEvents  = "https://schemas.openid.net/secevent/risc/event-type/"
	oauthEvents = "https://schemas.openid.net/secevent/oauth/event-type/"
	tooOld      = 8 * 24 * time.Hour // for an event token
)

// googleNotice is a security event token (RFC 8417) as Google signs them.
func (s *Sandbox) googleNotice(n Notice, c *Client, who *Person) ([]byte, error) {
	p := s.providers[Google]
	now, issuer, client := time.Now(), s.issuer(p), c.ID
	key := &p.key
	switch n.As {
	case "late":
		now = now.Add(-tooOld)
	case "early":
		now = now.Add(skewed)
	case "other_client":
		client = "another-client"
	case "other_issuer":
		issuer = s.issuer(s.providers[OIDC])
	case "forged": // with the same key id
		if err := p.key.ready(p.id); err != nil {
			return nil, err
		}
		key = &signer{}
		if err := key.ready(p.id); err != nil {
			return nil, err
		}
		key.id = p.key.id
	}
	claims := object{"iss": issuer + "/", "aud": client, "iat": now.Unix(), "jti": randomText(16)}
	event := object{}
	if who != nil {
		event["subject"] = object{"subject_type": "iss-sub", "iss": issuer + "/", "sub": who.ID}
	}
	uri := riscEvents + n.Event
	switch n.Event {
	case "tokens-revoked":
		uri = oauthEvents + n.Event
	case "token-revoked":
		uri = oauthEvents + n.Event
		event["subject"] = object{"subject_type": "oauth_token", "token_type": "refresh_token", "token_identifier_alg": "prefix", "token": "1//0gAbCdEfGhIjKl"}
	case "account-disabled":
		event["reason"] = "hijacking"
	case "account-enabled", "account-purged", "sessions-revoked", "account-credential-change-required":
	case "verification":
		event = object{"state": "a test"}
	default:
		return nil, fmt.Errorf("Google has no notice %q here", n.Event)
	}
	claims["events"] = object{uri: event}
	if n.As == "id_token" {
		claims = googleClaims(who, []string{"openid", "email"})
		claims["iss"], claims["aud"], claims["iat"], claims["exp"] = issuer, client, now.Unix(), now.Unix()+3600
	}
	text, err := key.sign(p.id, claims)
	parts := strings.Split(text, ".")
	if err != nil || len(parts) != 3 {
		return nil, err
	}
	switch n.As {
	case "reserialised": // the same claims with a space more
		raw, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			return nil, err
		}
		parts[1] = base64.RawURLEncoding.EncodeToString(slices.Concat([]byte("{ "), raw[1:]))
	case "unsigned":
		parts[0], parts[2] = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)), ""
	}
	return []byte(strings.Join(parts, ".")), nil
}

// microsoftNotice is a change or lifecycle notification of Graph.
func microsoftNotice(n Notice, c *Client, who *Person) ([]byte, error) {
	ends := time.Now().Add(24 * time.Hour)
	if n.As == "late" {
		ends = time.Now().Add(-skewed)
	}
	item := object{
		"id": guid(sha256Sum(randomText(16))), "subscriptionId": guid(sha256Sum(c.ID)), "tenantId": who.AccountID, "clientState": c.WebhookKey,
		"subscriptionExpirationDateTime": ends.UTC().Format("2006-01-02T15:04:05.0000000Z"), "resource": "Users/" + who.ID,
	}
	switch n.As {
	case "forged":
		item["clientState"] = randomText(16)
	case "unsigned":
		delete(item, "clientState")
	}
	switch kind, what, _ := strings.Cut(n.Event, "."); {
	case n.Event == "user.deleted", n.Event == "user.updated":
		item["changeType"] = what
		item["resourceData"] = object{"@odata.type": "#Microsoft.Graph.User", "@odata.id": "Users/" + who.ID, "id": who.ID, "organizationId": who.AccountID}
	case kind == "lifecycle" && slices.Contains([]string{"subscriptionRemoved", "reauthorizationRequired", "missed"}, what):
		item["lifecycleEvent"], item["resource"] = what, "Users/"+who.ID+"/events"
	default:
		return nil, fmt.Errorf("Microsoft has no notice %q here", n.Event)
	}
	return json.Marshal(object{"value": []object{item}})
}

// tellRevoked says by Google's "tokens-revoked" that a person took the app out.
func (s *Sandbox) tellRevoked(c *Client, who *Person) {
	n := Notice{Provider: Google, Client: c.ID, Event: "tokens-revoked", Person: who.Handle}
	if c.WebhookURL == "" {
		return
	}
	raw, err := s.googleNotice(n, c, who)
	if err != nil {
		s.log.Error("webhook", "event", n.Event, "error", err)
		return
	}
	s.carry(delivery{client: c.ID, provider: Google, event: n.Event, person: who.Handle, url: c.WebhookURL, key: c.WebhookKey, body: raw})
}
