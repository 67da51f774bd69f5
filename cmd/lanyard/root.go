package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lanyard/internal/server"
)

// cli is one run of the command.
type cli struct {
	out, err io.Writer
	environ  []string

	json       bool
	serverURL  string
	keyFile    string
	project    string
	configFile string
	settings   map[string]string // settings given as flags, by name
}

// root makes the command tree: a line for each command, each in a file of its own.
func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "lanyard",
		Short: "Keeps users' OAuth connections for meeting bots",
		Long: `Lanyard keeps users' OAuth connections for meeting bots.

Commands talk to the running server over its socket (found by data_dir), or over
TCP where --server or LANYARD_SERVER names one; then LANYARD_KEY or
LANYARD_KEY_FILE holds the API key or operator key. Settings come from flags,
LANYARD_… variables and lanyard.yaml; "lanyard config" shows them.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	f := root.PersistentFlags()
	f.BoolVar(&c.json, "json", false, "answer as JSON")
	f.StringVar(&c.serverURL, "server", c.env("LANYARD_SERVER"), "server to talk to over TCP, such as https://connect.example.com")
	f.StringVar(&c.keyFile, "key-file", c.env("LANYARD_KEY_FILE"), "file with the API key or operator key for --server")
	f.StringVar(&c.project, "project", c.env("LANYARD_PROJECT"), "project to act on, by id or name; not needed where there is one")
	f.StringVar(&c.configFile, "config", c.env("LANYARD_CONFIG"), "settings file; default: lanyard.yaml in the working directory, if it is there")
	c.settingFlags(f, func(s server.Setting) bool { return s.Name == "data_dir" })
	root.AddCommand(
		c.demoCommand(),
		c.serveCommand(),
		c.sandboxCommand(),
		c.configCommand(),
		c.statusCommand(),
		c.doctorCommand(),
		c.projectCommand(),
		c.keyCommand(),
		c.tokenURLCommand(),
		c.meetingCommand(), c.botCommand(), c.runnerCommand(), c.webhookCommand(),
		c.appCommand(),
		c.connectionCommand(),
		c.consentCommand(),
		c.portalCommand(),
		c.auditCommand(),
		c.refreshCommand(),
		c.mailCommand(),
		c.vaultCommand(),
		c.spoolCommand(),
		c.adoptCommand(),
		c.backupCommand(),
		c.restoreCommand(),
		c.migrateCommand(),
		c.versionCommand(),
	)
	checkArgs(root)
	return root
}

// checkArgs makes a wrong number of arguments a usage error everywhere.
func checkArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usage(fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath()))
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		checkArgs(sub)
	}
}

// group is a command that only has others below it.
func group(use, short string, sub ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		_ = cmd.Help()
		return usage(fmt.Errorf("%s needs a command after it", cmd.CommandPath()))
	}}
	cmd.AddCommand(sub...)
	return cmd
}

// settingFlags makes a flag of every setting that is wanted.
func (c *cli) settingFlags(f *pflag.FlagSet, want func(server.Setting) bool) {
	for _, s := range server.Described() {
		if !want(s) || s.Secret { // a secret on a command line is in every process list
			continue
		}
		f.Var(&settingFlag{c, s}, s.Flag, s.Doc)
		if s.Bool {
			f.Lookup(s.Flag).NoOptDefVal = "true"
		}
	}
}

// settingFlag keeps a setting that was given as a flag.
type settingFlag struct {
	c *cli
	s server.Setting
}

func (v *settingFlag) String() string { return "" }
func (v *settingFlag) Type() string {
	if v.s.Bool {
		return "bool"
	}
	return "value"
}

func (v *settingFlag) Set(text string) error {
	if v.c.settings == nil {
		v.c.settings = map[string]string{}
	}
	v.c.settings[v.s.Name] = text
	return nil
}

// load reads the settings in force.
func (c *cli) load() (server.Loaded, error) {
	file := c.configFile
	if file == "" {
		if _, err := os.Stat("lanyard.yaml"); err == nil {
			file = "lanyard.yaml"
		} else if !errors.Is(err, os.ErrNotExist) {
			return server.Loaded{}, err
		}
	}
	return server.Load(server.Sources{File: file, Environ: c.environ, Flags: c.settings})
}

// env returns a variable of the environment; the last one counts.
func (c *cli) env(name string) string {
	for _, kv := range slices.Backward(c.environ) {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}
