package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanyard/client"
	"lanyard/wire"
)

func (c *cli) botCommand() *cobra.Command {
	return group("bot", "Bots, and why they could not join",
		c.botCreate(), c.botList(), c.botShow(), c.botCancel(), c.botTokens(), c.botReport(), c.botExplain())
}

// candidateFlags say on whose behalf.
type candidateFlags struct {
	connections, people, accounts, labels []string
	host                                  bool
}

func (f *candidateFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.connections, "connection", nil, "on behalf of this connection; repeat it")
	cmd.Flags().StringSliceVar(&f.people, "end-user", nil, "on behalf of this end user; repeat it")
	cmd.Flags().StringSliceVar(&f.accounts, "account", nil, "on behalf of the account with this id at the provider; repeat it")
	cmd.Flags().StringSliceVar(&f.labels, "label", nil, "on behalf of anybody with this label; repeat it")
	cmd.Flags().BoolVar(&f.host, "host", false, "on behalf of the meeting's host")
}

func (f *candidateFlags) list() (out []wire.Candidate) {
	for _, id := range f.connections {
		out = append(out, wire.Candidate{ConnectionID: id})
	}
	for _, id := range f.people {
		out = append(out, wire.Candidate{EndUserID: id})
	}
	for _, id := range f.accounts {
		out = append(out, wire.Candidate{AccountID: id})
	}
	for _, label := range f.labels {
		out = append(out, wire.Candidate{Label: label})
	}
	if f.host {
		out = append(out, wire.Candidate{Host: true})
	}
	return out
}

func (c *cli) botCreate() *cobra.Command {
	var in wire.NewBot
	var who candidateFlags
	var at string
	var giveUp time.Duration
	cmd := &cobra.Command{
		Use: "create", Short: "Make a bot, and say how it looks for it",
		Long: `Make a bot for a meeting, and say how it looks for it. On whose behalf, say
--connection, --end-user, --account, --label and --host: in that order.`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&in.MeetingURL, "meeting", "", "link of the meeting")
	f.StringVar(&in.Name, "name", "", "as it is shown in the meeting")
	f.StringVar(&at, "at", "", "when it is to join: 2026-12-01T09:00:00Z, or in how long: 90m; now without")
	who.add(cmd)
	f.StringSliceVar(&in.Allow.Types, "type", nil, "of join tokens that it may have: onbehalf, zak, local_recording; repeat it. Without any, onbehalf")
	f.StringVar(&in.Runner, "runner", "", "who runs it: a runner's id or kind, or none")
	f.StringToStringVar(&in.Metadata, "metadata", nil, "your own: name=value; repeat it")
	f.StringSliceVar(&in.Allow.Scopes, "scope", nil, "of access tokens: its own key may read one that has no other; repeat it. Without any, none")
	f.StringVar(&in.DedupKey, "deduplication-key", "", "one bot at a time has it")
	f.DurationVar(&giveUp, "give-up-after", 0, "how long it waits for a person; 10m without")
	f.BoolVar(&in.Trial, "trial", false, "ask the provider for the tokens, to see whether it gives them")
	f.BoolVar(&in.Key, "key", false, "make it a key of its own, and show that, once")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if in.MeetingURL == "" {
			return usage(errors.New("say where with --meeting"))
		}
		join, err := hour("at", at)
		if err != nil {
			return err
		}
		in.JoinAt, in.Candidates, in.GiveUpAfter = join, who.list(), int(giveUp/time.Second)
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			made, err := on.CreateBot(cmd.Context(), in)
			if err != nil {
				return err
			}
			return c.print(made, func(w io.Writer) {
				fmt.Fprintln(w, made.ID)
				if made.Credential != "" {
					fmt.Fprintln(w, made.Credential)
					fmt.Fprintln(c.err, "The second line is the bot's own key. It is shown this once.")
				}
				if made.Preflight != nil {
					printPreflight(c.err, made.Preflight)
				}
			})
		})
	}
	return cmd
}

// hour reads a time, or in how long it is; nil where nothing is said.
func hour(flag, text string) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // nothing was said
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		d, derr := time.ParseDuration(text)
		if derr != nil {
			return nil, usage(fmt.Errorf("--%s: a time such as 2026-12-01T09:00:00Z, or in how long, such as 90m", flag))
		}
		at = time.Now().Add(d)
	}
	return new(at.UTC()), nil
}

func (c *cli) botList() *cobra.Command {
	var which client.Bots
	var from, to string
	cmd := &cobra.Command{Use: "list", Short: "List bots, newest first", Args: cobra.NoArgs}
	f := cmd.Flags()
	f.StringVar(&which.State, "state", "", "in this state: scheduled, ready, joining, waiting_for_person, waiting_room, joined, left, failed, cancelled")
	f.StringToStringVar(&which.Metadata, "metadata", nil, "with this metadata: name=value; repeat it")
	f.StringVar(&which.DedupKey, "deduplication-key", "", "with this deduplication key")
	f.StringVar(&which.Dialect, "dialect", "", "asked for in the words of attendee or meetstream")
	f.StringVar(&which.Provider, "provider", "", "in meetings of this provider")
	f.StringVar(&from, "from", "", "that join then or later: 2026-12-01T09:00:00Z, or in how long: 90m")
	f.StringVar(&to, "to", "", "that join before: the same")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		for name, at := range map[string]struct {
			text string
			to   *time.Time
		}{"from": {from, &which.From}, "to": {to, &which.To}} {
			t, err := hour(name, at.text)
			if err != nil {
				return err
			}
			if t != nil {
				*at.to = *t
			}
		}
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			all, err := client.All(cmd.Context(), func(ctx context.Context, page client.Page) (*wire.List[wire.Bot], error) {
				return on.ListBots(ctx, which, page)
			})
			if err != nil {
				return err
			}
			return c.print(all, func(w io.Writer) {
				var rows [][]string
				for _, b := range all {
					rows = append(rows, []string{b.ID, b.Name, b.State, b.Reason, b.Provider, when(&b.JoinAt), b.Used})
				}
				table(w, []string{"ID", "NAME", "STATE", "REASON", "PROVIDER", "JOINS", "ON BEHALF OF"}, rows)
			})
		})
	}
	return cmd
}

func (c *cli) botShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show a bot and its time line", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.onProject(cmd.Context(), func(on *client.Client) error { return c.showBot(on.GetBot(cmd.Context(), args[0])) })
		},
	}
}

// showBot prints a bot. The link is not among it: it may hold a passcode.
func (c *cli) showBot(b *wire.Bot, err error) error {
	if err != nil {
		return err
	}
	return c.print(b, func(w io.Writer) {
		facts(w, "id", b.ID, "name", b.Name, "state", b.State, "reason", strings.TrimSpace(b.Reason+" "+b.Message), "provider", b.Provider,
			"joins", when(&b.JoinAt), "waits until", when(b.GiveUpAt), "runner", b.Runner, "runner calls it", b.RunnerRef, "may have", strings.Join(b.Allow.Types, " "),
			"on behalf of", b.Used, "ended", when(b.EndedAt))
		for _, t := range b.Tries {
			if t.Code != "" {
				fmt.Fprintf(w, "not on behalf of %s: %s (%s, %s)\n", t.ConnectionID, t.Message, t.Code, when(&t.At))
			}
		}
		var rows [][]string
		for _, s := range b.Steps {
			rows = append(rows, []string{when(&s.At), s.State, s.By, s.ConnectionID, strings.TrimSpace(s.SDK + " " + s.Code), s.Explained})
		}
		table(w, []string{"AT", "STATE", "SAID BY", "ON BEHALF OF", "CODE", "WHAT IT MEANS"}, rows)
	})
}

func (c *cli) botCancel() *cobra.Command {
	return &cobra.Command{
		Use: "cancel ID", Short: "Call a bot off, or have it leave", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.onProject(cmd.Context(), func(on *client.Client) error {
				b, err := on.LeaveBot(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return c.print(b, func(w io.Writer) { fmt.Fprintf(w, "Bot %s: %s.\n", b.ID, b.State) })
			})
		},
	}
}

func (c *cli) botTokens() *cobra.Command {
	var in wire.BotJoin
	cmd := &cobra.Command{
		Use: "tokens ID", Short: "Mint what a bot joins with now, and show it",
		Long: `Mint what a bot joins with now, and show it: the tokens on standard output, and on
whose behalf they are on standard error.`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringSliceVar(&in.Types, "type", nil, "onbehalf, zak, local_recording; repeat it. Without any, all that the bot may have")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			got, err := on.CreateBotTokens(cmd.Context(), args[0], in)
			if err != nil {
				return err
			}
			return c.print(got, func(w io.Writer) {
				for _, t := range got.Tokens {
					fmt.Fprintf(w, "%s %s\n", t.Type, t.Token)
				}
				fmt.Fprintf(c.err, "On behalf of %s.\n", got.ConnectionID)
				printSkipped(c.err, got.Skipped)
			})
		})
	}
	return cmd
}

func printSkipped(w io.Writer, list []wire.Skipped) {
	for _, k := range list {
		fmt.Fprintf(w, "Not on behalf of %s: %s\n", cmp.Or(k.ConnectionID, "a candidate"), k.Detail)
		if k.ReconnectURL != "" {
			fmt.Fprintf(w, "  the link: %s\n", k.ReconnectURL)
		}
	}
}

func (c *cli) botReport() *cobra.Command {
	var in wire.BotReport
	cmd := &cobra.Command{
		Use: "report ID", Short: "Say what came of it: a state, a code of the Meeting SDK, or both", Args: cobra.ExactArgs(1),
	}
	f := cmd.Flags()
	f.StringVar(&in.State, "state", "", "joining, waiting_for_person, waiting_room, joined, left, failed; what follows from the code without")
	f.StringVar(&in.Code, "code", "", "what the Meeting SDK said: 4017, or its name for it")
	f.StringVar(&in.SDK, "sdk", "", "which SDK: web, native, native_end")
	f.StringVar(&in.ConnectionID, "connection", "", "on whose behalf it tried; on whose it was given tokens last without")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if in.State == "" && in.Code == "" {
			return usage(errors.New("say what came of it with --state or --code"))
		}
		return c.onProject(cmd.Context(), func(on *client.Client) error { return c.showBot(on.ReportBot(cmd.Context(), args[0], in)) })
	}
	return cmd
}
