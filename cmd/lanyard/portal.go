package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lanyard/client"
	"lanyard/wire"
)

func (c *cli) portalCommand() *cobra.Command {
	var in wire.NewPortalSession
	cmd := &cobra.Command{
		Use: "portal END_USER", Short: "Make a link to a person's own connections",
		Long: `Make a link to a person's own connections: what is connected and what it may do,
with buttons to check, to connect again and to disconnect. END_USER is the
customer's own name for the person. The link works for ten minutes and opens one
browser, once; give it to nobody but that person.`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&in.ReturnURL, "return-url", "", "one of the project's return URLs; the page links back to it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		in.EndUserID = args[0]
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			made, err := on.CreatePortalSession(cmd.Context(), in)
			if err != nil {
				return err
			}
			return c.print(made, func(w io.Writer) {
				fmt.Fprintln(w, made.URL)
				fmt.Fprintf(c.err, "It works until %s, once.\n", made.ExpiresAt.Local().Format("15:04"))
			})
		})
	}
	return cmd
}
