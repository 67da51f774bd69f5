package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"lanyard/client"
	"lanyard/wire"
)

func (c *cli) consentCommand() *cobra.Command {
	return group("consent", "What people have agreed to, and what they have taken back", c.consentList(), c.consentShow())
}

func (c *cli) consentList() *cobra.Command {
	var filter client.ConsentFilter
	cmd := &cobra.Command{Use: "list", Short: "List consents, newest first, those that ended too", Args: cobra.NoArgs}
	f := cmd.Flags()
	f.StringVar(&filter.EndUserID, "end-user", "", "of this end user")
	f.StringVar(&filter.ConnectionID, "connection", "", "that made or renewed this connection")
	f.StringVar(&filter.AppID, "app", "", "to this app")
	f.StringVar(&filter.Provider, "provider", "", "at this provider")
	f.StringVar(&filter.State, "state", "", "given, superseded or withdrawn")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			all, err := client.All(cmd.Context(), func(ctx context.Context, p client.Page) (*wire.List[wire.Consent], error) {
				return on.ListConsents(ctx, filter, p)
			})
			if err != nil {
				return err
			}
			return c.print(all, func(w io.Writer) {
				var rows [][]string
				for _, x := range all {
					rows = append(rows, []string{x.ID, when(&x.GrantedAt), x.EndUserID, x.Provider, x.State, when(x.EndedAt), atProvider(x), x.ConnectionID})
				}
				table(w, []string{"ID", "GRANTED", "END USER", "PROVIDER", "STATE", "ENDED", "AT THE PROVIDER", "CONNECTION"}, rows)
			})
		})
	}
	return cmd
}

// atProvider says in a few words what the provider answered to a withdrawal.
func atProvider(x wire.Consent) string {
	if x.Withdrawal == nil {
		return ""
	}
	out := strings.ReplaceAll(x.Withdrawal.AtProvider, "_", " ")
	if x.Withdrawal.HTTPStatus > 0 {
		out += " (HTTP " + strconv.Itoa(x.Withdrawal.HTTPStatus) + ")"
	}
	if x.Withdrawal.TriedAgain {
		out += ", is tried again"
	}
	return out
}

// shownAs says what is known of what the person was shown.
var shownAs = map[string]string{"page": "our page, from which Continue was pressed", "continued": "what our page said then; Continue came without the mark of a page",
	"not_seen": "not seen by us"}

func (c *cli) consentShow() *cobra.Command {
	return &cobra.Command{Use: "show CONSENT", Short: "Show a consent, with every sentence that the person was shown", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			x, err := on.GetConsent(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return c.print(x, func(w io.Writer) { showConsent(w, x) })
		})
	}}
}

func showConsent(w io.Writer, x *wire.Consent) {
	from := strings.TrimSpace(x.IP + " " + x.UserAgent)
	facts(w, "consent", x.ID, "state", x.State, "end user", x.EndUserID, "connection", x.ConnectionID, "provider", x.Provider, "app", x.AppID,
		"client at the provider", x.ClientID, "came by", x.Origin, "shown", shownAs[x.Shown], "", when(x.ShownAt), "asked", when(&x.AskedAt), "", strings.Join(x.ScopesAsked, " "),
		"granted", when(&x.GrantedAt), "", strings.Join(x.ScopesGranted, " "), "missing", strings.Join(x.ScopesMissing, " "), "from", from,
		"completed by", x.CompletedBy, "ended", when(x.EndedAt), "superseded by", x.SupersededBy)
	if d := x.Withdrawal; d != nil {
		facts(w, "withdrawn by", d.By, "reason", d.Reason, "at the provider", atProvider(*x), "", d.Detail, "answered", when(d.AnsweredAt),
			"an access token lives until", when(d.LivesUntil))
	}
	if x.Text == nil {
		return
	}
	fmt.Fprintf(w, "\nWhat was shown (%s, version %s, SHA-256 %s):\n\n", x.Text.Language, x.Text.Version, x.Text.Hash)
	for _, line := range x.Text.Lines {
		fmt.Fprintln(w, "  "+line)
	}
}
