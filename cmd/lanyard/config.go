package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lanyard/internal/server"
)

func (c *cli) configCommand() *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the settings in force, and where each comes from",
		Long: `Show the settings in force, and where each comes from. Secrets are hidden. What
is wrong with them is said as serve would say it, with exit code 1.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if markdown {
				return writeSettings(c.out)
			}
			return c.config()
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "write the documentation of all settings instead")
	c.settingFlags(cmd.Flags(), func(s server.Setting) bool { return s.Name != "data_dir" })
	return cmd
}

func (c *cli) config() error {
	loaded, err := c.load()
	if err != nil {
		return err
	}
	type line struct {
		Name  string `json:"name"`
		Value string `json:"value"`
		From  string `json:"from"`
	}
	var lines []line
	var rows [][]string
	for _, s := range server.Described() {
		l := line{s.Name, loaded.Value(s.Name), loaded.From[s.Name]}
		lines = append(lines, l)
		rows = append(rows, []string{l.Name, l.Value, l.From})
	}
	err = c.print(struct {
		Settings []line   `json:"settings"`
		Unknown  []string `json:"unknown_variables,omitempty"`
	}{lines, loaded.Unknown}, func(w io.Writer) {
		table(w, []string{"SETTING", "VALUE", "FROM"}, rows)
		for _, name := range loaded.Unknown {
			fmt.Fprintf(w, "\n%s is no setting of ours.\n", name)
		}
	})
	if err != nil {
		return err
	}
	return loaded.Check()
}

// writeSettings writes docs/settings.md.
func writeSettings(w io.Writer) error {
	fmt.Fprint(w, `# Settings

Defaults < `+"`lanyard.yaml`"+` < environment < flags. A name in the file that is not listed here is an error. A secret can also be in a file that `+"`LANYARD_…_FILE`"+` names, and is no flag.
`+"`lanyard config`"+` shows what is in force, with secrets hidden; `+"`lanyard config --markdown`"+` writes this page.
`)
	for _, s := range server.Described() {
		fmt.Fprintf(w, "\n## %s\n\n%s\n\n", s.Name, s.Doc)
		if s.Danger != "" {
			fmt.Fprintf(w, "**Danger.** %s\n\n", s.Danger)
		}
		value := s.Default
		if value == "" {
			value = "not set"
		}
		fmt.Fprintf(w, "- environment: `%s`", s.Env)
		if s.Secret {
			fmt.Fprintf(w, ", `%s_FILE`", s.Env)
		} else {
			fmt.Fprintf(w, "\n- flag of `serve`: `--%s`", s.Flag)
		}
		fmt.Fprintf(w, "\n- default: `%s`\n- example: `%s`\n", value, s.Example)
	}
	return nil
}
