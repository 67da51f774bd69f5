package server

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"lanyard"
	"lanyard/internal/access"
	"lanyard/internal/compat"
	"lanyard/internal/egress"
	"lanyard/internal/grant"
	"lanyard/internal/instance"
	"lanyard/internal/mail"
	"lanyard/internal/refresh"
	"lanyard/internal/spool"
	"lanyard/internal/store"
	"lanyard/internal/vault"
	"lanyard/internal/web"
	"lanyard/internal/worker"
)

//go:embed openapi.json
var openAPI []byte

// Server is the whole product on one database.
type Server struct {
	settings Settings
	log      *slog.Logger

	db      *store.DB
	self    *instance.Instance
	out     *egress.Client
	vault   *vault.Vault
	access  *access.Service
	grants  *grant.Service
	gate    *refresh.Gate
	refresh *refresh.Scheduler
	mails   *mail.Service
	spool   *spool.Spool
	front   *web.Front
	tasks   []worker.Task
	polls   func() // ends the long polls
	meters  *meters
	ready   readiness

	dialects []compat.Dialect // whose words vendors' customers use

	handler  http.Handler
	tcp      net.Listener // after Listen
	unix     net.Listener
	metrics  net.Listener
	draining atomic.Bool
	undone   atomic.Bool    // a stop has left something behind
	alarms   sync.WaitGroup // entries about tampering that are being written
}

// New opens everything and wires it, from top to bottom. It refuses settings
// that it cannot work with, a data directory that another process holds, a
// database of a newer version, and a vault that its key does not open. Close
// gives it all back.
func New(ctx context.Context, settings Settings, log *slog.Logger) (_ *Server, err error) {
	if err := settings.Check(); err != nil {
		return nil, err
	}
	s := &Server{settings: settings, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close(ctx))
		}
	}()

	// Below.
	if err := os.MkdirAll(settings.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	if s.db, err = store.Open(ctx, settings.store(log)); err != nil {
		return nil, err
	}
	if s.vault, err = s.openVault(ctx); err != nil {
		return nil, err
	}
	s.self, err = instance.Open(ctx, instance.Config{Store: s.db, DataDir: settings.DataDir, PublicURL: settings.PublicURL,
		Version: Version(), Logger: log})
	if err != nil {
		return nil, err
	}

	// Services.
	if s.access, err = access.New(s.db, s.vault); err != nil {
		return nil, err
	}

	// Fronts.
	proxies, err := settings.proxies()
	if err != nil {
		return nil, err
	}
	s.meters = newMeters(s.db)
	s.front, err = web.New(web.Config{
		PublicURL: settings.PublicURL, Proxies: proxies, Access: s.access, Answers: s.access, Logger: log, Version: apiVersion,
		Limits: web.Limits{KeyPerSecond: settings.LimitKeyPerSecond, FailedPerMinute: settings.LimitFailedPerMinute,
			OpensPerMinute: settings.LimitOpensPerMinute},
		Observe: s.meters.observe,
	})
	if err != nil {
		return nil, err
	}
	if err := s.services(ctx); err != nil {
		return nil, err
	}
	s.mountOperator()
	s.mountRefresh()
	s.mountMail()
	s.mountHealth()
	if err := s.front.Docs(openAPI); err != nil {
		return nil, err
	}
	s.handler = s.front.Handler()
	return s, nil
}

// store is the store's part of the settings.
func (s Settings) store(log *slog.Logger) store.Config {
	return store.Config{URL: string(s.DatabaseURL.Reveal()), DataDir: s.DataDir, Version: Version(), Logger: log, ClockOffset: s.ClockOffset}
}

func (s *Server) openVault(ctx context.Context) (*vault.Vault, error) {
	kek, err := vault.FindKEK(ctx, s.settings.KEK, s.settings.DataDir, s.db)
	if err != nil {
		return nil, err
	}
	cfg := vault.Config{KEK: kek, Keysets: s.db, Fields: s.db, Logger: s.log, OnTamper: s.tampered}
	for _, uri := range s.settings.FormerKEKs {
		former, err := vault.LoadKEK(uri, s.settings.DataDir)
		if err != nil {
			return nil, fmt.Errorf("setting former_keks: %w", err)
		}
		cfg.Former = append(cfg.Former, former)
	}
	return vault.Open(ctx, cfg)
}

// tampered writes that a sealed value did not belong where it was found into the
// log of its project, and an event. It may be called from anywhere, so the
// writing is done elsewhere; Close waits for it.
func (s *Server) tampered(ctx context.Context, at vault.Place) {
	s.log.LogAttrs(ctx, slog.LevelError, "a sealed value does not belong where it was found",
		slog.String("project", string(at.Project)), slog.String("row", at.Row), slog.String("field", at.Field))
	ctx = context.WithoutCancel(ctx)
	s.alarms.Go(func() {
		e := lanyard.NewEntry(lanyard.Principal{Name: "lanyard", Project: at.Project}, lanyard.ActSecurity)
		e.Outcome, e.Code, e.Detail = "failed", lanyard.CodeTampered, map[string]string{"field": at.Field, "row": at.Row}
		err := s.db.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
			err := tx.AddEvent(lanyard.Event{ID: lanyard.NewID[lanyard.EventID]("evt_"), Project: at.Project,
				Type: lanyard.EventTampered, Data: map[string]string{"field": at.Field, "row": at.Row}})
			if err != nil {
				return lanyard.Entry{}, err
			}
			return e, nil
		})
		if err != nil {
			s.log.LogAttrs(ctx, slog.LevelError, "the alarm could not be written", slog.String("error", err.Error()))
		}
	})
}

// Handler returns what serves a request, in process.
func (s *Server) Handler() http.Handler { return s.handler }

// OpenAPI returns the description made from what is registered now, which the
// committed one is compared with.
func (s *Server) OpenAPI() ([]byte, error) { return s.front.OpenAPI() }

// Close writes what waits and gives everything back, in reverse.
func (s *Server) Close(ctx context.Context) error {
	var errs []error
	for _, l := range []net.Listener{s.tcp, s.unix, s.metrics} {
		if l != nil {
			if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	if s.access != nil {
		if err := s.access.Flush(context.WithoutCancel(ctx)); err != nil {
			errs = append(errs, fmt.Errorf("write last uses of keys: %w", err))
		}
	}
	s.alarms.Wait()
	if s.spool != nil {
		s.undone.CompareAndSwap(false, s.spool.Status().Pending > 0)
		errs = append(errs, s.spool.Close())
	}
	if s.vault != nil {
		s.vault.Close()
	}
	if s.self != nil {
		if err := s.self.Close(ctx, s.undone.Load()); err != nil {
			s.log.Warn("this node could not be taken out of the list of nodes", "error", err.Error())
		}
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(errs...)
}

// Spool is where this node keeps its receipts and marks, for who has set rows of the
// database back on purpose.
func (s *Server) Spool() *spool.Spool { return s.spool }

// apiVersion is that of the JSON API, in its document; it is in every path, too.
const apiVersion = "1"

// Version is that of the program, as the build has noted it; "dev" where it has not.
func Version() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" && b.Main.Version != "(devel)" {
		return b.Main.Version
	}
	return "dev"
}
