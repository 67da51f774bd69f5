package main

import (
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

// preflightFlags are what doctor needs to look at a meeting.
type preflightFlags struct {
	meeting, at string
	connections []string
	endUsers    []string
	types       []string
	noTrial     bool
}

func (p *preflightFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.meeting, "meeting", "", "link or number of a meeting: say whether a bot can join it, instead")
	f.StringSliceVar(&p.connections, "connection", nil, "on whose behalf; repeat it. Without any, whoever hosts the meeting")
	f.StringSliceVar(&p.endUsers, "end-user", nil, "the same by your own id of a person; repeat it")
	f.StringVar(&p.at, "at", "", "when the bot is to join: 2026-12-01T09:00:00Z, or in how long: 90m; now without")
	f.StringSliceVar(&p.types, "type", nil, "of join tokens: onbehalf, zak, local_recording; repeat it. Without any, onbehalf")
	f.BoolVar(&p.noTrial, "no-trial", false, "do not ask the provider")
}

func (p *preflightFlags) request() (wire.PreflightRequest, error) {
	in := wire.PreflightRequest{Types: p.types, Trial: new(!p.noTrial)}
	if strings.ContainsAny(p.meeting, "/:") {
		in.MeetingURL = p.meeting
	} else {
		in.MeetingNumber = p.meeting
	}
	for _, id := range p.connections {
		in.Candidates = append(in.Candidates, wire.Candidate{ConnectionID: id})
	}
	for _, id := range p.endUsers {
		in.Candidates = append(in.Candidates, wire.Candidate{EndUserID: id})
	}
	if p.at == "" {
		return in, nil
	}
	at, err := time.Parse(time.RFC3339, p.at)
	if err != nil {
		d, derr := time.ParseDuration(p.at)
		if derr != nil {
			return in, usage(errors.New("--at: a time such as 2026-12-01T09:00:00Z, or in how long, such as 90m"))
		}
		at = time.Now().Add(d)
	}
	in.At = new(at.UTC())
	return in, nil
}

// doctorMeeting says whether a bot can join a meeting.
func (c *cli) doctorMeeting(ctx context.Context, flags *preflightFlags) error {
	in, err := flags.request()
	if err != nil {
		return err
	}
	return c.onProject(ctx, func(on *client.Client) error {
		got, err := on.Preflight(ctx, in)
		if err != nil {
			return err
		}
		if err := c.print(got, func(w io.Writer) { printPreflight(w, got) }); err != nil {
			return err
		}
		if got.Can == "no" {
			return errors.New("the bot cannot join; see above")
		}
		return nil
	})
}

func printPreflight(w io.Writer, got *wire.Preflight) {
	fmt.Fprintf(w, "%s\n\n", got.Summary)
	for _, l := range got.Lines {
		verdict := map[string]string{"proved": proved, "refused": refused, "unknown": "not known"}[l.Verdict]
		fmt.Fprintf(w, "%-10s  %s: %s\n", verdict, l.About, l.Say)
		if l.Do != "" {
			fmt.Fprintf(w, "%-10s  → %s\n", "", l.Do)
		}
		if l.ReconnectURL != "" {
			fmt.Fprintf(w, "%-10s  → the link: %s\n", "", l.ReconnectURL)
		}
	}
}
