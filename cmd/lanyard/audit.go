package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanyard/client"
	"lanyard/wire"
)

func (c *cli) auditCommand() *cobra.Command {
	return group("audit", "The log of who did what", c.auditList())
}

func (c *cli) auditList() *cobra.Command {
	var f client.EntryFilter
	var since, until string
	limit := 50
	cmd := &cobra.Command{Use: "list", Short: "List entries, newest first", Args: cobra.NoArgs}
	flags := cmd.Flags()
	flags.StringVar(&f.ConnectionID, "connection", "", "about this connection")
	flags.StringVar(&f.SessionID, "session", "", "about this invitation")
	flags.StringVar(&f.What, "what", "", "of this kind, such as token.read")
	flags.StringVar(&f.Who, "who", "", "by this caller, such as operator")
	flags.StringVar(&f.Outcome, "outcome", "", "ok, denied or failed")
	flags.StringVar(&since, "since", "", "not before: 2027-01-31T00:00:00Z, or 24h ago as 24h")
	flags.StringVar(&until, "until", "", "before")
	flags.IntVar(&limit, "limit", limit, "how many at most; 0: all")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var err error
		if f.Since, err = moment(since); err != nil {
			return usage(fmt.Errorf("--since: %w", err))
		}
		if f.Until, err = moment(until); err != nil {
			return usage(fmt.Errorf("--until: %w", err))
		}
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			list := func(ctx context.Context, p client.Page) (*wire.List[wire.AuditEntry], error) {
				return on.ListAuditEntries(ctx, f, p)
			}
			var entries []wire.AuditEntry
			if limit > 0 && limit <= 200 {
				part, err := list(cmd.Context(), client.Page{Limit: limit})
				if err != nil {
					return err
				}
				entries = part.Data
			} else {
				if entries, err = client.All(cmd.Context(), list); err != nil {
					return err
				}
				if limit > 0 && len(entries) > limit {
					entries = entries[:limit]
				}
			}
			return c.print(entries, func(w io.Writer) {
				var rows [][]string
				for _, e := range entries {
					rows = append(rows, []string{when(&e.At), e.Who, e.What, e.Outcome, e.Code, e.ConnectionID, detail(e.Detail)})
				}
				table(w, []string{"AT", "WHO", "WHAT", "OUTCOME", "CODE", "CONNECTION", "DETAIL"}, rows)
			})
		})
	}
	return cmd
}

// moment reads a time, or how long ago.
func moment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return time.Now().Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%q is neither a time such as 2027-01-31T00:00:00Z nor a duration such as 24h", s)
	}
	return t, nil
}

func detail(m map[string]string) string {
	var parts []string
	for k, v := range m {
		parts = append(parts, k+"="+v)
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}
