package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"lanyard/client"
	"lanyard/wire"
)

func (c *cli) projectCommand() *cobra.Command {
	create := &cobra.Command{
		Use: "create NAME", Short: "Make a project (operator)", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd.Context(), func(conn *connection) error {
				p, err := conn.CreateProject(cmd.Context(), wire.NewProject{Name: args[0]})
				if err != nil {
					return err
				}
				return c.print(p, func(w io.Writer) {
					fmt.Fprintf(w, "Project %s: %s\nMake a key for it: lanyard key create --project %s --scope admin\n", p.Name, p.ID, p.ID)
				})
			})
		},
	}
	list := &cobra.Command{
		Use: "list", Short: "List projects (operator)", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd.Context(), func(conn *connection) error {
				all, err := client.All(cmd.Context(), conn.ListProjects)
				if err != nil {
					return err
				}
				return c.print(all, func(w io.Writer) {
					var rows [][]string
					for _, p := range all {
						rows = append(rows, []string{p.ID, p.Name, when(&p.CreatedAt)})
					}
					table(w, []string{"ID", "NAME", "MADE"}, rows)
				})
			})
		},
	}
	show := &cobra.Command{
		Use: "show", Short: "Show a project's settings", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onProject(cmd.Context(), func(on *client.Client) error {
				p, err := on.GetProject(cmd.Context())
				if err != nil {
					return err
				}
				return c.print(p, func(w io.Writer) { printProject(w, *p) })
			})
		},
	}
	return group("project", "Projects: the isolation boundary", create, list, show, c.projectUpdate())
}

func (c *cli) projectUpdate() *cobra.Command {
	text := map[string]*string{}
	lists := map[string]*[]string{}
	flags := map[string]*bool{}
	cmd := &cobra.Command{
		Use: "update", Short: "Change a project's settings",
		Long: `Change a project's settings. What is not given stays. A list replaces the one
that is there; give it empty (--return-url "") to clear it.`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	for name, doc := range map[string]string{"name": "the project's name", "display-name": "what the connect page calls the project",
		"logo-url": "logo on the connect page", "privacy-url": "privacy page", "terms-url": "terms of use", "time-zone": "such as Europe/Berlin",
		"language": "of e-mails: en or de"} {
		text[name] = f.String(name, "", doc)
	}
	for name, doc := range map[string]string{"return-url": "where people may be sent after connecting; repeat it",
		"origin": "origin of pages that open the connect page as a pop-up; repeat it", "notify-email": "address for notices; repeat it"} {
		lists[name] = f.StringArray(name, nil, doc)
	}
	for name, doc := range map[string]string{"allow-unbound-codes": "take codes without state (vendors' wire formats)",
		"allow-custom-provider": "let the project define providers (operator)", "allow-link-mode": "connect without a session of the customer's",
		"notify-person": "tell end users by e-mail as well, where their own connection needs them"} {
		flags[name] = f.Bool(name, false, doc)
	}
	erase := f.Int("erase-after-days", 0, "erase what was read of an account so long after its consent has ended; 0: at once")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var in wire.ProjectChange
		any := false
		for name, to := range map[string]**string{"name": &in.Name, "display-name": &in.DisplayName, "logo-url": &in.LogoURL,
			"privacy-url": &in.PrivacyURL, "terms-url": &in.TermsURL, "time-zone": &in.TimeZone, "language": &in.Language} {
			if f.Changed(name) {
				*to, any = text[name], true
			}
		}
		for name, to := range map[string]**[]string{"return-url": &in.ReturnURLs, "origin": &in.Origins, "notify-email": &in.NotifyEmails} {
			if f.Changed(name) {
				list := []string{}
				for _, v := range *lists[name] {
					if v != "" {
						list = append(list, v)
					}
				}
				*to, any = &list, true
			}
		}
		for name, to := range map[string]**bool{"allow-unbound-codes": &in.AllowUnboundCodes, "allow-custom-provider": &in.AllowCustomProvider,
			"allow-link-mode": &in.AllowLinkMode, "notify-person": &in.NotifyPerson} {
			if f.Changed(name) {
				*to, any = flags[name], true
			}
		}
		if f.Changed("erase-after-days") {
			in.EraseAfterDays, any = erase, true
		}
		if !any {
			return usage(fmt.Errorf("nothing to change; see: %s --help", cmd.CommandPath()))
		}
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			p, err := on.ChangeProject(cmd.Context(), in)
			if err != nil {
				return err
			}
			return c.print(p, func(w io.Writer) { printProject(w, *p) })
		})
	}
	return cmd
}

func printProject(w io.Writer, p wire.Project) {
	facts(w, "id", p.ID, "name", p.Name, "display name", p.DisplayName, "logo", p.LogoURL,
		"return URLs", strings.Join(p.ReturnURLs, "  "), "origins", strings.Join(p.Origins, "  "),
		"privacy", p.PrivacyURL, "terms", p.TermsURL, "notices to", strings.Join(p.NotifyEmails, "  "), "people told, too", yes(p.NotifyPerson), "language", p.Language, "time zone", p.TimeZone,
		"unbound codes", yes(p.AllowUnboundCodes), "custom providers", yes(p.AllowCustomProvider), "link mode", yes(p.AllowLinkMode),
		"erases accounts", days(p.EraseAfterDays),
		"made", when(&p.CreatedAt))
}

func days(n int) string {
	switch n {
	case 0:
		return "at once"
	case 1:
		return "after a day"
	}
	return fmt.Sprintf("after %d days", n)
}
