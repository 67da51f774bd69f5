package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lanyard/wire"
)

func (c *cli) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Say how the server is, and which nodes there are", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd.Context(), func(conn *connection) error {
				st, err := conn.Status(cmd.Context())
				if err != nil {
					return err
				}
				if conn.local { // and which URL the server has is not known
					st.Hold = nil
				}
				return c.print(st, func(w io.Writer) {
					if conn.local {
						fmt.Fprintln(w, "No server is running here. This is what its database says to this command.")
					}
					printStatus(w, *st)
				})
			})
		},
	}
}

func printStatus(w io.Writer, st wire.ServerStatus) {
	made := ""
	if st.MadeFor != st.PublicURL {
		made = st.MadeFor
	}
	facts(w, "version", st.Version, "public URL", st.PublicURL, "database", st.Database, "instance", st.Instance, "made for", made, "ready", yes(st.Ready))
	for _, part := range slices.Sorted(maps.Keys(st.Parts)) {
		if part != "status" {
			facts(w, part, st.Parts[part])
		}
	}
	if st.Hold != nil {
		fmt.Fprintf(w, "\nNo provider is called (%s): %s\n", st.Hold.Code, st.Hold.Detail)
	}
	if ahead, ok := clockAhead(st.Clock); !ok {
		fmt.Fprintf(w, "\nThis machine's clock and others differ: %s\n", ahead)
	}
	var rows [][]string
	for _, n := range st.Nodes {
		what := "silent"
		switch {
		case n.LostAt != nil:
			what = "lost"
		case n.Self:
			what = "this one"
		case n.Alive:
			what = "alive"
		}
		rows = append(rows, []string{n.ID, what, n.Version, when(&n.StartedAt), when(&n.SeenAt)})
	}
	fmt.Fprintln(w)
	table(w, []string{"NODE", "IS", "VERSION", "SINCE", "LAST SEEN"}, rows)
}

// clockAhead says in words what others' clocks say of this one, and whether it may
// stay so.
func clockAhead(k wire.Clock) (string, bool) {
	const most = 30 // seconds, as the server has it
	var words []string
	one := func(who string, seconds float64) {
		way := "ahead"
		if seconds < 0 {
			way, seconds = "behind", -seconds
		}
		words = append(words, fmt.Sprintf("%s %.0f s %s", who, seconds, way))
	}
	one("the database is", k.DatabaseSeconds)
	if k.Providers > 0 {
		one(fmt.Sprintf("providers (%d) are", k.Providers), k.ProvidersSeconds)
	}
	return strings.Join(words, ", "), max(k.DatabaseSeconds, -k.DatabaseSeconds, k.ProvidersSeconds, -k.ProvidersSeconds) < most
}

func (c *cli) adoptCommand() *cobra.Command {
	var sure bool
	cmd := &cobra.Command{
		Use: "adopt", Short: "Make the database this server's: it calls providers with the tokens in it",
		Long: `Make the database this server's. A database remembers the public URL of the server
it was made for. Under another one a server serves pages and reads but calls no
provider: the tokens in a copy are those of the original, and whoever renews one
first takes it from the other.

Stop the other server first, if there is one. It calls no provider any more if it
uses this very database, but knows nothing of what is done to a copy. It is on the
log.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd.Context(), func(conn *connection) error { return c.adopt(cmd.Context(), conn, sure) })
		},
	}
	cmd.Flags().BoolVar(&sure, "yes", false, "do not ask")
	return cmd
}

func (c *cli) adopt(ctx context.Context, conn *connection, sure bool) error {
	if conn.local {
		return errors.New("no server is running here, and which URL it has is part of the question: start it (lanyard serve), then adopt")
	}
	st, err := conn.Status(ctx)
	if err != nil {
		return err
	}
	if st.MadeFor == st.PublicURL {
		return c.print(wire.Adopted{Was: st.MadeFor, PublicURL: st.PublicURL}, func(w io.Writer) {
			fmt.Fprintf(w, "The database is that of %s already.\n", st.PublicURL)
		})
	}
	if !sure {
		ok, err := c.ask(fmt.Sprintf("The database was made for %s. This server, at %s, will renew the tokens in it; the other one must not run any more.",
			st.MadeFor, st.PublicURL))
		if err != nil || !ok {
			return err
		}
	}
	done, err := conn.Adopt(ctx)
	if err != nil {
		return err
	}
	return c.print(done, func(w io.Writer) {
		fmt.Fprintf(w, "The database is that of %s now; it was %s's.\n", done.PublicURL, done.Was)
	})
}

// ask says something and waits for a yes; where nobody can be asked, --yes is needed.
func (c *cli) ask(what string) (bool, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return false, usage(errors.New(what + " Say --yes if that is meant"))
	}
	fmt.Fprintf(c.err, "%s\nType yes to go on: ", what)
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	if strings.TrimSpace(line) != "yes" {
		fmt.Fprintln(c.err, "Nothing was changed.")
		return false, nil
	}
	return true, nil
}
