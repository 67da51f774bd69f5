package egress

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"syscall"

	"code.dny.dev/ssrf"

	"lanyard"
)

// azureHost looks public, and is what each virtual machine on Azure finds its host at.
var azureHost = netip.MustParsePrefix("168.63.129.16/32")

// newGuard denies what the IANA special-purpose registries list, less what the operator opened.
func newGuard(cfg Config) *ssrf.Guardian {
	var v4, v6 []netip.Prefix
	for _, n := range openNetworks(cfg) {
		if n.Addr().Is4() {
			v4 = append(v4, n)
		} else {
			v6 = append(v6, n)
		}
	}
	return ssrf.New(ssrf.WithAnyPort(), ssrf.WithNetworks("tcp4", "tcp6"), ssrf.WithDeniedV4Prefixes(azureHost),
		ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
}

func openNetworks(cfg Config) []netip.Prefix {
	open := append([]netip.Prefix(nil), cfg.AllowNetworks...)
	if cfg.AllowLoopback {
		open = append(open, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	}
	return open
}

// control is called by the dialer with the resolved address, so a name that changes its mind between a check and a
// dial (rebinding) gains nothing.
func (c *Client) control(network, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrRefused, network)
	}
	return c.check(ap)
}

func (c *Client) check(ap netip.AddrPort) error {
	for _, n := range openNetworks(c.cfg) {
		if n.Contains(ap.Addr()) {
			return nil
		}
	}
	if err := checkPort(ap.Port()); err != nil {
		return err
	}
	if err := c.guard.SafeAddr(ap.Addr()); err != nil {
		return fmt.Errorf("%w: %s is not a public address", ErrRefused, ap.Addr())
	}
	return nil
}

// CheckURL says what is wrong with a URL before anybody dials it: it must be absolute, without user or fragment, and
// https; http only to this machine and only where the operator allows loopback. A literal address is checked as it
// will be when dialled. Names are not resolved. The error is a lanyard.Error with CodeInvalidRequest.
func (c *Client) CheckURL(field, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "%s: not an absolute URL without user and fragment", field)
	}
	if err := c.checkURL(u); err != nil {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "%s: %w", field, err)
	}
	return nil
}

func (c *Client) checkURL(u *url.URL) error {
	host := u.Hostname()
	loopback := lanyard.Loopback(host)
	switch {
	case u.Scheme == "https" && (!loopback || c.cfg.AllowLoopback):
	case u.Scheme == "http" && loopback && c.cfg.AllowLoopback:
	case loopback:
		return fmt.Errorf("%w: this machine (the operator can allow loopback)", ErrRefused)
	default:
		return fmt.Errorf("%w: must be https", ErrRefused)
	}
	if u.User != nil {
		return fmt.Errorf("%w: a URL with a user", ErrRefused)
	}
	if loopback {
		return nil
	}
	if err := c.checkHost(u); err != nil {
		return err
	}
	port, err := portOf(u)
	if err != nil {
		return err
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return c.check(netip.AddrPortFrom(addr, port))
	}
	if len(openNetworks(c.cfg)) == 0 {
		return checkPort(port)
	}
	return nil
}

// checkPort lets public addresses be reached on https's own port and on unprivileged ones: nobody makes us talk to
// another's SMTP.
func checkPort(p uint16) error {
	if p != 443 && p < 1024 {
		return fmt.Errorf("%w: port %d", ErrRefused, p)
	}
	return nil
}

func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "http" {
		return net.JoinHostPort(u.Hostname(), "80")
	}
	return net.JoinHostPort(u.Hostname(), "443")
}
