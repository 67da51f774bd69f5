package server

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"time"

	"lanyard"
	"lanyard/internal/api"
	"lanyard/internal/app"
	"lanyard/internal/audit"
	"lanyard/internal/bot"
	"lanyard/internal/connection"
	"lanyard/internal/connectpage"
	"lanyard/internal/egress"
	"lanyard/internal/flow"
	"lanyard/internal/grant"
	"lanyard/internal/jointoken"
	"lanyard/internal/mail"
	"lanyard/internal/meeting"
	"lanyard/internal/notice"
	"lanyard/internal/portal"
	"lanyard/internal/preflight"
	"lanyard/internal/provider"
	"lanyard/internal/provider/catalog"
	"lanyard/internal/proxy"
	"lanyard/internal/runner"
	"lanyard/internal/spool"
	"lanyard/internal/store"
	"lanyard/internal/tokenurl"
	"lanyard/internal/webhook"
	"lanyard/internal/worker"
)

// services makes what carries the main path, from the way out to the fronts, and
// registers the fronts.
func (s *Server) services(ctx context.Context) error {
	var err error
	if s.out, err = s.settings.egress(s.self.Hold); err != nil {
		return err
	}
	entries, err := catalog.Load(s.settings.ProvidersDir)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	providers, err := provider.NewSet(s.out, entries...)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	apps := app.New(app.Config{Store: s.db, Vault: s.vault, Providers: providers, PublicURL: s.settings.PublicURL})
	if s.spool, err = spool.Open(spool.Config{Dir: filepath.Join(s.settings.DataDir, "spool"), Logger: s.log}); err != nil {
		return fmt.Errorf("open the spool: %w", err)
	}
	s.gate = s.gateway()
	s.grants = grant.New(grant.Config{Store: s.db, Vault: s.vault, Apps: apps, Spool: s.spool, Node: s.self.Node(), Hold: s.self.Hold, Logger: s.log,
		Gate: s.gate, Lost: s.meters.lost, Pace: s.settings.TimeScale})
	connections := connection.New(connection.Config{Store: s.db, Vault: s.vault, Apps: apps, Grants: s.grants, PublicURL: s.settings.PublicURL, Logger: s.log,
		Between: s.scaled(30 * time.Second), ConsentsFor: s.settings.KeepConsents})
	journeys := flow.New(flow.Config{Store: s.db, Vault: s.vault, Providers: providers, Apps: apps, Grants: s.grants,
		Connections: connections, PublicURL: s.settings.PublicURL, Logger: s.log})
	// I14: first what is on our disk, then the end of what an earlier run left open.
	if err := journeys.Offer(ctx); err != nil {
		s.log.Error("not every receipt could be stored; those stay on disk, and are offered again", "error", err)
	}
	lost, err := s.grants.Recover(ctx)
	if err != nil {
		return fmt.Errorf("close the attempts of an earlier run: %w", err)
	}
	if err := journeys.Lost(ctx, lost); err != nil {
		return fmt.Errorf("end the journeys of an earlier run: %w", err)
	}
	if err := s.reconcile(ctx); err != nil {
		return fmt.Errorf("compare the database, which was put back, with what this node remembers: %w", err)
	}
	s.tasks = append(append(append(s.tasks, s.grants.Tasks()...), append(journeys.Tasks(), connections.Tasks()...)...), s.sweepAnswers())
	for i := range s.tasks {
		s.tasks[i].Every = s.scaled(s.tasks[i].Every)
	}
	events := webhook.New(webhook.Config{Store: s.db, Vault: s.vault, Out: s.out, Connections: connections, Logger: s.log, Hold: s.self.Hold,
		Pace: s.settings.TimeScale})
	mails, err := s.settings.mail()
	if err != nil {
		return err
	}
	mails.Store, mails.Vault, mails.Connections = s.db, s.vault, connections
	mails.Logger, mails.Hold, mails.Pace = s.log, s.self.Hold, s.settings.TimeScale
	if s.mails, err = mail.New(mails); err != nil {
		return err
	}
	s.meters.watchMails(s.mails)
	s.refresh = s.schedule()
	s.meters.registry.MustRegister(newRenewals(s))
	s.tasks = append(append(s.tasks, s.refresh.Task(), s.self.Task(), s.watchClock()), append(events.Tasks(), s.mails.Tasks()...)...) // by true time: others count on it
	s.polls = journeys.Stop

	meetings := meeting.New(meeting.Config{Store: s.db, Vault: s.vault, Providers: providers, Apps: apps, Connections: connections,
		Hold: s.self.Hold, Pace: s.settings.TimeScale, Stop: s.settings.MeetingsStop})
	s.tasks = append(s.tasks, meetings.Tasks()...)
	tokens := jointoken.New(jointoken.Config{Store: s.db, Vault: s.vault, Apps: apps, Connections: connections, Meetings: meetings,
		Rate: s.settings.JoinTokenRate, Nodes: s.self.Live})
	runners := runner.New(runner.Config{Store: s.db, Vault: s.vault, Out: s.out, PublicURL: s.settings.PublicURL, Logger: s.log, Pace: s.settings.TimeScale})
	ahead := preflight.New(preflight.Config{Store: s.db, Apps: apps, Connections: connections, Meetings: meetings, JoinTokens: tokens})
	bots := bot.NewService(bot.Config{Store: s.db, Vault: s.vault, Access: s.access, Apps: apps, Connections: connections, Meetings: meetings, Tokens: tokens,
		Preflight: ahead, Runners: runners, Events: events, Hold: s.self.Hold, Pace: s.settings.TimeScale, Logger: s.log})
	s.tasks = append(s.tasks, bots.Tasks()...)
	(&api.API{Access: s.access, Providers: providers, Apps: apps, Flow: journeys, Connections: connections, JoinTokens: tokens, Meetings: meetings, Preflight: ahead,
		Audit: audit.New(audit.Config{Store: s.db, Vault: s.vault}), Events: events, Runners: runners, Bots: bots}).Mount(s.front)
	s.mountVendors(vendors{apps: apps, connections: connections, journeys: journeys, meetings: meetings, bots: bots, runners: runners})
	tokenurl.Mount(tokenurl.Config{Access: s.access, Tokens: tokens, Front: s.front,
		Bots: func(ctx context.Context, p lanyard.Principal, id lanyard.BotID, types []string, meeting string) (jointoken.First, error) {
			return bots.JoinTokens(ctx, p, string(id), bot.Join{Types: types, Meeting: meeting})
		}})
	proxy.New(proxy.Config{Bots: bots, Store: s.db, Apps: apps, Connections: connections, Out: s.out, Front: s.front, Logger: s.log,
		MaxBytes: int64(s.settings.ProxyMaxBytes), MaxTime: s.settings.ProxyMaxTime}).Mount()
	notices, err := notice.New(ctx, notice.Config{Store: s.db, Vault: s.vault, Providers: providers, Apps: apps, Connections: connections, Meetings: meetings,
		Front: s.front, Dir: filepath.Join(s.settings.DataDir, "notices"), Logger: s.log})
	if err != nil {
		return err
	}
	notices.Mount()
	s.tasks = append(s.tasks, notices.Tasks()...)
	s.meters.watchNotices(notices)
	pages, err := connectpage.New(connectpage.Config{Pages: journeys, Front: s.front, Logger: s.log})
	if err != nil {
		return err
	}
	pages.Mount()
	own, err := portal.New(portal.Config{Access: s.access, Connections: connections, Flow: journeys, Front: s.front, Logger: s.log})
	if err != nil {
		return err
	}
	own.Mount()
	s.tasks = append(s.tasks, worker.Task{Name: "portal.purge", Every: time.Hour, Run: s.access.PurgePortals},
		worker.Task{Name: "tokenurl.purge", Every: time.Hour, Run: tokens.Purge})
	return nil
}

// sweepAnswers forgets what was answered under an Idempotency-Key a day ago.
func (s *Server) sweepAnswers() worker.Task {
	return worker.Task{Name: "idempotency.sweep", Every: time.Minute, Run: func(ctx context.Context) error {
		return s.db.Bookkeep(ctx, func(tx *store.Tx) error {
			_, err := tx.SweepIdempotency(1000)
			return err
		})
	}}
}

// scaled is a time of a schedule as the setting time_scale has it.
func (s *Server) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.settings.TimeScale)
}

// egress is the way out, by the settings.
func (s Settings) egress(hold func() error) (*egress.Client, error) {
	c := egress.Config{AllowLoopback: s.AllowLoopback, UserAgent: "Lanyard/" + Version(), Hold: hold, ClockOffset: s.ClockOffset}
	if !s.EgressProxy.Empty() {
		u, err := url.Parse(string(s.EgressProxy.Reveal()))
		if err != nil {
			return nil, errors.New("setting egress_proxy: not a URL such as http://proxy.internal:3128")
		}
		c.Proxy = u
	}
	for _, n := range s.AllowNetworks {
		p, err := netip.ParsePrefix(n)
		if err != nil {
			return nil, fmt.Errorf("setting allow_networks: %q is not a network such as 10.20.0.0/16", n)
		}
		c.AllowNetworks = append(c.AllowNetworks, p)
	}
	return egress.New(c)
}
