package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"

	"lanyard"
	"lanyard/internal/web"
)

// Check returns everything that is wrong with the settings, in words an
// operator can act on. New calls it.
func (s Settings) Check() error {
	var errs []error
	wrong := func(name, format string, args ...any) {
		errs = append(errs, fmt.Errorf("setting %s: %w", name, fmt.Errorf(format, args...)))
	}
	u, err := url.Parse(s.PublicURL)
	https := false
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		wrong("public_url", "not an http or https URL")
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		wrong("public_url", "scheme and host only, and no slash at the end")
	case strings.ToLower(s.PublicURL) != s.PublicURL:
		wrong("public_url", "lower case, as browsers and providers write it")
	case u.Scheme == "http" && !lanyard.Loopback(u.Hostname()):
		wrong("public_url", "plain http is for localhost only: tokens and cookies would be readable on the way. "+
			"Make it https, and either set tls_cert and tls_key, or acme_email, or put a reverse proxy in front and name it in trusted_proxies")
	default:
		https = u.Scheme == "https"
	}
	host, _, err := net.SplitHostPort(s.Listen)
	if err != nil {
		wrong("listen", "not host:port")
	}
	proxies, err := s.proxies()
	if err != nil {
		errs = append(errs, err)
	}
	ownTLS := s.TLSCert != "" || s.ACMEEmail != ""
	switch {
	case (s.TLSCert == "") != (s.TLSKey == ""):
		wrong("tls_cert", "tls_cert and tls_key belong together; one is missing")
	case s.TLSCert != "" && s.ACMEEmail != "":
		wrong("acme_email", "either your own certificate or one by ACME, not both")
	case s.ACMEEmail != "" && !https:
		wrong("acme_email", "the public URL is not https")
	case https && !ownTLS && len(proxies) == 0:
		wrong("public_url", "it is https, but nothing here makes it so: set tls_cert and tls_key, or acme_email, "+
			"or put a reverse proxy in front and name it in trusted_proxies")
	case !ownTLS && len(proxies) == 0 && !loopbackOnly(host):
		wrong("listen", "plain http beyond this machine is refused: keys would be readable on the way. "+
			"Listen on localhost, or set tls_cert and tls_key, or acme_email, or name your reverse proxy in trusted_proxies")
	case ownTLS && !https && u != nil && u.Host != "":
		wrong("public_url", "the server has a certificate, so this must be https")
	}
	if s.ACMEEmail != "" {
		if _, err := mail.ParseAddress(s.ACMEEmail); err != nil {
			wrong("acme_email", "not an e-mail address")
		}
		if err := lanyard.ValidURL("setting acme_directory", s.ACMEDirectory); err != nil {
			errs = append(errs, err)
		}
	}
	if !s.DatabaseURL.Empty() && !hasScheme(s.DatabaseURL, "postgres", "postgresql") {
		wrong("database_url", "begins with postgres://, or is left out for SQLite")
	}
	if _, err := s.mail(); err != nil {
		errs = append(errs, err)
	}
	if !s.EgressProxy.Empty() && !hasScheme(s.EgressProxy, "http", "https", "socks5") {
		wrong("egress_proxy", "begins with http://, https:// or socks5://")
	}
	if _, err := networks("allow_networks", s.AllowNetworks); err != nil {
		errs = append(errs, err)
	}
	if s.MetricsListen != "" {
		if _, _, err := net.SplitHostPort(s.MetricsListen); err != nil {
			wrong("metrics_listen", "not host:port")
		}
	}
	if _, err := s.level(); err != nil {
		errs = append(errs, err)
	}
	if s.RefreshInFlight < 1 {
		wrong("refresh_in_flight", "at least 1; to renew nothing by the schedule, set refresh_stop")
	}
	if s.JoinTokenRate <= 0 || s.JoinTokenRate > 1000 {
		wrong("join_token_rate", "above 0, at most 1000")
	}
	if s.DrainTime < 0 {
		wrong("drain_time", "not below 0")
	}
	if s.KeepConsents < 0 {
		wrong("keep_consents", "not below 0")
	}
	if (s.TimeScale != 1 || s.ClockOffset != 0) && !s.AllowLoopback {
		wrong("time_scale", "time_scale and clock_offset are for tests: they need allow_loopback")
	}
	return errors.Join(errs...)
}

// proxies parses trusted_proxies.
func (s Settings) proxies() (web.Proxies, error) {
	list, err := networks("trusted_proxies", s.TrustedProxies)
	if err != nil {
		return nil, err
	}
	for _, n := range list {
		if n.Bits() == 0 {
			return nil, errors.New("setting trusted_proxies: a network of all addresses would let every caller say where it comes from; name the proxy's own")
		}
	}
	return list, nil
}

func networks(name string, in []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range in {
		n, err := netip.ParsePrefix(text)
		if err != nil {
			a, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("setting %s: %q is not an address or network such as 10.1.0.0/24", name, text)
			}
			n = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, n.Masked())
	}
	return out, nil
}

// level parses log_level.
func (s Settings) level() (l slog.Level, err error) {
	switch s.LogLevel {
	case "debug", "info", "warn", "error":
		err = l.UnmarshalText([]byte(s.LogLevel))
		return l, err
	}
	return l, errors.New("setting log_level: debug, info, warn or error")
}

func hasScheme(s lanyard.Secret, schemes ...string) bool {
	u, err := url.Parse(string(s.Reveal()))
	if err != nil || u.Host == "" && u.Query().Get("host") == "" { // ?host= is a directory of sockets
		return false
	}
	for _, want := range schemes {
		if u.Scheme == want {
			return true
		}
	}
	return false
}

// loopbackOnly says whether a listener on host is reached from this machine only.
func loopbackOnly(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
