package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanyard/client"
	"lanyard/wire"
)

func (c *cli) webhookCommand() *cobra.Command {
	return group("webhook", "Where events are told", c.webhookCreate(), c.webhookList(), c.webhookUpdate(), c.webhookRotate(), c.webhookTest(),
		c.webhookDeliveries(), c.webhookRedeliver(), c.webhookDelete())
}

func (c *cli) webhookCreate() *cobra.Command {
	var in wire.NewWebhookEndpoint
	cmd := &cobra.Command{Use: "create URL", Short: "Tell a URL of events, and show the secret, once", Args: cobra.ExactArgs(1)}
	f := cmd.Flags()
	f.StringVar(&in.Name, "name", "", "for people; shown in lists")
	f.StringVar(&in.Format, "format", "standard", "standard (Standard Webhooks), attendee or meetstream")
	f.StringSliceVar(&in.Types, "type", nil, "an event type, or connection.* and the like; repeat it; all without")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		in.URL = args[0]
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			made, err := on.CreateWebhookEndpoint(cmd.Context(), in)
			return c.printSecret(made, err)
		})
	}
	return cmd
}

func (c *cli) printSecret(made *wire.MadeWebhookEndpoint, err error) error {
	if err != nil {
		return err
	}
	return c.print(made, func(w io.Writer) {
		fmt.Fprintln(w, made.Secret)
		fmt.Fprintf(c.err, "This is the secret of %s. It is shown this once; the public key is %s.\n", made.ID, made.PublicKeys[0])
	})
}

func (c *cli) webhookList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List webhook endpoints, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onProject(cmd.Context(), func(on *client.Client) error {
				all, err := client.All(cmd.Context(), on.ListWebhookEndpoints)
				if err != nil {
					return err
				}
				return c.print(all, func(w io.Writer) {
					var rows [][]string
					for _, e := range all {
						rows = append(rows, []string{e.ID, e.Name, e.URL, e.Format, e.State, e.Reason, when(e.FailingSince)})
					}
					table(w, []string{"ID", "NAME", "URL", "FORMAT", "STATE", "REASON", "FAILING SINCE"}, rows)
				})
			})
		},
	}
}

func (c *cli) webhookUpdate() *cobra.Command {
	var url, name string
	var types []string
	var enable, disable bool
	cmd := &cobra.Command{Use: "update ID", Short: "Change a webhook endpoint, enable or disable it", Args: cobra.ExactArgs(1)}
	f := cmd.Flags()
	f.StringVar(&url, "url", "", "another URL")
	f.StringVar(&name, "name", "", "another name")
	f.StringSliceVar(&types, "type", nil, "these event types instead; repeat it")
	f.BoolVar(&enable, "enable", false, "send events again, and forget that it failed")
	f.BoolVar(&disable, "disable", false, "send nothing more")
	cmd.MarkFlagsMutuallyExclusive("enable", "disable")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		in := wire.WebhookEndpointChange{Types: types}
		if cmd.Flags().Changed("url") {
			in.URL = &url
		}
		if cmd.Flags().Changed("name") {
			in.Name = &name
		}
		if enable {
			in.State = new("enabled")
		}
		if disable {
			in.State = new("disabled")
		}
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			e, err := on.UpdateWebhookEndpoint(cmd.Context(), args[0], in)
			if err != nil {
				return err
			}
			return c.print(e, func(w io.Writer) { fmt.Fprintf(w, "Webhook endpoint %s is %s.\n", e.ID, e.State) })
		})
	}
	return cmd
}

func (c *cli) webhookRotate() *cobra.Command {
	var overlap time.Duration
	cmd := &cobra.Command{Use: "rotate ID", Short: "Replace the secret of a webhook endpoint, and show it, once", Args: cobra.ExactArgs(1)}
	cmd.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "for how long the old secret signs as well; at most 168h")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.onProject(cmd.Context(), func(on *client.Client) error {
			made, err := on.RotateWebhookSecret(cmd.Context(), args[0], wire.RotateWebhookSecret{OverlapSeconds: new(int(overlap / time.Second))})
			return c.printSecret(made, err)
		})
	}
	return cmd
}

func (c *cli) webhookTest() *cobra.Command {
	return &cobra.Command{
		Use: "test ID", Short: "Send a test event and say what came of it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return c.onProject(ctx, func(on *client.Client) error {
				d, err := on.TestWebhookEndpoint(ctx, args[0])
				for n := 0; err == nil && d.Status == 0 && d.Error == "" && n < 100; n++ { // a try takes 20 seconds at most
					if err = pause(ctx, 300*time.Millisecond); err == nil {
						d, err = on.GetDelivery(ctx, d.ID)
					}
				}
				return c.printDeliveries([]wire.Delivery{deref(d)}, err)
			})
		},
	}
}

func deref(d *wire.Delivery) wire.Delivery {
	if d == nil {
		return wire.Delivery{}
	}
	return *d
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (c *cli) webhookDeliveries() *cobra.Command {
	return &cobra.Command{
		Use: "deliveries [ID]", Short: "List the deliveries of a webhook endpoint, or of all, newest first", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.onProject(cmd.Context(), func(on *client.Client) error {
				list, err := on.ListDeliveries(cmd.Context(), strings.Join(args, ""), client.Page{Limit: 200})
				if err != nil {
					return err
				}
				return c.printDeliveries(list.Data, nil)
			})
		},
	}
}

func (c *cli) printDeliveries(all []wire.Delivery, err error) error {
	if err != nil {
		return err
	}
	return c.print(all, func(w io.Writer) {
		var rows [][]string
		for _, d := range all {
			answer := d.Error
			if d.Status != 0 {
				answer = strconv.FormatInt(d.Status, 10) + " " + d.Answer
			}
			rows = append(rows, []string{d.ID, d.EndpointID, d.Type, d.State, strconv.FormatInt(d.Tries, 10), when(d.NextTryAt), answer})
		}
		table(w, []string{"ID", "ENDPOINT", "TYPE", "STATE", "TRIES", "NEXT TRY", "ANSWER"}, rows)
	})
}

func (c *cli) webhookRedeliver() *cobra.Command {
	var since time.Duration
	cmd := &cobra.Command{Use: "redeliver ID", Short: "Send a delivery again, or all that an endpoint has missed", Args: cobra.ExactArgs(1)}
	cmd.Flags().DurationVar(&since, "since", 72*time.Hour, "how far back, for an endpoint")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		return c.onProject(ctx, func(on *client.Client) error {
			if strings.HasPrefix(args[0], "dlv_") {
				d, err := on.Redeliver(ctx, args[0])
				return c.printDeliveries([]wire.Delivery{deref(d)}, err)
			}
			total, in := wire.Redelivered{}, wire.RedeliverSince{Since: time.Now().Add(-since)}
			for {
				part, err := on.RedeliverToWebhookEndpoint(ctx, args[0], in)
				if err != nil {
					return err
				}
				total.Queued += part.Queued
				if in.After = part.NextCursor; in.After == "" {
					return c.print(total, func(w io.Writer) { fmt.Fprintf(w, "%d events are sent to %s again.\n", total.Queued, args[0]) })
				}
			}
		})
	}
	return cmd
}

func (c *cli) webhookDelete() *cobra.Command {
	return &cobra.Command{
		Use: "delete ID", Short: "Delete a webhook endpoint and its deliveries", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.onProject(cmd.Context(), func(on *client.Client) error {
				if err := on.DeleteWebhookEndpoint(cmd.Context(), args[0]); err != nil {
					return err
				}
				return c.print(map[string]string{"deleted": args[0]}, func(w io.Writer) { fmt.Fprintf(w, "Webhook endpoint %s is deleted.\n", args[0]) })
			})
		},
	}
}
