package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lanyard/client"
	"lanyard/wire"
)

func (c *cli) appCommand() *cobra.Command {
	return group("app", "The project's OAuth clients at providers", c.appCreate(), c.appList(), c.appUpdate(), c.appCheck(), c.appSignature(), c.appDelete())
}

// appFlags are what create and update share. A secret has no flag: it is read
// from a file, or typed without being shown.
type appFlags struct {
	name, clientID, secretFile, nextSecretFile, webhookSecretFile, nextWebhookSecretFile, customFile, sandbox, published string
	scopes, optional, redirects                                                                                          []string
	endpoints, params                                                                                                    map[string]string
}

func (a *appFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.name, "name", "", "for people")
	f.StringVar(&a.clientID, "client-id", "", "client id that the provider gave")
	f.StringVar(&a.secretFile, "client-secret-file", "", "file with the client secret; - asks for it")
	f.StringVar(&a.nextSecretFile, "next-client-secret-file", "", "file with the new secret during a rotation; - asks for it")
	f.StringVar(&a.webhookSecretFile, "webhook-secret-file", "", "file with the secret of the provider's notices; - asks for it")
	f.StringVar(&a.nextWebhookSecretFile, "next-webhook-secret-file", "", "file with the new one during a rotation; - asks for it")
	f.StringSliceVar(&a.scopes, "scope", nil, "scope that people are asked for; repeat it")
	f.StringSliceVar(&a.optional, "optional-scope", nil, "scope that people may decline; repeat it")
	f.StringSliceVar(&a.redirects, "redirect-uri", nil, "callback of your own; repeat it")
	f.StringToStringVar(&a.endpoints, "endpoint", nil, "override, as token=https://…; repeat it")
	f.StringToStringVar(&a.params, "param", nil, "what the provider needs to know, as tenant=…; repeat it")
	f.StringVar(&a.customFile, "definition", "", "file with the definition of a custom provider, JSON")
	f.StringVar(&a.published, "published", "", "whether the provider has approved it for meetings outside your own account: yes, no, unknown")
	f.StringVar(&a.sandbox, "sandbox", "", "address of a sandbox whose pretend provider to use")
}

func (c *cli) change(a *appFlags, cmd *cobra.Command, provider string) (ch wire.AppChange, err error) {
	given := func(name string) bool { return cmd.Flags().Changed(name) }
	if given("name") {
		ch.Name = &a.name
	}
	if given("client-id") {
		ch.ClientID = &a.clientID
	}
	if given("published") {
		ch.Published = &a.published
	}
	for _, s := range []struct {
		flag, file string
		to         **string
	}{{"client-secret-file", a.secretFile, &ch.ClientSecret}, {"next-client-secret-file", a.nextSecretFile, &ch.NextClientSecret},
		{"webhook-secret-file", a.webhookSecretFile, &ch.WebhookSecret}, {"next-webhook-secret-file", a.nextWebhookSecretFile, &ch.NextWebhookSecret}} {
		if !given(s.flag) {
			continue
		}
		text, err := c.secretFrom(s.file, strings.TrimSuffix(s.flag, "-file"))
		if err != nil {
			return ch, err
		}
		*s.to = &text
	}
	ch.Scopes, ch.ScopesOptional, ch.RedirectURIs, ch.Params, ch.Endpoints = a.scopes, a.optional, a.redirects, a.params, a.endpoints
	if a.customFile != "" {
		if ch.Custom, err = os.ReadFile(a.customFile); err != nil {
			return ch, fmt.Errorf("--definition: %w", err)
		}
	}
	if a.sandbox != "" {
		ch.Endpoints = sandboxEndpoints(strings.TrimRight(a.sandbox, "/"), provider)
		if ch.Endpoints == nil {
			return ch, usage(fmt.Errorf("--sandbox: it has no pretend %s", provider))
		}
	}
	return ch, nil
}

// sandboxEndpoints are those of the pretend provider at a sandbox.
func sandboxEndpoints(at, provider string) map[string]string {
	switch provider {
	case "zoom":
		z := at + "/zoom"
		return map[string]string{"authorize": z + "/oauth/authorize", "token": z + "/oauth/token", "revoke": z + "/oauth/revoke", "identity": z + "/v2/users/me", "api": z}
	case "google":
		g := at + "/google"
		return map[string]string{"authorize": g + "/o/oauth2/v2/auth", "token": g + "/token", "revoke": g + "/revoke", "identity": g + "/userinfo",
			"issuer": g, "jwks": g + "/jwks"}
	case "microsoft":
		m := at + "/microsoft/common"
		return map[string]string{"authorize": m + "/oauth2/v2.0/authorize", "token": m + "/oauth2/v2.0/token", "identity": at + "/microsoft/v1.0/me",
			"issuer": at + "/microsoft/{tid}/v2.0", "jwks": m + "/discovery/v2.0/keys"}
	case "slack":
		s := at + "/slack"
		return map[string]string{"authorize": s + "/oauth/v2/authorize", "token": s + "/api/oauth.v2.access", "revoke": s + "/api/auth.revoke", "identity": s + "/api/auth.test"}
	}
	return nil
}

// secretFrom reads a secret from a file, or asks for it on the terminal.
func (c *cli) secretFrom(file, what string) (string, error) {
	if file != "-" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("--%s-file: %w", what, err)
		}
		return strings.TrimSpace(string(raw)), nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		raw, err := io.ReadAll(io.LimitReader(os.Stdin, 64<<10))
		return strings.TrimSpace(string(raw)), err
	}
	fmt.Fprintf(c.err, "%s: ", what)
	raw, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(c.err)
	return strings.TrimSpace(string(raw)), err
}

func (c *cli) appCreate() *cobra.Command {
	var a appFlags
	var provider string
	cmd := &cobra.Command{
		Use: "create", Short: "Register an OAuth client; without client id, a draft",
		Long: `Register an OAuth client. Without --client-id it is a draft: the answer says which
redirect URI and webhook URL to paste at the provider. Put id and secret in with
"lanyard app update" when the provider has given them.`,
		Args: cobra.NoArgs,
	}
	a.add(cmd)
	cmd.Flags().StringVar(&provider, "provider", "", "id in the catalogue: zoom, google, microsoft, slack, custom")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if provider == "" {
			return usage(fmt.Errorf("say which provider with --provider"))
		}
		ch, err := c.change(&a, cmd, provider)
		if err != nil {
			return err
		}
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			return c.showApp(on.CreateApp(cmd.Context(), wire.NewApp{Provider: provider, AppChange: ch}))
		})
	}
	return cmd
}

func (c *cli) appUpdate() *cobra.Command {
	var a appFlags
	cmd := &cobra.Command{Use: "update APP", Short: "Change an app; what is not said stays", Args: cobra.ExactArgs(1)}
	a.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			provider := ""
			if a.sandbox != "" {
				app, err := on.GetApp(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				provider = app.Provider
			}
			ch, err := c.change(&a, cmd, provider)
			if err != nil {
				return err
			}
			return c.showApp(on.UpdateApp(cmd.Context(), args[0], ch))
		})
	}
	return cmd
}

func (c *cli) showApp(app *wire.App, err error) error {
	if err != nil {
		return err
	}
	return c.print(app, func(w io.Writer) {
		facts(w, "app", app.ID, "provider", app.Provider, "name", app.Name, "state", app.State, "client id", app.ClientID,
			"scopes", strings.Join(app.Scopes, " "), "optional scopes", strings.Join(app.ScopesOptional, " "),
			"approved by the provider", published(app.Published), "redirect URI", app.RedirectURI, "webhook URL", app.WebhookURL, "your callbacks", strings.Join(app.RedirectURIs, " "))
		if app.State == "draft" {
			fmt.Fprintf(w, "\nPaste the redirect URI at the provider, then: lanyard app update %s --client-id … --client-secret-file -\n", app.ID)
		}
	})
}

func (c *cli) appList() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List apps, newest first", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			all, err := client.All(cmd.Context(), func(ctx context.Context, p client.Page) (*wire.List[wire.App], error) { return on.ListApps(ctx, p) })
			if err != nil {
				return err
			}
			return c.print(all, func(w io.Writer) {
				var rows [][]string
				for _, a := range all {
					rows = append(rows, []string{a.ID, a.Provider, a.Name, a.State, strings.Join(a.Scopes, " ")})
				}
				table(w, []string{"ID", "PROVIDER", "NAME", "STATE", "SCOPES"}, rows)
			})
		})
	}}
}

func (c *cli) appCheck() *cobra.Command {
	return &cobra.Command{Use: "check APP", Short: "Say what can be known about an app: proved, refused, or not to be known from here", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			check, err := on.CheckApp(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := c.print(check, func(w io.Writer) {
				for _, l := range check.Lines {
					state := map[string]string{"unknown": "cannot be known from here"}[l.State]
					if state == "" {
						state = l.State
					}
					fmt.Fprintf(w, "%s: %s: %s\n", l.What, state, l.How)
				}
			}); err != nil {
				return err
			}
			for _, l := range check.Lines {
				if l.State == "refused" {
					return errors.New("the provider refuses something; see above")
				}
			}
			return nil
		})
	}}
}

func (c *cli) appDelete() *cobra.Command {
	return &cobra.Command{Use: "delete APP", Short: "Delete an app that has no connections", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return c.onProject(cmd.Context(), func(on *client.Client) error { return on.DeleteApp(cmd.Context(), args[0]) })
	}}
}
