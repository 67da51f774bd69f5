package sandbox

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Class is what becomes of a refresh token once it has been used.
type Class string

const (
	Static    Class = "static"     // stays the same; a refresh answers without one
	Overlap   Class = "overlap"    // replaced, and the old one stays good
	Grace     Class = "grace"      // replaced; the old one stays good for GraceSeconds after its first use
	Strict    Class = "strict"     // replaced; the old one is dead at once
	ReuseKill Class = "reuse_kill" // replaced; using the old one, GraceSeconds after its first use or later, ends the whole family
)

// Client is an OAuth client registered with one pretend provider.
type Client struct {
	Provider     string   `json:"provider"`
	ID           string   `json:"client_id"`               // made up when empty
	Secret       string   `json:"client_secret,omitempty"` // made up when empty, unless AuthMethod is "none"
	Name         string   `json:"name"`                    // shown on the consent page
	RedirectURIs []string `json:"redirect_uris"`           // compared as strings (RFC 6749 §3.1.2.3)
	Scopes       []string `json:"scopes,omitempty"`        // what may be asked for; empty: anything
	AuthMethod   string   `json:"auth_method,omitempty"`   // client_secret_basic, client_secret_post, none; empty: the provider's own rule
	Class        Class    `json:"class,omitempty"`         // empty: the provider's own
	GraceSeconds int      `json:"grace_seconds,omitempty"`
	AccessTTL    int      `json:"access_ttl,omitempty"`  // seconds; 0: the provider's own
	RefreshTTL   int      `json:"refresh_ttl,omitempty"` // seconds; 0: the provider's own
	Rotation     bool     `json:"rotation,omitempty"`    // Slack: token rotation is switched on
	KillsAccess  *bool    `json:"rotation_kills_access,omitempty"`
	RequirePKCE  bool     `json:"require_pkce,omitempty"`
	Disabled     bool     `json:"disabled,omitempty"`
	WebhookURL   string   `json:"webhook_url,omitempty"`
	WebhookKey   string   `json:"webhook_secret,omitempty"` // HMAC key of Zoom's x-zm-signature and Slack's X-Slack-Signature
}

// RegisterClient adds a client and returns it with what was made up for it.
func (s *Sandbox) RegisterClient(c Client) (Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	made, err := s.addClient(c)
	if err != nil {
		return Client{}, err
	}
	return made.clone(), nil
}

// Clients lists the clients without their secrets.
func (s *Sandbox) Clients() []Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Client, 0, len(s.clients))
	for _, c := range s.clients {
		out = append(out, c.public())
	}
	return out
}

func (s *Sandbox) addClient(c Client) (*Client, error) {
	if c.ID == "" {
		c.ID = "sbx_client_" + randomText(12)
	}
	if c.Secret == "" && c.AuthMethod != "none" {
		c.Secret = "sbx_secret_" + randomText(24)
	}
	if c.Name == "" {
		c.Name = c.ID
	}
	c = c.clone()
	if err := s.checkClient(&c); err != nil {
		return nil, err
	}
	if s.client(c.Provider, c.ID) != nil {
		return nil, fmt.Errorf("client %q exists already at %s", c.ID, c.Provider)
	}
	s.clients = append(s.clients, &c)
	return &c, nil
}

func (s *Sandbox) checkClient(c *Client) error {
	p := s.providers[c.Provider]
	if p == nil {
		return fmt.Errorf("client %q: unknown provider %q", c.ID, c.Provider)
	}
	switch c.Class {
	case "", Static, Overlap, Strict, ReuseKill:
	case Grace:
		if c.GraceSeconds <= 0 {
			return fmt.Errorf("client %q: class grace needs grace_seconds", c.ID)
		}
	default:
		return fmt.Errorf("client %q: unknown class %q", c.ID, c.Class)
	}
	if !slices.Contains([]string{"", "client_secret_basic", "client_secret_post", "none"}, c.AuthMethod) {
		return fmt.Errorf("client %q: unknown auth_method %q", c.ID, c.AuthMethod)
	}
	if c.AccessTTL < 0 || c.RefreshTTL < 0 || c.GraceSeconds < 0 {
		return fmt.Errorf("client %q: a time is negative", c.ID)
	}
	for _, u := range c.RedirectURIs {
		if err := absolute(u); err != nil {
			return fmt.Errorf("client %q: redirect_uris: %w", c.ID, err)
		}
	}
	if c.WebhookURL != "" {
		if err := absolute(c.WebhookURL); err != nil {
			return fmt.Errorf("client %q: webhook_url: %w", c.ID, err)
		}
	}
	return nil
}

func absolute(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Fragment != "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("%q is not an absolute http or https URL without a fragment", raw)
	}
	return nil
}

func (c *Client) class(p *provider) Class {
	if c.Class != "" {
		return c.Class
	}
	return p.class
}

func (c *Client) accessTTL(p *provider) time.Duration {
	if c.AccessTTL > 0 {
		return time.Duration(c.AccessTTL) * time.Second
	}
	return p.accessTTL
}

func (c *Client) refreshTTL(p *provider) time.Duration {
	if c.RefreshTTL > 0 {
		return time.Duration(c.RefreshTTL) * time.Second
	}
	return p.refreshTTL
}

func (c *Client) killsAccess(p *provider) bool {
	if c.KillsAccess != nil {
		return *c.KillsAccess
	}
	return p.killsAccess
}

func (c *Client) secretIs(given string) bool {
	return c.Secret != "" && subtle.ConstantTimeCompare([]byte(c.Secret), []byte(given)) == 1
}

// allows tells whether all scopes may be asked for.
func (c *Client) allows(scopes []string) bool {
	return len(c.Scopes) == 0 || !slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(c.Scopes, s) })
}

func (c *Client) clone() Client {
	out := *c
	out.RedirectURIs = slices.Clone(c.RedirectURIs)
	out.Scopes = slices.Clone(c.Scopes)
	if c.KillsAccess != nil {
		kills := *c.KillsAccess
		out.KillsAccess = &kills
	}
	return out
}

// public is the client without its secrets.
func (c *Client) public() Client {
	out := c.clone()
	out.Secret, out.WebhookKey = "", ""
	return out
}

// randomText is n random bytes as URL-safe text.
func randomText(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// split cuts a scope list at spaces, and at commas too where providers write them.
func split(list string) []string {
	var out []string
	for _, f := range strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' }) {
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}
