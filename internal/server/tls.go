package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// tlsConfig returns nil where TLS ends elsewhere, or nowhere (loopback).
func (s *Server) tlsConfig() (*tls.Config, error) {
	switch {
	case s.settings.TLSCert != "":
		f := &certFiles{cert: s.settings.TLSCert, key: s.settings.TLSKey, log: s.log}
		if err := f.load(); err != nil {
			return nil, fmt.Errorf("setting tls_cert: %w", err)
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: f.get}, nil
	case s.settings.ACMEEmail != "":
		u, err := url.Parse(s.settings.PublicURL)
		if err != nil {
			return nil, err
		}
		m := &autocert.Manager{
			Prompt: autocert.AcceptTOS, Email: s.settings.ACMEEmail,
			HostPolicy: autocert.HostWhitelist(u.Hostname()),
			Cache:      autocert.DirCache(filepath.Join(s.settings.DataDir, "acme")),
			Client:     &acme.Client{DirectoryURL: s.settings.ACMEDirectory},
		}
		c := m.TLSConfig()
		c.MinVersion = tls.VersionTLS12
		return c, nil
	}
	return nil, nil
}

// certFiles serves a certificate from files and reads them again when one of
// them changes, so that a renewal needs no restart. A pair that cannot be read
// or does not fit leaves the old one in use: renewals write one file after the other.
type certFiles struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	stamp   [2]fileStamp
	checked time.Time
}

type fileStamp struct {
	mod  time.Time
	size int64
}

func (f *certFiles) load() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reload()
}

func (f *certFiles) reload() error {
	stamp, err := f.stamps()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return err
	}
	f.pair, f.stamp = &pair, stamp
	return nil
}

func (f *certFiles) stamps() (out [2]fileStamp, err error) {
	for i, path := range []string{f.cert, f.key} {
		st, err := os.Stat(path)
		if err != nil {
			return out, err
		}
		out[i] = fileStamp{st.ModTime(), st.Size()}
	}
	return out, nil
}

// get looks at the files once a second at most.
func (f *certFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.checked) >= time.Second {
		f.checked = now
		stamp, err := f.stamps()
		if err == nil && stamp != f.stamp {
			if err = f.reload(); err == nil {
				f.log.Info("certificate read again", "file", f.cert)
			}
		}
		if err != nil {
			f.log.Warn("the certificate has changed but cannot be used; the old one stays", "error", err.Error())
		}
	}
	return f.pair, nil
}
