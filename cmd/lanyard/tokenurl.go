package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanyard/client"
	"lanyard/wire"
)

func (c *cli) tokenURLCommand() *cobra.Command {
	return group("token-url", "URLs that bot vendors call for a token", c.tokenURLCreate(), c.tokenURLList(), c.tokenURLRevoke())
}

func (c *cli) tokenURLCreate() *cobra.Command {
	var in wire.NewTokenURL
	var expires, secretFile string
	var connections, people, labels, accounts []string
	var host bool
	cmd := &cobra.Command{
		Use: "create", Short: "Make a token URL and show it, once",
		Long: `Make a URL that a bot vendor calls for a token as its bot joins, and show it, once.
Who has the URL gets tokens. On whose behalf, say --connection, --end-user,
--account, --label and --host: each is tried, in that order, until one works.`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&in.Name, "name", "", "for people; shown in lists")
	f.StringVar(&in.Contract, "contract", "", "plain (Recall, Meeting BaaS, others), meetstream or attendee")
	f.StringSliceVar(&in.Types, "type", nil, "onbehalf, zak, local_recording or access_token; for attendee several")
	f.StringSliceVar(&connections, "connection", nil, "on behalf of this connection; repeat it")
	f.StringSliceVar(&people, "end-user", nil, "on behalf of this end user; repeat it")
	f.StringSliceVar(&accounts, "account", nil, "on behalf of the account with this id at the provider; repeat it")
	f.StringSliceVar(&labels, "label", nil, "on behalf of anybody with this label; repeat it")
	f.BoolVar(&host, "host", false, "on behalf of the meeting's host")
	f.StringSliceVar(&in.Scopes, "scope", nil, "an access token must carry it; repeat it")
	f.StringSliceVar(&in.Meetings, "meeting", nil, "for this meeting only, a link or number; repeat it")
	f.StringSliceVar(&in.CIDRs, "cidr", nil, "callable from this network only; repeat it")
	f.StringVar(&secretFile, "signing-secret-file", "", "file with Attendee's webhook secret, or what MeetStream's bots send; - asks for it")
	f.StringVar(&expires, "expires", "", "when it ends: 30d, 12h, or 2027-01-31T00:00:00Z")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		at, err := expiry(expires, time.Now())
		if err != nil {
			return usage(err)
		}
		if len(in.Types) == 0 {
			return usage(fmt.Errorf("say what it hands out with --type: onbehalf, zak, local_recording or access_token"))
		}
		in.ExpiresAt = at
		if secretFile != "" {
			secret, err := c.secretFrom(secretFile, "signing-secret")
			if err != nil {
				return err
			}
			in.SigningSecret = secret
		}
		for _, id := range connections {
			in.Candidates = append(in.Candidates, wire.Candidate{ConnectionID: id})
		}
		for _, id := range people {
			in.Candidates = append(in.Candidates, wire.Candidate{EndUserID: id})
		}
		for _, id := range accounts {
			in.Candidates = append(in.Candidates, wire.Candidate{AccountID: id})
		}
		for _, label := range labels {
			in.Candidates = append(in.Candidates, wire.Candidate{Label: label})
		}
		if host {
			in.Candidates = append(in.Candidates, wire.Candidate{Host: true})
		}
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			made, err := on.CreateTokenURL(cmd.Context(), in)
			if err != nil {
				return err
			}
			return c.print(made, func(w io.Writer) {
				fmt.Fprintln(w, made.URL)
				fmt.Fprintf(c.err, "This is token URL %s. It is shown this once; give it to the vendor alone.\n", made.ID)
			})
		})
	}
	return cmd
}

func (c *cli) tokenURLList() *cobra.Command {
	var key string
	cmd := &cobra.Command{Use: "list", Short: "List token URLs, newest first", Args: cobra.NoArgs}
	cmd.Flags().StringVar(&key, "key", "", "those that this key made, those for bots too")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			list := on.ListTokenURLs
			if key != "" {
				list = func(ctx context.Context, page client.Page) (*wire.List[wire.TokenURL], error) {
					return on.ListTokenURLsOfKey(ctx, key, page)
				}
			}
			all, err := client.All(cmd.Context(), list)
			if err != nil {
				return err
			}
			return c.print(all, func(w io.Writer) {
				var rows [][]string
				for _, u := range all {
					state := "in force"
					switch {
					case u.RevokedAt != nil:
						state = "revoked"
					case u.ExpiresAt != nil && !time.Now().Before(*u.ExpiresAt):
						state = "expired"
					}
					rows = append(rows, []string{u.ID, u.Name, state, u.Contract, strings.Join(u.Types, ","), cmp.Or(u.KeyID, "operator"), when(u.LastUsedAt), when(u.ExpiresAt)})
				}
				table(w, []string{"ID", "NAME", "STATE", "CONTRACT", "TYPES", "MADE BY", "LAST USED", "EXPIRES"}, rows)
			})
		})
	}
	return cmd
}

func (c *cli) tokenURLRevoke() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use: "revoke [ID]", Short: "Revoke a token URL, or all that a key made", Args: cobra.MaximumNArgs(1),
		Long: `Revoke a token URL, or with --key all that a key made: those for bots too, which get no more tokens by them.
A token URL outlives the key that made it. After a leak of a key, withdraw both.`,
	}
	cmd.Flags().StringVar(&key, "key", "", "all that this key made, those for bots too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if (len(args) == 1) == (key != "") {
			return usage(fmt.Errorf("say which token URL, or --key and the key that made them; one of the two"))
		}
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			if key != "" {
				was, err := on.RevokeTokenURLsOfKey(cmd.Context(), key)
				if err != nil {
					return err
				}
				return c.print(was, func(w io.Writer) {
					fmt.Fprintf(w, "Token URLs of key %s that were in force, now revoked: %d\n", key, was.Revoked)
				})
			}
			if err := on.RevokeTokenURL(cmd.Context(), args[0]); err != nil {
				return err
			}
			return c.print(map[string]string{"revoked": args[0]}, func(w io.Writer) { fmt.Fprintf(w, "Token URL %s is revoked.\n", args[0]) })
		})
	}
	return cmd
}
