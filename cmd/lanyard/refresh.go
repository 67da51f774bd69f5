package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanyard/wire"
)

func (c *cli) refreshCommand() *cobra.Command {
	run := func(do func(cmd *cobra.Command, conn *connection) (*wire.Refresh, error)) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd.Context(), func(conn *connection) error {
				st, err := do(cmd, conn)
				if err != nil {
					return err
				}
				return c.print(st, func(w io.Writer) { printRefresh(w, *st, conn.local) })
			})
		}
	}
	status := &cobra.Command{
		Use: "status", Short: "What is due, and how renewing it goes", Args: cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, conn *connection) (*wire.Refresh, error) {
			return conn.RefreshStatus(cmd.Context())
		}),
	}
	var in wire.StopRefresh
	stop := &cobra.Command{
		Use: "stop", Short: "Renew nothing by the schedule, on all nodes",
		Long: `Renew nothing by the schedule, on all nodes, until "lanyard refresh start". It
holds within seconds, and through restarts. Callers whose token has expired still
have it renewed, unless --callers stops them too. What is under way goes on.

What nobody uses is not kept alive meanwhile: after some weeks its refresh tokens die.`,
		Args: cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, conn *connection) (*wire.Refresh, error) {
			return conn.StopRefresh(cmd.Context(), in)
		}),
	}
	stop.Flags().BoolVar(&in.Callers, "callers", false, "renew nothing for callers either: an expired token is then not to be had")
	start := &cobra.Command{
		Use: "start", Short: "Renew by the schedule again", Args: cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, conn *connection) (*wire.Refresh, error) {
			return conn.StartRefresh(cmd.Context())
		}),
	}
	return group("refresh", "Renewing of tokens: what is due, stop and start", status, stop, start)
}

func printRefresh(w io.Writer, st wire.Refresh, local bool) {
	is := "yes"
	switch s := st.Stopped; {
	case s == nil && local:
		is = "no: no server is running here"
	case s == nil:
	case s.By == "refresh_stop":
		is = "no, by this node's setting refresh_stop; for callers, yes"
	case s.Callers:
		is = fmt.Sprintf("no, stopped by %s at %s, for callers too", s.By, when(s.At))
	default:
		is = fmt.Sprintf("no, stopped by %s at %s; for callers, yes", s.By, when(s.At))
	}
	due := "nothing"
	if st.OldestDue != nil {
		due = "since " + when(st.OldestDue)
	}
	var calls []string
	for _, o := range slices.Sorted(maps.Keys(st.Calls)) {
		calls = append(calls, fmt.Sprintf("%s %d", o, st.Calls[o]))
	}
	facts(w, "renews", is, "due", due, "under way", fmt.Sprintf("%d of %d on this node", st.InFlight, st.Places),
		"callers waiting", strconv.Itoa(st.Callers), "nodes", strconv.Itoa(st.Nodes), "calls of this node", strings.Join(calls, ", "))
	var rows [][]string
	for _, a := range st.Apps {
		rows = append(rows, []string{a.App, a.Project, strconv.Itoa(a.Due), when(a.Since), fmt.Sprint(a.InFlight, "+", a.Callers), pace(a), hindrance(a), last(a)})
	}
	if len(rows) > 0 {
		fmt.Fprintln(w)
		table(w, []string{"APP", "PROJECT", "DUE", "SINCE", "CALLS+CALLERS", "PER SECOND", "HELD BACK", "LAST CALL"}, rows)
	}
	for _, h := range st.Hosts {
		fmt.Fprintf(w, "\n%s has not answered %d times in a row; it is asked again at %s, by one call.\n", h.Host, h.Row, when(&h.Until))
	}
}

// pace is an app's rate, and what it would be.
func pace(a wire.RefreshApp) string {
	number := func(f float64) string { return strconv.FormatFloat(f, 'g', 3, 64) }
	switch {
	case a.FullRate == 0:
		return ""
	case a.Rate < a.FullRate:
		return number(a.Rate) + " of " + number(a.FullRate)
	}
	return number(a.FullRate)
}

// hindrance is why an app is not called, or slowly.
func hindrance(a wire.RefreshApp) string {
	switch {
	case a.Breaker != nil && a.Breaker.State == "wary":
		return "watched since " + when(&a.Breaker.OpenedAt) + ": many were refused"
	case a.Breaker != nil:
		why := a.Breaker.Reason
		if a.Breaker.Error != "" {
			why += " (" + a.Breaker.Error + ")"
		}
		return why + " since " + when(&a.Breaker.OpenedAt) + "; one call at " + when(&a.Breaker.ProbeAt)
	case a.PausedUntil != nil:
		return "the provider asks to wait until " + when(a.PausedUntil)
	}
	return ""
}

func last(a wire.RefreshApp) string {
	if a.LastAt == nil {
		return ""
	}
	return a.LastOutcome + " " + a.LastAt.UTC().Format(time.TimeOnly)
}
