// Package egress makes HTTP clients that cannot reach inside, follow nothing and read no more than agreed.
//
//	name    the operator's resolver answers; nothing is decided by name
//	dial    every address is checked after resolution: loopback, link-local, private, shared, unique-local,
//	        metadata, mapped, NAT64, 6to4 and Teredo addresses are refused (T27), unless the operator opened them
//	TLS     1.2 or newer, certificates always verified, HTTP/1.1 only
//	send    one request; no redirect is followed, no environment proxy is used, nothing is asked to be compressed
//	read    at most the agreed number of bytes; what was read before an error is kept
//	clock   what providers' clocks say of ours is kept (T40)
//
// Everything of ours that leaves this machine goes through here: token calls, identity, keys of issuers, webhooks.
package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"code.dny.dev/ssrf"

	"lanyard"
	"lanyard/internal/fault"
)

// MaxBody is how many bytes of an answer are read unless a request agrees to another number (T38).
const MaxBody = 1 << 20

// DefaultTimeout bounds a whole call made through HTTPClient, body included.
const DefaultTimeout = 30 * time.Second

// Errors that say why nothing was sent, or why no more was read.
var (
	ErrRefused  = errors.New("egress: address not allowed")
	ErrTooLarge = errors.New("egress: answer larger than agreed")
)

// Config is what the operator decides about the way out. The zero value reaches public addresses over https only.
type Config struct {
	AllowLoopback bool           // lets http and https reach 127.0.0.0/8 and ::1 (LANYARD_ALLOW_LOOPBACK); for sandboxes and tests
	AllowNetworks []netip.Prefix // opens private networks, for a self-hosted provider (LANYARD_ALLOW_NETWORKS)
	Proxy         *url.URL       // the operator's way out (LANYARD_EGRESS_PROXY), http or https; it then resolves and guards names
	UserAgent     string         // sent with every request; "" means "lanyard"
	RootCAs       *x509.CertPool // nil: the system's

	// Hold is asked before anything is sent: its error is why nothing may leave (T20). nil, or nil from it: it may.
	Hold func() error
	// ClockOffset is what this process's clock is wrong by, for tests of just that.
	ClockOffset time.Duration
	// Resolver takes the place of the operator's, for tests of what names resolve to.
	Resolver *net.Resolver
	// Dial takes the place of the network in tests that have none. No server is wired with it: New refuses it unless
	// AllowLoopback is on, which is for tests and sandboxes as well.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client makes guarded requests. It is safe for concurrent use.
type Client struct {
	cfg   Config
	guard *ssrf.Guardian
	reuse *http.Transport // keeps connections
	fresh *http.Transport // one connection per request, so that net/http has nothing to retry on
	skews skews
}

// New makes a Client. It refuses a proxy that is not an http or https URL with a host.
func New(cfg Config) (*Client, error) {
	if p := cfg.Proxy; p != nil && (p.Scheme != "http" && p.Scheme != "https" || p.Hostname() == "") {
		return nil, errors.New("egress proxy: must be http://host:port or https://host:port")
	}
	if cfg.Dial != nil && !cfg.AllowLoopback {
		return nil, errors.New("egress: a network of one's own is for tests, and they allow loopback")
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "lanyard"
	}
	for i, n := range cfg.AllowNetworks {
		if !n.IsValid() {
			return nil, fmt.Errorf("allowed network %d is not a prefix such as 10.0.0.0/8", i+1)
		}
	}
	c := &Client{cfg: cfg}
	c.guard = newGuard(cfg)
	c.reuse, c.fresh = c.transport(false), c.transport(true)
	return c, nil
}

func (c *Client) transport(fresh bool) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // HTTP/2 would resend by itself after a refused stream
	return &http.Transport{
		Proxy:                  c.proxyFor,
		DialContext:            c.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.cfg.RootCAs},
		TLSHandshakeTimeout:    8 * time.Second,
		ResponseHeaderTimeout:  DefaultTimeout,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
		DisableKeepAlives:      fresh,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        60 * time.Second,
		Protocols:              protocols,
	}
}

// proxyFor sends everything through the operator's proxy, except what the operator lets reach this machine.
func (c *Client) proxyFor(r *http.Request) (*url.URL, error) {
	if c.cfg.AllowLoopback && lanyard.Loopback(r.URL.Hostname()) {
		return nil, nil
	}
	return c.cfg.Proxy, nil
}

func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: 8 * time.Second, KeepAlive: 30 * time.Second, Resolver: c.cfg.Resolver}
	if c.cfg.Proxy == nil || address != hostPort(c.cfg.Proxy) {
		d.Control = c.control
	}
	if err := fault.At(ctx, fault.CallDial); err != nil {
		return nil, err
	}
	dial := d.DialContext
	if c.cfg.Dial != nil {
		dial = c.cfg.Dial
	}
	conn, err := dial(ctx, network, address)
	if fault.On && err == nil {
		conn = halfway{conn}
	}
	return conn, err
}

// CloseIdle closes connections that are kept for reuse.
func (c *Client) CloseIdle() { c.reuse.CloseIdleConnections() }
