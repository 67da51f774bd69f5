package main

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	"lanyard/internal/server"
)

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Say which version this is", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
				System  string `json:"system"`
			}{server.Version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			return c.print(v, func(w io.Writer) { fmt.Fprintf(w, "lanyard %s (%s, %s)\n", v.Version, v.Go, v.System) })
		},
	}
}
