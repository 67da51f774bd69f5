// Package demo tells the main path as a story, with everything on one machine:
// the server, pretend providers, and a pretend product that is the customer.
//
// It does by HTTP what a customer would do, says what it does, and shows the
// same call as a curl that works. Its refusals are part of the story.
package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lanyard/internal/sandbox"
	"lanyard/internal/server"
)

// Config says how to tell it.
type Config struct {
	Out    io.Writer
	JSON   bool    // one JSON object a step instead of prose
	Color  bool    // the terminal shows colours
	Port   int     // of the server; the next two are the sandbox's and the product's. Taken ones are replaced by free ones
	Scale  float64 // makes schedules run faster, for tests; 0: 1
	Dir    string  // of the data; "" is a temporary one, deleted at the end
	Logger *slog.Logger
}

// Demo is everything that runs.
type Demo struct {
	cfg     Config
	dir     string
	server  *server.Server
	sandbox *sandbox.Sandbox
	url     string // http://localhost:4000
	sandURL string // http://127.0.0.1:4001
	product string // http://127.0.0.1:4002
	key     string
	close   []func()
	failed  chan error
}

// Start starts the three servers. Close ends them.
func Start(ctx context.Context, cfg Config) (d *Demo, err error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	d = &Demo{cfg: cfg, dir: cfg.Dir, failed: make(chan error, 3)}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	if d.dir == "" {
		if d.dir, err = os.MkdirTemp("", "lanyard-demo-"); err != nil {
			return d, err
		}
		d.close = append(d.close, func() { _ = os.RemoveAll(d.dir) })
	}
	if err := d.startSandbox(ctx); err != nil {
		return d, fmt.Errorf("start the sandbox: %w", err)
	}
	if err := d.startServer(ctx); err != nil {
		return d, fmt.Errorf("start the server: %w", err)
	}
	l, err := d.listen(ctx, "127.0.0.1", 2)
	if err != nil {
		return d, err
	}
	d.product = "http://" + l.Addr().String()
	d.serve(l, d.productHandler())
	return d, nil
}

// Close ends everything, in reverse.
func (d *Demo) Close() {
	for i := len(d.close) - 1; i >= 0; i-- {
		d.close[i]()
	}
	d.close = nil
}

// Wait returns when ctx ends, or one of the servers has failed.
func (d *Demo) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-d.failed:
		return err
	}
}

func (d *Demo) startSandbox(ctx context.Context) error {
	l, err := d.listen(ctx, "127.0.0.1", 1)
	if err != nil {
		return err
	}
	d.sandURL = "http://" + l.Addr().String()
	if d.sandbox, err = sandbox.New(sandbox.Config{BaseURL: d.sandURL, OpenRegistration: true, Logger: d.cfg.Logger}); err != nil {
		return err
	}
	d.close = append(d.close, d.sandbox.Close)
	d.serve(l, d.sandbox.Handler())
	return nil
}

func (d *Demo) startServer(ctx context.Context) error {
	l, err := d.listen(ctx, "localhost", 0)
	if err != nil {
		return err
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := l.Close(); err != nil {
		return err
	}
	loaded, err := server.Load(server.Sources{Flags: map[string]string{
		"public_url": "http://localhost:" + port, "listen": "localhost:" + port, "data_dir": filepath.Join(d.dir, "data"),
		"kek": "file:" + filepath.Join(d.dir, "config", "kek"), "allow_loopback": "true", "limit_opens_per_minute": "60",
		"time_scale": strconv.FormatFloat(max(d.cfg.Scale, 1), 'f', -1, 64)}})
	if err != nil {
		return err
	}
	d.url = loaded.PublicURL
	if d.server, err = server.New(ctx, loaded.Settings, d.cfg.Logger); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	d.close = append(d.close, func() {
		stop()
		<-done
		_ = d.server.Close(context.WithoutCancel(ctx))
	})
	if err := d.server.Listen(ctx); err != nil {
		close(done)
		return err
	}
	var first bytes.Buffer
	if err := d.server.Bootstrap(ctx, &first); err != nil {
		close(done)
		return err
	}
	_, key, ok := strings.Cut(first.String(), "lyk_")
	if !ok {
		close(done)
		return errors.New("the data directory is in use already; the demo wants one of its own")
	}
	d.key = "lyk_" + strings.Fields(key)[0]
	go func() {
		defer close(done)
		if err := d.server.Run(ctx); err != nil {
			d.failed <- err
		}
	}()
	return nil
}

// listen opens the wished port, or a free one where that is taken.
func (d *Demo) listen(ctx context.Context, host string, offset int) (net.Listener, error) {
	var lc net.ListenConfig
	if d.cfg.Port != 0 {
		if l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(d.cfg.Port+offset))); err == nil {
			return l, nil
		}
	}
	return lc.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
}

func (d *Demo) serve(l net.Listener, h http.Handler) {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(d.cfg.Logger.Handler(), slog.LevelDebug)}
	d.close = append(d.close, func() { _ = srv.Close() })
	go func() {
		if err := srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			d.failed <- err
		}
	}()
}
