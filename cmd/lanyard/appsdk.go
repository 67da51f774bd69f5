package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"lanyard/client"
	"lanyard/wire"
)

// published says in a few words whether an app is approved, and why that is believed.
func published(p *wire.Published) string {
	switch {
	case p == nil:
		return ""
	case p.Refuted:
		return fmt.Sprintf("%s: a meeting said so (%s, %s), and you had declared %s", p.Is, p.Code, when(p.RefutedAt), p.Declared)
	case p.DeclaredAt != nil:
		return fmt.Sprintf("%s: you declared it, %s", p.Is, when(p.DeclaredAt))
	}
	return p.Is
}

func (c *cli) appSignature() *cobra.Command {
	var in wire.SDKSignatureRequest
	var host bool
	var life time.Duration
	cmd := &cobra.Command{
		Use: "sdk-signature APP", Short: "Make a signature (JWT) that starts a bot's Meeting SDK",
		Long: `Make a signature (JWT) that starts a bot's Meeting SDK, with the app's client secret.
The web SDK needs the number of the meeting in it; the native ones do not.`,
		Args: cobra.ExactArgs(1),
	}
	f := cmd.Flags()
	f.StringVar(&in.MeetingNumber, "meeting", "", "number of the meeting, 9 to 11 digits")
	f.BoolVar(&host, "host", false, "the bot joins as the host")
	f.DurationVar(&life, "lifetime", 2*time.Hour, "how long it lives: 30m to 48h")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if host {
			in.Role = 1
		}
		in.LifetimeSeconds = int(life / time.Second)
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			made, err := on.SDKSignature(cmd.Context(), args[0], in)
			if err != nil {
				return err
			}
			return c.print(made, func(w io.Writer) { fmt.Fprintln(w, made.Signature) })
		})
	}
	return cmd
}
