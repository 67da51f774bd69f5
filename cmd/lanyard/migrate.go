package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lanyard/internal/server"
	"lanyard/wire"
)

func (c *cli) migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "migrate", Short: "Bring the database up to date without serving",
		Long: `Bring the database up to date without serving. serve does it by itself; this is
for doing it before, or apart. There is no way back: take a backup first.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd.Context(), func(conn *connection) error {
				list, err := conn.ListMigrations(cmd.Context())
				if err != nil {
					return err
				}
				return c.printMigrations(list.Data)
			})
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use: "status", Short: "Say which steps are made and which are not", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.migrateStatus(cmd.Context()) },
	})
	return cmd
}

// migrateStatus asks the running server, or looks without changing anything.
func (c *cli) migrateStatus(ctx context.Context) error {
	if c.serverURL == "" {
		loaded, err := c.load()
		if err != nil {
			return err
		}
		running, err := answers(ctx, loaded.Socket)
		if err != nil {
			return err
		}
		if !running {
			list, err := server.Migrations(ctx, loaded.Settings)
			if err != nil {
				return err
			}
			return c.printMigrations(list)
		}
	}
	return c.with(ctx, func(conn *connection) error {
		list, err := conn.ListMigrations(ctx)
		if err != nil {
			return err
		}
		return c.printMigrations(list.Data)
	})
}

func (c *cli) printMigrations(list []wire.Migration) error {
	return c.print(list, func(w io.Writer) {
		var rows [][]string
		for _, m := range list {
			at := when(m.AppliedAt)
			if at == "" {
				at = "not yet"
			}
			rows = append(rows, []string{fmt.Sprint(m.Version), m.Name, at, m.Lanyard})
		}
		table(w, []string{"STEP", "FILE", "MADE", "BY VERSION"}, rows)
	})
}
