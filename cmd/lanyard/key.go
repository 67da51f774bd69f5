package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanyard"
	"lanyard/client"
	"lanyard/wire"
)

func (c *cli) keyCommand() *cobra.Command {
	return group("key", "API keys and operator keys", c.keyCreate(), c.keyList(), c.keyRevoke())
}

func (c *cli) keyCreate() *cobra.Command {
	var in wire.NewKey
	var operator bool
	var expires string
	var rules []string
	cmd := &cobra.Command{
		Use: "create", Short: "Make a key and show it, once",
		Long: `Make a key and show it, once. Scopes: ` + scopes() + `.
A key never makes one that may do more than itself.

A rule is a kind of call that it may make through the proxy: methods, path (* is one segment, ** the rest), and what the
query may be; then max= bytes of answer, host= another API host, header= a header it may carry. Each --rule is one:
  --rule 'GET /v2/users/me/meetings?type=upcoming|scheduled&page_size=1..100 max=65536'
  --rule 'GET /calendar/v3/calendars/primary/events?timeMin!=today..today+7d&timeMax!=today..today+7d'`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&in.Name, "name", "", "for people; shown in lists")
	f.StringSliceVar(&in.Scopes, "scope", nil, "what it may do; repeat it, or separate with commas")
	f.StringSliceVar(&in.Providers, "provider", nil, "for this provider only; repeat it")
	f.StringSliceVar(&in.Labels, "label", nil, "for connections with this label only; repeat it")
	f.StringSliceVar(&in.CIDRs, "cidr", nil, "usable from this network only; repeat it")
	f.StringVar(&in.Dialect, "dialect", "", "at /api/v1 it speaks the words of this vendor: "+dialects())
	f.StringArrayVar(&rules, "rule", nil, "a call it may make through the proxy, and no others; repeat it")
	f.StringVar(&expires, "expires", "", "when it ends: 30d, 12h, or 2027-01-31T00:00:00Z")
	f.BoolVar(&operator, "operator", false, "an operator key: may do everything, over TCP too")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		at, err := expiry(expires, time.Now())
		if err != nil {
			return usage(err)
		}
		if in.Dialect != "" && !slices.Contains(lanyard.Dialects, lanyard.Dialect(in.Dialect)) {
			return usage(fmt.Errorf("--dialect: %s", dialects()))
		}
		in.ExpiresAt = at
		for _, text := range rules {
			rule, err := ruleOf(text)
			if err != nil {
				return usage(fmt.Errorf("--rule: %w", err))
			}
			in.Rules = append(in.Rules, rule)
		}
		show := func(k *wire.MadeKey, err error) error {
			if err != nil {
				return err
			}
			return c.print(k, func(w io.Writer) {
				fmt.Fprintln(w, k.Credential)
				fmt.Fprintf(c.err, "This is key %s. It is shown this once; keep it where secrets are kept.\n", k.ID)
			})
		}
		if operator {
			return c.with(cmd.Context(), func(conn *connection) error {
				return show(conn.CreateOperatorKey(cmd.Context(), wire.NewOperatorKey{Operator: true, Name: in.Name, Scopes: in.Scopes,
					Providers: in.Providers, Labels: in.Labels, CIDRs: in.CIDRs, ExpiresAt: in.ExpiresAt, Dialect: in.Dialect}))
			})
		}
		if len(in.Scopes) == 0 {
			return usage(fmt.Errorf("say what the key may do with --scope: %s", scopes()))
		}
		return c.onProject(cmd.Context(), func(on *client.Client) error { return show(on.CreateKey(cmd.Context(), in)) })
	}
	return cmd
}

func (c *cli) keyList() *cobra.Command {
	var operator bool
	cmd := &cobra.Command{Use: "list", Short: "List keys, newest first", Args: cobra.NoArgs}
	cmd.Flags().BoolVar(&operator, "operator", false, "the operator's keys")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		if operator {
			return c.with(ctx, func(conn *connection) error {
				all, err := client.All(ctx, func(ctx context.Context, page client.Page) (*wire.List[wire.Key], error) {
					return conn.ListOperatorKeys(ctx, "", page)
				})
				return c.printKeys(all, err)
			})
		}
		return c.onProject(ctx, func(on *client.Client) error {
			all, err := client.All(ctx, on.ListKeys)
			return c.printKeys(all, err)
		})
	}
	return cmd
}

func (c *cli) printKeys(all []wire.Key, err error) error {
	if err != nil {
		return err
	}
	return c.print(all, func(w io.Writer) {
		var rows [][]string
		for _, k := range all {
			state := "in force"
			switch {
			case k.RevokedAt != nil:
				state = "withdrawn"
			case k.ExpiresAt != nil && !time.Now().Before(*k.ExpiresAt):
				state = "expired"
			}
			may := strings.Join(k.Scopes, ",")
			if k.Operator {
				may = "everything"
			}
			rows = append(rows, []string{k.ID, k.Name, state, may, cmp.Or(k.Dialect, "-"), when(k.LastUsedAt), when(k.ExpiresAt)})
		}
		table(w, []string{"ID", "NAME", "STATE", "MAY", "DIALECT", "LAST USED", "EXPIRES"}, rows)
	})
}

func (c *cli) keyRevoke() *cobra.Command {
	var urls bool
	cmd := &cobra.Command{
		Use: "revoke ID", Short: "Withdraw a key", Args: cobra.ExactArgs(1),
		Long: `Withdraw a key. The token URLs that it made are credentials of their own and live on: after a leak, revoke them with it.
Keys that it made live on too: lanyard audit list --what key.created --who key:ID says which.`,
	}
	cmd.Flags().BoolVar(&urls, "with-token-urls", false, "revoke the token URLs that it made as well, those of bots too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		done := func(was *wire.RevokedKey, err error) error {
			if err != nil {
				return err
			}
			return c.print(revokedKey{was.ID, *was}, func(w io.Writer) {
				fmt.Fprintf(w, "Key %s is withdrawn.\n", was.ID)
				if urls {
					fmt.Fprintf(w, "Token URLs that it made and that were in force, now revoked: %d\n", was.TokenURLsRevoked)
				}
				if was.TokenURLsLeft > 0 {
					fmt.Fprintf(w, "Token URLs that it made and that live on: %d. They hand out tokens; revoke them with: lanyard %s\n", was.TokenURLsLeft, howToRevoke(was.ID))
				}
			})
		}
		if strings.HasPrefix(args[0], "lyo_") {
			return c.with(cmd.Context(), func(conn *connection) error {
				return done(conn.RevokeOperatorKey(cmd.Context(), "", args[0], urls))
			})
		}
		return c.onProject(cmd.Context(), func(on *client.Client) error { return done(on.RevokeKey(cmd.Context(), args[0], urls)) })
	}
	return cmd
}

// revokedKey is what revoke prints as JSON.
type revokedKey struct {
	Revoked string `json:"revoked"`
	wire.RevokedKey
}

// howToRevoke is the command for the token URLs of a key that is withdrawn already. An
// operator's key makes them in several projects.
func howToRevoke(key string) string {
	if strings.HasPrefix(key, "lyo_") {
		return "key revoke " + key + " --with-token-urls"
	}
	return "token-url revoke --key " + key
}

// ruleOf reads a proxy rule.
func ruleOf(text string) (wire.ProxyRule, error) {
	r, err := lanyard.ParseProxyRule(text)
	if err != nil {
		return wire.ProxyRule{}, err
	}
	out := wire.ProxyRule{Methods: r.Methods, Host: r.Host, Path: r.Path, Headers: r.Headers, MaxAnswer: r.MaxAnswer}
	for name, l := range r.Query {
		if out.Query == nil {
			out.Query = map[string]wire.QueryLimit{}
		}
		out.Query[name] = wire.QueryLimit(l)
	}
	return out, nil
}

// expiry reads 30d, 12h or a time; nil for "".
func expiry(s string, now time.Time) (*time.Time, error) {
	if s == "" {
		return nil, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 {
			t := now.AddDate(0, 0, n)
			return &t, nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		t := now.Add(d)
		return &t, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return nil, fmt.Errorf("--expires: not a length of time such as 30d or 12h, and not a time such as 2027-01-31T00:00:00Z")
	}
	return &t, nil
}

func scopes() string {
	var names []string
	for _, s := range lanyard.Scopes {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

func dialects() string {
	var names []string
	for _, d := range lanyard.Dialects {
		names = append(names, string(d))
	}
	return strings.Join(names, " or ")
}
