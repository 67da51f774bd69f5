package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"lanyard/internal/server"
)

// settings are those of the product's child and of the program whose start is
// measured: the defaults, but for a limit that is counted and never reached.
func (w *world) settings(address string) map[string]string {
	return map[string]string{"public_url": "http://" + address, "listen": address, "data_dir": filepath.Join(w.dir, "data"),
		"kek": "file:" + filepath.Join(w.dir, "config", "kek"), "database_url": w.databaseURL,
		"allow_loopback": "true", "limit_key_per_second": "1000000"}
}

func (w *world) startProduct(ctx context.Context) (*process, error) {
	if w.address == "" {
		var err error
		if w.address, err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	o := w.productOrders()
	if w.profile != "" && w.key != "" {
		o.Profile = filepath.Join(w.profile, w.name())
	}
	return startChild(ctx, o)
}

func (w *world) productOrders() orders {
	return orders{Role: "product", Settings: w.settings(w.address), Log: filepath.Join(w.dir, "log")}
}

// freeAddress finds a port that is free, at the name that cookies are made for.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return "localhost:" + port, errors.Join(err, l.Close())
}

// serveProduct runs the whole server as the command does, its log on a file.
func serveProduct(ctx context.Context, o orders) (r ready, wait func() error, err error) {
	loaded, err := server.Load(server.Sources{Flags: o.Settings})
	if err != nil {
		return r, nil, err
	}
	log, err := os.OpenFile(o.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return r, nil, err
	}
	s, err := server.New(ctx, loaded.Settings, slog.New(slog.NewJSONHandler(log, nil)))
	if err != nil {
		return r, nil, err
	}
	if err := s.Listen(ctx); err != nil {
		return r, nil, err
	}
	var first bytes.Buffer
	if err := s.Bootstrap(ctx, &first); err != nil {
		return r, nil, err
	}
	r.URL = loaded.PublicURL
	if at := strings.Index(first.String(), "lyk_"); at >= 0 {
		r.Key, _, _ = strings.Cut(first.String()[at:], "\n")
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return r, func() error { return errors.Join(<-done, s.Close(context.WithoutCancel(ctx)), log.Close()) }, nil
}
