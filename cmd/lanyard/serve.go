package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lanyard/internal/server"
)

func (c *cli) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server until SIGTERM or SIGINT, which finishes what is under way; a
second signal ends at once. The log is JSON on standard error.

On the first start it makes project "default" and shows one API key, once: on the
terminal, or in the file of --first-key-file.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.serve(cmd.Context()) },
	}
	c.settingFlags(cmd.Flags(), func(s server.Setting) bool { return s.Name != "data_dir" })
	return cmd
}

func (c *cli) serve(ctx context.Context) (err error) {
	loaded, err := c.load()
	if err != nil {
		return err
	}
	log, err := server.NewLogger(c.err, loaded.LogLevel)
	if err != nil {
		return err
	}
	if err := server.Harden(); err != nil {
		return err
	}
	for _, name := range loaded.Unknown {
		log.Warn("an environment variable is no setting of ours", "variable", name)
	}
	s, err := server.New(ctx, loaded.Settings, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	if err := s.Listen(ctx); err != nil {
		return err
	}
	if err := s.Bootstrap(ctx, c.terminal()); err != nil {
		return err
	}
	return s.Run(ctx)
}

// terminal is standard output if people see it; nil if it goes into a file or a
// log, where a key must not be.
func (c *cli) terminal() io.Writer {
	if f, ok := c.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}
