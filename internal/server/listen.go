package server

import (
	"context"
	"errors"
	"fmt"
	"lanyard/internal/fault"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"lanyard/internal/access"
	"lanyard/internal/web"
	"lanyard/internal/worker"
)

// Listen opens the addresses of the settings, so that Addr is known and what
// cannot be opened is said before anything is served. Run calls it if need be.
func (s *Server) Listen(ctx context.Context) (err error) {
	var lc net.ListenConfig
	if s.tcp, err = lc.Listen(ctx, "tcp", s.settings.Listen); err != nil {
		return fmt.Errorf("setting listen: %w", err)
	}
	if s.settings.MetricsListen != "" {
		if s.metrics, err = lc.Listen(ctx, "tcp", s.settings.MetricsListen); err != nil {
			return fmt.Errorf("setting metrics_listen: %w", err)
		}
	}
	if s.unix, err = listenUnix(ctx, s.settings.Socket); err != nil {
		return fmt.Errorf("setting socket: %w", err)
	}
	return nil
}

// Addr is the TCP address that is listened on; after Listen.
func (s *Server) Addr() string { return s.tcp.Addr().String() }

// Run serves until ctx ends, then stops taking requests, finishes those under
// way within drain_time, and returns. Close is for the caller.
func (s *Server) Run(ctx context.Context) error {
	if s.tcp == nil {
		if err := s.Listen(ctx); err != nil {
			return err
		}
	}
	if err := s.self.Serve(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("say whose the database is: %w", err)
	}
	config, err := s.tlsConfig()
	if err != nil {
		return err
	}
	main := s.httpServer(s.handler)
	main.TLSConfig = config
	socket := s.httpServer(s.withMetrics(s.handler))
	socket.WriteTimeout = 0 // the operator may wait for a rotation
	socket.ConnContext = func(ctx context.Context, _ net.Conn) context.Context { return web.WithPeer(ctx, access.Operator()) }
	servers := []*http.Server{main, socket}
	main.RegisterOnShutdown(s.polls) // whoever waits for news would hold up the stop
	socket.RegisterOnShutdown(s.polls)
	failed := make(chan error, 4)
	serve := func(run func() error) {
		go func() {
			if err := run(); err != nil && !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		}()
	}
	if config != nil {
		serve(func() error { return main.ServeTLS(s.tcp, "", "") })
	} else {
		serve(func() error { return main.Serve(s.tcp) })
	}
	serve(func() error { return socket.Serve(s.unix) })
	if s.metrics != nil {
		m := s.httpServer(s.withMetrics(http.NotFoundHandler()))
		servers = append(servers, m)
		serve(func() error { return m.Serve(s.metrics) })
	}
	tasks, stopTasks := context.WithCancel(context.WithoutCancel(ctx))
	defer stopTasks()
	go s.batches(tasks)
	go paceCollector(tasks)
	quietLibraries(s.log)
	if s.db.Backend() == "sqlite" {
		moreProcessors()
	}
	var background sync.WaitGroup
	background.Go(func() { worker.Run(tasks, s.log, s.tasks...) })

	s.log.Info("serving", "public_url", s.settings.PublicURL, "listen", s.Addr(), "version", Version(), "database", s.db.Backend())
	select {
	case <-ctx.Done():
		err = nil
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	}
	s.draining.Store(true)
	s.refresh.Drain()
	s.log.Info("stopping: no new requests; those under way are finished", "at_most", s.settings.DrainTime.String())
	drain, stop := context.WithTimeout(context.WithoutCancel(ctx), s.settings.DrainTime)
	defer stop()
	for _, server := range servers {
		if e := server.Shutdown(drain); e != nil {
			err = errors.Join(err, fmt.Errorf("not all requests were finished within drain_time: %w", e), server.Close())
		}
	}
	_ = fault.At(drain, fault.ServerDrain)
	s.gate.Close() // who waits for a turn has not begun
	if e := s.grants.Drain(drain); e != nil {
		s.undone.Store(true)
		err = errors.Join(err, fmt.Errorf("calls to providers were still under way after drain_time: %w", e))
	}
	stopTasks()
	background.Wait()
	return err
}

// batches writes the last uses of keys. A failure is logged, once for a row of
// them, and tried again.
func (s *Server) batches(ctx context.Context) {
	for was := error(nil); ctx.Err() == nil; {
		err := s.access.Run(ctx)
		if err != nil && was == nil {
			s.log.Error("last uses of keys could not be written; they wait", "error", err.Error())
		}
		was = err
	}
}

// httpServer has the caps and times of T37. There is no ReadTimeout: it would
// cancel a long poll; bodies have their own deadline in package web.
func (s *Server) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          quietLog(s.log),
	}
}

// listenUnix opens the operator's door: mode 0600, and whoever connects is asked
// of the kernel. The data directory is locked by us, so a socket that is there
// was left by a process that is gone.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if st, err := os.Lstat(path); err == nil {
		if st.Mode()&os.ModeSocket == 0 {
			return nil, fmt.Errorf("%s is there and is not a socket", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	short, done, err := shortPath(path)
	if err != nil {
		return nil, err
	}
	defer done()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", short)
	if err != nil {
		return nil, err
	}
	// Removed here by its real name, since the short one will be gone.
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &peerListener{UnixListener: l.(*net.UnixListener), path: path}, nil
}

// shortPath returns a name for path that fits into a socket's address, which
// has room for some 100 bytes: through a link to its directory if need be.
func shortPath(path string) (short string, done func(), err error) {
	const room = 100
	if len(path) <= room {
		return path, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "lanyard")
	if err != nil {
		return "", nil, err
	}
	done = func() { _ = os.RemoveAll(dir) } // a link and its directory; what it leads to stays
	link := filepath.Join(dir, "d")
	if err := os.Symlink(filepath.Dir(path), link); err != nil {
		done()
		return "", nil, err
	}
	return filepath.Join(link, filepath.Base(path)), done, nil
}

// peerListener lets in only the user of this process, and root.
type peerListener struct {
	*net.UnixListener
	path string
}

func (l *peerListener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if access.PeerAllowed(c) {
			return c, nil
		}
		_ = c.Close() // a stranger; nothing was read of them
	}
}

func (l *peerListener) Close() error {
	err := l.UnixListener.Close()
	if err == nil {
		err = os.Remove(l.path)
	}
	return err
}
