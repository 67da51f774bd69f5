package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"lanyard/internal/server"
	"lanyard/wire"
)

func (c *cli) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use: "backup [FILE]", Short: "Copy the database into a file, while it is in use",
		Long: `Copy the database into a file, while it is in use. The copy is one moment of the
database; it was read back and found whole, and is on disk, when the command ends.
The server writes it, for its own user only, over nothing. Without FILE it goes
into the folder backups in the data directory.

What is sealed in it opens only with the key-encryption key: keep that elsewhere.
Take backups often. A connection whose refresh token was renewed after the backup
can be mended only by the answers on the local disk, which stay for a day.

PostgreSQL is backed up with its own tools.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := wire.NewBackup{}
			if len(args) > 0 {
				in.Path = args[0]
			}
			return c.with(cmd.Context(), func(conn *connection) error { return c.backup(cmd.Context(), conn, in) })
		},
	}
}

func (c *cli) backup(ctx context.Context, conn *connection, in wire.NewBackup) error {
	if conn.operator && in.Path != "" { // the server has another working directory
		var err error
		if in.Path, err = filepath.Abs(in.Path); err != nil {
			return err
		}
	}
	stop := c.progress(ctx, "copying")
	b, err := conn.Backup(ctx, in)
	stop()
	if err != nil {
		return err
	}
	return c.print(b, func(w io.Writer) {
		facts(w, "backup", b.Path, "state of", when(&b.TakenAt), "size", bytesOf(b.Bytes), "schema", fmt.Sprint(b.Schema))
	})
}

func (c *cli) restoreCommand() *cobra.Command {
	reconcile := false
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Put a backup in the place of the database, while no server runs",
		Long: `Put a backup in the place of the database, while no server runs. The database
before is kept beside it. What was withdrawn, deleted or changed since the backup is
as it was then: keys, connections, people; the log of the one that is kept aside
says what.

With --reconcile the answers of providers on the local disk, of the last day, are
then given to the database, and the connections are listed whose refresh token it
does not know any more: that is not sent, and they have to be connected again. The
next start does the same.

With PostgreSQL, put the database back with its own tools while no server runs, then
give --reconcile without FILE on one of the nodes; the others compare when they start.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.restore(cmd.Context(), args, reconcile) },
	}
	cmd.Flags().BoolVar(&reconcile, "reconcile", false, "give the database what is on the local disk, and list what it does not know")
	cmd.AddCommand(&cobra.Command{
		Use: "status", Short: "Say when the database was put back, and what it does not know since", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd.Context(), func(conn *connection) error { return c.printRestored(cmd.Context(), conn) })
		},
	})
	return cmd
}

func (c *cli) restore(ctx context.Context, args []string, reconcile bool) error {
	if c.serverURL != "" {
		return usage(errors.New("a database is put back on its own machine, without --server"))
	}
	loaded, err := c.load()
	if err != nil {
		return err
	}
	running, err := answers(ctx, loaded.Socket)
	if err != nil {
		return err
	}
	if running {
		return fmt.Errorf("a server is running here (%s); stop it first", loaded.Socket)
	}
	postgres := !loaded.DatabaseURL.Empty()
	switch {
	case len(args) == 1:
		stop := c.progress(ctx, "putting it back")
		r, err := server.Restore(ctx, loaded.Settings, args[0])
		stop()
		if err != nil {
			return err
		}
		if !reconcile || !c.json {
			err = c.print(map[string]any{"restored_at": r.At, "state_of": r.From, "aside": r.Aside}, func(w io.Writer) {
				facts(w, "put back", args[0], "state of", when(&r.From), "the one before", r.Aside)
			})
		}
		if err != nil || !reconcile {
			return err
		}
	case !postgres:
		return usage(errors.New("say which FILE"))
	case !reconcile:
		_, err := server.Restore(ctx, loaded.Settings, "") // which says what to do
		return err
	default:
		if _, err := server.NoteRestored(ctx, loaded.Settings); err != nil {
			return err
		}
	}
	err = c.with(ctx, func(conn *connection) error { return c.printRestored(ctx, conn) })
	if err != nil {
		return fmt.Errorf("the database was put back, but not compared with the local disk yet; the next start does it: %w", err)
	}
	return nil
}

func (c *cli) printRestored(ctx context.Context, conn *connection) error {
	r, err := conn.Restored(ctx)
	if err != nil {
		return err
	}
	return c.print(r, func(w io.Writer) {
		if r.RestoredAt == nil {
			fmt.Fprintln(w, "The database was never put back.")
			return
		}
		facts(w, "put back at", when(r.RestoredAt), "state of", when(r.StateOf))
		if len(r.Behind) == 0 {
			fmt.Fprintln(w, "\nNo connection is known to be behind.")
			return
		}
		fmt.Fprintf(w, "\n%d are behind, and have to be connected again", len(r.Behind))
		if r.More {
			fmt.Fprint(w, "; there are more")
		}
		fmt.Fprint(w, ":\n\n")
		var rows [][]string
		for _, b := range r.Behind {
			rows = append(rows, []string{strings.Join(b.Connections, " "), b.Project, b.App, when(&b.RenewedAt), when(b.KnownAt)})
		}
		table(w, []string{"CONNECTION", "PROJECT", "APP", "RENEWED", "RENEWED SINCE"}, rows)
	})
}
