package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"lanyard/internal/sandbox"
)

func (c *cli) sandboxCommand() *cobra.Command {
	listen := "127.0.0.1:4001"
	var publicURL, logLevel string
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Run pretend providers to try and test against: Zoom, Google, Microsoft, Slack, OpenID",
		Long: `Run pretend providers: real OAuth servers with people, consent pages, meetings and
failures on demand. Register a client with the admin API, and set an app's
endpoints to the ones it prints. Everything is in memory and gone at the end.

It has no password: keep it on this machine.`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", listen, "address to listen on")
	f.StringVar(&publicURL, "public-url", "", "where it is reached; default: http:// and the address")
	f.StringVar(&logLevel, "log-level", "info", "debug, info, warn or error")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var level slog.Level
		if err := level.UnmarshalText([]byte(logLevel)); err != nil {
			return usage(fmt.Errorf("--log-level: debug, info, warn or error"))
		}
		var lc net.ListenConfig
		l, err := lc.Listen(cmd.Context(), "tcp", listen)
		if err != nil {
			return fmt.Errorf("--listen: %w", err)
		}
		if publicURL == "" {
			publicURL = "http://" + l.Addr().String()
		}
		s, err := sandbox.New(sandbox.Config{BaseURL: publicURL, OpenRegistration: true,
			Logger: slog.New(slog.NewJSONHandler(c.err, &slog.HandlerOptions{Level: level}))})
		if err != nil {
			return errors.Join(err, l.Close())
		}
		defer s.Close()
		if err := c.print(map[string]string{"url": publicURL}, func(w io.Writer) {
			fmt.Fprintf(w, "The sandbox is at %s\n\nRegister a client:\n  curl -s %[1]s/admin/clients -d '{\"provider\":\"zoom\",\"name\":\"My app\",\"redirect_uris\":[\"…\"]}'\n", publicURL)
			fmt.Fprintf(w, "Point an app at it:\n  lanyard app create --provider zoom --sandbox %s --scope user:read:user --scope user:read:token\n", publicURL)
		}); err != nil {
			return err
		}
		return serveUntil(cmd.Context(), l, s.Handler())
	}
	return cmd
}

// serveUntil serves until ctx ends.
func serveUntil(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return srv.Shutdown(stop)
}
