package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lanyard/wire"
)

func (c *cli) spoolCommand() *cobra.Command {
	return group("spool", "Answers of providers on the server's local disk", c.spoolStatus(), c.spoolDeclareLost())
}

func (c *cli) spoolStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Say how the answers on the local disk are",
		Long: `Say how the answers on the local disk are. What a provider answers to a renewal is
written there, sealed, before anything else is done with it, and stays for a day.
Pending are those that the database is not known to have. Where the state is not ok,
no call to a provider begins on this server; tokens that live are handed out.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd.Context(), func(conn *connection) error {
				st, err := conn.Spool(cmd.Context())
				if err != nil {
					return err
				}
				return c.print(st, func(w io.Writer) { printSpool(w, *st) })
			})
		},
	}
}

func printSpool(w io.Writer, st wire.Spool) {
	facts(w, "state", st.State, "because", st.Why, "directory", st.Dir, "node", st.Node,
		"segments", fmt.Sprintf("%d, %s", st.Segments, bytesOf(st.Bytes)), "receipts", fmt.Sprint(st.Receipts),
		"pending", fmt.Sprint(st.Pending), "oldest pending", when(st.OldestPending), "calls that run", fmt.Sprint(st.Rooms),
		"damaged", fmt.Sprint(st.Damaged), "marks", fmt.Sprint(st.Marks),
		"free on disk", bytesOf(st.Free), "must be free", bytesOf(st.Floor))
}

// bytesOf is a number of bytes for people.
func bytesOf(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

func (c *cli) spoolDeclareLost() *cobra.Command {
	var sure bool
	cmd := &cobra.Command{
		Use: "declare-lost NODE", Short: "Say that a node will not come back, and its disk neither",
		Long: `Say that a node will not come back, and its disk neither. A node that died has
perhaps answers of providers on its disk that nobody else has; where using a
refresh token twice would end the connection, others wait for it. After this they
do not: its calls count as answered by nobody, and a connection whose token was
renewed by one of them may have to be made again. If the disk is there, start the
node on it instead: nothing is lost then. "lanyard status" has the nodes. It is on
the log.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, node := cmd.Context(), args[0]
			return c.with(ctx, func(conn *connection) error {
				if !sure {
					ok, err := c.ask(fmt.Sprintf("Node %s will not come back and its disk is gone: what is on it is given up.", node))
					if err != nil || !ok {
						return err
					}
				}
				lost, err := conn.DeclareLost(ctx, node)
				if err != nil {
					return err
				}
				return c.print(lost, func(w io.Writer) {
					fmt.Fprintf(w, "Node %s is lost; %d calls of its were under way.\n", lost.Node, lost.Closed)
				})
			})
		},
	}
	cmd.Flags().BoolVar(&sure, "yes", false, "do not ask")
	return cmd
}
