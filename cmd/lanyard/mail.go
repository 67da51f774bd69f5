package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lanyard/wire"
)

func (c *cli) mailCommand() *cobra.Command {
	var in wire.TestMail
	test := &cobra.Command{
		Use: "test ADDRESS", Short: "Send a test e-mail now", Args: cobra.ExactArgs(1),
		Long: `Send a test e-mail now, by the settings smtp_url and mail_from of the server. It
ends when the mail server has taken it, or says why it has not.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			in.To = args[0]
			return c.with(cmd.Context(), func(conn *connection) error {
				done, err := conn.TestMail(cmd.Context(), in)
				if err != nil {
					return err
				}
				return c.print(done, func(w io.Writer) { fmt.Fprintf(w, "%s has taken it.\n", done.Host) })
			})
		},
	}
	test.Flags().StringVar(&in.Language, "language", "", "en or de")
	return group("mail", "E-mails to projects and people", test)
}
