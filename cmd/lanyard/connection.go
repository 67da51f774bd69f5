package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanyard/client"
	"lanyard/wire"
)

func (c *cli) connectionCommand() *cobra.Command {
	return group("connection", "What people have connected", c.connectionList(), c.connectionShow(), c.connectionAttempts(),
		c.connectionPause(true), c.connectionPause(false), c.connectionReconnect(), c.connectionDelete())
}

func (c *cli) connectionList() *cobra.Command {
	var filter client.ConnectionFilter
	cmd := &cobra.Command{Use: "list", Short: "List connections, newest first", Args: cobra.NoArgs}
	f := cmd.Flags()
	f.StringVar(&filter.EndUserID, "end-user", "", "of this end user")
	f.StringVar(&filter.Provider, "provider", "", "at this provider")
	f.StringVar(&filter.AppID, "app", "", "of this app")
	f.StringVar(&filter.Status, "status", "", "active, partial, degraded, needs_reauth, paused or revoked")
	f.StringVar(&filter.Label, "label", "", "with this label")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			all, err := client.All(cmd.Context(), func(ctx context.Context, p client.Page) (*wire.List[wire.Connection], error) {
				return on.ListConnections(ctx, filter, p)
			})
			if err != nil {
				return err
			}
			return c.print(all, func(w io.Writer) {
				var rows [][]string
				for _, x := range all {
					rows = append(rows, []string{x.ID, x.Provider, x.EndUser.ID, x.Account.DisplayName, x.Status, x.Reason, when(x.AccessTokenExpiresAt)})
				}
				table(w, []string{"ID", "PROVIDER", "END USER", "ACCOUNT", "STATUS", "REASON", "TOKEN UNTIL"}, rows)
			})
		})
	}
	return cmd
}

func (c *cli) connectionShow() *cobra.Command {
	return &cobra.Command{Use: "show CONNECTION", Short: "Show a connection", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			x, err := on.GetConnection(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return c.print(x, func(w io.Writer) {
				facts(w, "connection", x.ID, "provider", x.Provider, "end user", x.EndUser.ID, "account", strings.TrimSpace(x.Account.DisplayName+" "+x.Account.Email),
					"status", x.Status, "reason", x.Reason, "", x.Message, "granted", strings.Join(x.ScopesGranted, " "), "missing", strings.Join(x.ScopesMissing, " "),
					"token until", when(x.AccessTokenExpiresAt), "renewed", when(x.LastRefreshedAt), "connected", when(&x.CreatedAt), "came by", x.Origin, "reconnect", x.ReconnectURL)
			})
		})
	}}
}

func (c *cli) connectionAttempts() *cobra.Command {
	return &cobra.Command{Use: "attempts CONNECTION", Short: "Show the calls to the provider's token endpoint, newest first, as a time line", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			all, err := client.All(cmd.Context(), func(ctx context.Context, p client.Page) (*wire.List[wire.Attempt], error) {
				return on.ListAttempts(ctx, args[0], p)
			})
			if err != nil {
				return err
			}
			return c.print(all, func(w io.Writer) { timeLine(w, all) })
		})
	}}
}

// marks say at a glance how an attempt ended.
var marks = map[string]string{"": "…", "ok": "●", "ok_partial": "◐", "not_sent": "·", "unknown": "?", "throttled": "~", "app_error": "!", "rejected": "✗", "interaction": "✗", "dropped": "–"}

// timeLine writes attempts, newest first as they come, with the time that went by
// between them and how long each took beside the others.
func timeLine(w io.Writer, all []wire.Attempt) {
	longest := time.Millisecond
	for _, a := range all {
		if a.EndedAt != nil {
			longest = max(longest, a.EndedAt.Sub(a.StartedAt))
		}
	}
	const width = 10
	var rows [][]string
	for i, a := range all {
		outcome, took, bar := a.Outcome, "", ""
		if outcome == "" {
			outcome = "running, or its node died"
		}
		if a.EndedAt != nil {
			d := a.EndedAt.Sub(a.StartedAt)
			took, bar = d.Round(time.Millisecond).String(), strings.Repeat("▪", 1+int((width-1)*d/longest))
		}
		since := ""
		if i+1 < len(all) {
			since = "+" + a.StartedAt.Sub(all[i+1].StartedAt).Round(time.Second).String()
		}
		rows = append(rows, []string{when(&a.StartedAt), since, marks[a.Outcome] + " " + outcome, a.Kind, strconv.FormatInt(a.Generation, 10), a.Error, took, bar, a.Class, a.ProviderRequestID})
	}
	table(w, []string{"STARTED", "AFTER", "OUTCOME", "KIND", "GENERATION", "ERROR", "TOOK", "", "CLASS", "PROVIDER'S REQUEST ID"}, rows)
}

func (c *cli) connectionPause(pause bool) *cobra.Command {
	use, short := "resume CONNECTION", "Hand out tokens again"
	if pause {
		use, short = "pause CONNECTION", "Hand out no token until it is resumed"
	}
	return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			x, err := on.UpdateConnection(cmd.Context(), args[0], wire.ConnectionChange{Paused: &pause})
			if err != nil {
				return err
			}
			return c.print(x, func(w io.Writer) { fmt.Fprintln(w, x.ID+" is "+x.Status) })
		})
	}}
}

func (c *cli) connectionReconnect() *cobra.Command {
	return &cobra.Command{Use: "reconnect CONNECTION", Short: "Make a link with which the person connects the same account again", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			s, err := on.ReconnectConnection(cmd.Context(), args[0], wire.ReconnectRequest{})
			if err != nil {
				return err
			}
			return c.print(s, func(w io.Writer) {
				fmt.Fprintln(w, s.ConnectURL)
				fmt.Fprintf(c.err, "Good until %s, for one person: whoever opens it must own the account.\n", when(&s.ExpiresAt))
			})
		})
	}}
}

func (c *cli) connectionDelete() *cobra.Command {
	return &cobra.Command{Use: "delete CONNECTION", Short: "Disconnect: revoke at the provider, and delete the tokens", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			r, err := on.DeleteConnection(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return c.print(r, func(w io.Writer) {
				facts(w, "at the provider", strings.ReplaceAll(r.Outcome, "_", " "), "", r.Detail, "an access token lives until", when(r.LivesUntil))
			})
		})
	}}
}
