package main

import (
	"context"
	"fmt"

	"lanyard/client"
)

// examineApps asks for every app of every project what can be known about it
// without a person: the client secret where the provider lets it be tried, and
// what only a person's consent can prove.
func (c *cli) examineApps(ctx context.Context, socket string) []finding {
	top, err := client.New(client.Config{Socket: socket})
	if err != nil {
		return []finding{{"apps", unknown, err.Error(), ""}}
	}
	projects, err := client.All(ctx, top.ListProjects)
	if err != nil {
		return []finding{{"apps", unknown, err.Error(), ""}}
	}
	var out []finding
	for _, p := range projects {
		on, err := client.New(client.Config{Socket: socket, Project: p.ID})
		if err != nil {
			return append(out, finding{"apps", unknown, err.Error(), ""})
		}
		apps, err := client.All(ctx, on.ListApps)
		if err != nil {
			out = append(out, finding{"apps of " + p.Name, unknown, err.Error(), ""})
			continue
		}
		for _, a := range apps {
			name := fmt.Sprintf("app %s (%s, %s)", a.ID, a.Name, p.Name)
			if a.State == "draft" {
				out = append(out, finding{name, unknown, "it has no client id and secret yet", "Put them in: lanyard app update " + a.ID + "."})
				continue
			}
			check, err := on.CheckApp(ctx, a.ID)
			if err != nil {
				out = append(out, finding{name, unknown, err.Error(), ""})
				continue
			}
			for _, l := range check.Lines {
				verdict := map[string]string{"proved": proved, "refused": refused, "unknown": unknown}[l.State]
				out = append(out, finding{name + ": " + l.What, verdict, l.How, ""})
			}
		}
	}
	return out
}
