package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanyard/wire"
)

func (c *cli) vaultCommand() *cobra.Command {
	status := &cobra.Command{
		Use: "status", Short: "Which keys there are, and what they wrap", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd.Context(), func(conn *connection) error {
				st, err := conn.VaultStatus(cmd.Context())
				if err != nil {
					return err
				}
				return c.print(st, func(w io.Writer) { printVault(w, *st) })
			})
		},
	}
	return group("vault", "Keys that seal what is stored", status, c.vaultRotate())
}

func (c *cli) vaultRotate() *cobra.Command {
	var in wire.RotateVault
	cmd := &cobra.Command{
		Use: "rotate", Short: "Rotate keys while the server runs",
		Long: `Rotate keys while the server runs. A rotation can be stopped at any point; the
same command, or --level resume, goes on with it. A replaced key is destroyed
when nothing carries it any more, and two days have passed: run --level resume then.

  root     the keyset above all others
  project  a project's keyset (--project)
  person   one person's keyset (--project, --person)
  kek      the key-encryption key: --kek file:/path names the new one, which is made if it is not there
  resume   go on with every rotation that was begun`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&in.Level, "level", "", "root, project, person, kek or resume")
	cmd.Flags().StringVar(&in.Person, "person", "", "with --level person")
	cmd.Flags().StringVar(&in.KEK, "kek", "", "with --level kek: file:/path of the new key")
	_ = cmd.MarkFlagRequired("level")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		return c.with(ctx, func(conn *connection) error {
			if in.Level == "project" || in.Level == "person" {
				project, err := c.findProject(ctx, conn)
				if err != nil {
					return err
				}
				in.Project = project
			}
			stop := c.progress(ctx, "rotating")
			list, err := conn.RotateVault(ctx, in)
			stop()
			if err != nil {
				return err
			}
			return c.print(list.Data, func(w io.Writer) { printRotations(w, list.Data) })
		})
	}
	return cmd
}

// progress says every two seconds that something is still under way.
func (c *cli) progress(ctx context.Context, what string) (stop func()) {
	ctx, stop = context.WithCancel(ctx)
	start := time.Now()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(2 * time.Second):
				fmt.Fprintf(c.err, "%s, %s …\n", what, time.Since(start).Round(time.Second))
			}
		}
	}()
	return stop
}

func printVault(w io.Writer, st wire.VaultStatus) {
	facts(w, "key-encryption key", st.KEK, "is at", st.KEKURI)
	var rows [][]string
	for _, l := range st.Levels {
		var by []string
		for id, n := range l.WrappedBy {
			by = append(by, fmt.Sprintf("%s wraps %d", id, n))
		}
		rows = append(rows, []string{l.Level, fmt.Sprint(l.Keysets), when(l.Oldest), fmt.Sprint(l.Rotating), fmt.Sprint(l.Unopened), strings.Join(by, ", ")})
	}
	table(w, []string{"LEVEL", "KEYSETS", "OLDEST KEY", "ROTATING", "NOT OPENED", "WRAPPED BY"}, rows)
}

func printRotations(w io.Writer, list []wire.VaultRotation) {
	if len(list) == 0 {
		fmt.Fprintln(w, "No rotation is under way.")
	}
	for _, r := range list {
		fmt.Fprintf(w, "%s %s: key %s seals now; %d keysets rewrapped, %d values sealed anew", r.Level, r.Owner, r.Primary, r.Rewrapped, r.Resealed)
		if len(r.Retired) > 0 {
			fmt.Fprintf(w, "; destroyed: %s", strings.Join(r.Retired, " "))
		}
		if len(r.Waiting) > 0 {
			fmt.Fprintf(w, "; %s wait until %s, then run: lanyard vault rotate --level resume", strings.Join(r.Waiting, " "), when(r.WaitUntil))
		}
		for id, n := range r.Carried {
			fmt.Fprintf(w, "; %s is still carried by %d", id, n)
		}
		if r.Unopened > 0 {
			fmt.Fprintf(w, "; %d values do not open and were left as they are", r.Unopened)
		}
		fmt.Fprintln(w)
	}
}
