package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"lanyard/client"
)

func (c *cli) meetingCommand() *cobra.Command {
	return group("meeting", "Whose meeting it is", c.meetingShow())
}

func (c *cli) meetingShow() *cobra.Command {
	var q client.MeetingQuestion
	cmd := &cobra.Command{Use: "show LINK-OR-NUMBER", Short: "Say who hosts a meeting, and who is there", Args: cobra.ExactArgs(1)}
	f := cmd.Flags()
	f.StringVar(&q.Connection, "connection", "", "say it of this connection, too")
	f.StringVar(&q.Provider, "provider", "", "zoom without")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if strings.Contains(args[0], "/") {
			q.URL = args[0]
		} else {
			q.Number = args[0]
		}
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			m, err := on.GetMeeting(cmd.Context(), q)
			if err != nil {
				return err
			}
			return c.print(m, func(w io.Writer) {
				fmt.Fprintf(w, "Meeting %s: host %s, state %s.\n", m.MeetingNumber, m.Host, m.State)
				var rows [][]string
				for _, one := range m.Connections {
					host := ""
					if one.Host {
						host = "yes"
					}
					rows = append(rows, []string{one.ConnectionID, host, one.Presence, when(one.ListedAt), one.ListProblem})
				}
				table(w, []string{"CONNECTION", "HOST", "PRESENCE", "LISTED", "PROBLEM"}, rows)
			})
		})
	}
	return cmd
}
