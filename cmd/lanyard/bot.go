package main

import "github.com/spf13/cobra"

func (c *cli) botCommand() *cobra.Command {
	return group("bot", "Bots, and why they could not join", c.botExplain())
}
