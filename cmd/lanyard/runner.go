package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"lanyard/client"
	"lanyard/wire"
)

func (c *cli) runnerCommand() *cobra.Command {
	return group("runner", "Who runs your bots", c.runnerCreate(), c.runnerList(), c.runnerUpdate(), c.runnerCheck(), c.runnerRotate(), c.runnerDelete())
}

// runnerFlags are what create and update share. A vendor's key has no flag: it is read
// from a file, or asked for.
type runnerFlags struct {
	name, url, keyFile string
	standard           bool
}

func (f *runnerFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.name, "name", "", "for people; shown in lists")
	cmd.Flags().StringVar(&f.url, "url", "", "of a webhook, where it is told; of a vendor, where its API begins, if not where its documentation says")
	cmd.Flags().StringVar(&f.keyFile, "key-file", "", "file with your key at the vendor; - asks for it")
	cmd.Flags().BoolVar(&f.standard, "default", false, "for bots that name none")
}

func (c *cli) runnerKey(f runnerFlags) (*string, error) {
	if f.keyFile == "" {
		return nil, nil
	}
	key, err := c.secretFrom(f.keyFile, "key")
	return &key, err
}

func (c *cli) runnerCreate() *cobra.Command {
	var f runnerFlags
	cmd := &cobra.Command{
		Use: "create KIND", Short: "Make a runner, and show the secret of a webhook, once",
		Long:      "KIND is webhook, attendee, meetstream, recall or meetingbaas. A vendor's needs your key there: --key-file.",
		ValidArgs: []string{"webhook", "attendee", "meetstream", "recall", "meetingbaas"}, Args: cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
	}
	f.register(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		key, err := c.runnerKey(f)
		if err != nil {
			return err
		}
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			made, err := on.CreateRunner(cmd.Context(), wire.NewRunner{Kind: args[0], Name: f.name, URL: f.url, Key: key, Default: f.standard})
			return c.printRunner(made, err, "made")
		})
	}
	return cmd
}

func (c *cli) printRunner(made *wire.MadeRunner, err error, how string) error {
	if err != nil {
		return err
	}
	return c.print(made, func(w io.Writer) {
		if made.Secret == "" {
			fmt.Fprintf(w, "Runner %s (%s) is %s.\n", made.ID, made.Kind, how)
			return
		}
		fmt.Fprintln(w, made.Secret)
		fmt.Fprintf(c.err, "This is the secret of %s. It is shown this once.\n", made.ID)
	})
}

func (c *cli) runnerList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List runners, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onProject(cmd.Context(), func(on *client.Client) error {
				all, err := client.All(cmd.Context(), on.ListRunners)
				if err != nil {
					return err
				}
				return c.print(all, func(w io.Writer) {
					var rows [][]string
					for _, r := range all {
						rows = append(rows, []string{r.ID, r.Kind, r.Name, r.URL, strconv.FormatBool(r.Default)})
					}
					table(w, []string{"ID", "KIND", "NAME", "URL", "DEFAULT"}, rows)
				})
			})
		},
	}
}

func (c *cli) runnerUpdate() *cobra.Command {
	var f runnerFlags
	cmd := &cobra.Command{Use: "update ID", Short: "Change a runner", Args: cobra.ExactArgs(1)}
	f.register(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var in wire.RunnerChange
		if cmd.Flags().Changed("name") {
			in.Name = &f.name
		}
		if cmd.Flags().Changed("url") {
			in.URL = &f.url
		}
		if cmd.Flags().Changed("default") {
			in.Default = &f.standard
		}
		var err error
		if in.Key, err = c.runnerKey(f); err != nil {
			return err
		}
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			r, err := on.UpdateRunner(cmd.Context(), args[0], in)
			if err != nil {
				return err
			}
			return c.printRunner(&wire.MadeRunner{Runner: *r}, nil, "changed")
		})
	}
	return cmd
}

func (c *cli) runnerCheck() *cobra.Command {
	return c.onRunner("check ID", "Ask a runner whether it can be reached and takes its key", "checked", "Runner %s can be reached, and takes its key.\n",
		(*client.Client).CheckRunner)
}

func (c *cli) runnerRotate() *cobra.Command {
	return &cobra.Command{
		Use: "rotate ID", Short: "Replace the secret of a webhook, and show it, once; the old one ends", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.onProject(cmd.Context(), func(on *client.Client) error {
				made, err := on.RotateRunnerSecret(cmd.Context(), args[0])
				return c.printRunner(made, err, "changed")
			})
		},
	}
}

func (c *cli) runnerDelete() *cobra.Command {
	return c.onRunner("delete ID", "Delete a runner that runs no bot any more", "deleted", "Runner %s is deleted.\n", (*client.Client).DeleteRunner)
}

// onRunner is a command that does one thing to a runner and has no more to say.
func (c *cli) onRunner(use, short, word, sentence string, do func(*client.Client, context.Context, string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.onProject(cmd.Context(), func(on *client.Client) error {
				if err := do(on, cmd.Context(), args[0]); err != nil {
					return err
				}
				return c.print(map[string]string{word: args[0]}, func(w io.Writer) { fmt.Fprintf(w, sentence, args[0]) })
			})
		},
	}
}
