package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lanyard"
)

// explained is a code of a Meeting SDK in words.
type explained struct {
	SDK         string `json:"sdk"`
	Code        string `json:"code"`
	Name        string `json:"name"`
	Class       string `json:"class"`
	Reason      string `json:"reason"`
	Say         string `json:"say"`
	Do          string `json:"do"`
	UserMessage string `json:"user_message,omitempty"`
}

func (c *cli) botExplain() *cobra.Command {
	var sdk string
	cmd := &cobra.Command{
		Use: "explain CODE", Short: "Say what a code of Zoom's Meeting SDK means, and what helps",
		Long: `Say what a code of Zoom's Meeting SDK means when a bot could not join, and what helps.
The code is a number, such as 4017, or the SDK's name for it. The same number can mean
two things in two SDKs; without --sdk both are shown. Works without a server.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			var all []explained
			for _, f := range lanyard.JoinCodes(args[0]) {
				if sdk == "" || f.SDK == sdk {
					all = append(all, explained{f.SDK, f.Number, f.Name, string(f.Class), string(f.Reason()), f.Say, f.Do(), f.UserMessage()})
				}
			}
			if args[0] == "" || len(all) == 0 {
				return fmt.Errorf("nobody has written down what this code means; docs/join-codes.md lists those that are known")
			}
			return c.print(all, func(w io.Writer) {
				for i, e := range all {
					if i > 0 {
						fmt.Fprintln(w)
					}
					fmt.Fprintf(w, "%s %s (%s)\n%s\n→ %s\n", e.SDK, e.Code, e.Name, e.Say, e.Do)
					if e.UserMessage != "" {
						fmt.Fprintf(w, "The bot may say: %s\n", e.UserMessage)
					}
				}
			})
		},
	}
	cmd.Flags().StringVar(&sdk, "sdk", "", "web, native (Linux, Windows, macOS), or native_end (why a meeting ended)")
	return cmd
}
