package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lanyard/internal/demo"
)

func (c *cli) demoCommand() *cobra.Command {
	var once bool
	cfg := demo.Config{Out: c.out, Port: 4000}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Tell the main path as a story, on this machine, against pretend providers",
		Long: `Run the server, pretend providers and a pretend product on this machine, and tell
the main path as a story: a person connects Zoom, a bot gets in on their behalf,
the same bot is refused when it should be, and the log shows it. For each step it
shows the address to open and a curl that works. Then it leaves the pages open,
until Ctrl-C; with --once it ends. Its data is temporary.

With --json each step is a line, and the last, when everything is ready to be
tried, has the addresses and the key: "at":{"lanyard","sandbox","product","key"}.
--port 0 takes free ports.`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.BoolVar(&once, "once", false, "tell the story and end")
	f.IntVar(&cfg.Port, "port", cfg.Port, "port of the server; the next two are the sandbox's and the product's; taken ones are replaced")
	f.Float64Var(&cfg.Scale, "time-scale", 1, "makes schedules run faster, for tests")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg.JSON = c.json
		if out, ok := c.out.(*os.File); ok {
			cfg.Color = term.IsTerminal(int(out.Fd())) && c.env("NO_COLOR") == ""
		}
		cfg.Logger = slog.New(slog.NewJSONHandler(c.err, &slog.HandlerOptions{Level: slog.LevelError}))
		ctx := cmd.Context()
		d, err := demo.Start(ctx, cfg)
		if err != nil {
			return err
		}
		defer d.Close()
		if err := d.Tell(ctx); err != nil {
			return fmt.Errorf("the story broke off: %w", err)
		}
		if once {
			return nil
		}
		d.LeaveOpen()
		return d.Wait(ctx)
	}
	return cmd
}
