package bot

import (
	"context"
	"errors"
	"slices"

	"lanyard"
	"lanyard/internal/store"
)

// reach is whom a bot may join on behalf of, whichever key asks: those that the key reached
// which made it.
func reach(b lanyard.Bot) lanyard.Principal {
	return lanyard.Principal{Providers: b.Allow.Providers, Labels: b.Allow.Labels}
}

// findToChange finds a bot that p may change, call off, or have its runner asked about. That is no
// bot that reaches further than p: it could be turned to a meeting of p's, and would join it
// as somebody whom p may not join as. Error: key_limited.
func (s *Service) findToChange(ctx context.Context, p lanyard.Principal, ref string) (lanyard.Bot, error) {
	b, err := s.find(ctx, p, ref)
	if err == nil {
		err = within(p, b)
	}
	return b, err
}

func within(p lanyard.Principal, b lanyard.Bot) error {
	if len(p.Providers) > 0 && b.Provider != "" && !slices.Contains(p.Providers, b.Provider) {
		return lanyard.Errorf(lanyard.CodeKeyLimited, "this key is limited to other providers than that of the bot's meeting")
	}
	if len(p.Labels) == 0 {
		return nil
	}
	beyond := func(label string) bool { return !slices.Contains(p.Labels, label) }
	if len(b.Allow.Labels) == 0 || slices.ContainsFunc(b.Allow.Labels, beyond) {
		return lanyard.Errorf(lanyard.CodeKeyLimited, "this bot was made by a key that reaches connections with other labels than this one's")
	}
	return nil
}

// sees says whether p may look at a bot: one that it may change, or that joins, too, on
// behalf of somebody whom p reaches. The link of any other is as good as its passcode, and
// none of p's business. Error: key_limited.
func (s *Service) sees(ctx context.Context, p lanyard.Principal, b lanyard.Bot) error {
	beyond := within(p, b)
	if beyond == nil {
		return nil
	}
	one := false
	err := s.Store.View(ctx, func(q *store.Query) error {
		for _, c := range b.Candidates {
			if c.Host || c.Label != "" {
				one = one || c.Label != "" && p.Reaches(b.Provider, c.Label) == nil
				continue
			}
			var held []store.Held
			var err error
			if c.Connection != "" {
				var is lanyard.Connection
				is, _, err = q.Connection(b.Project, c.Connection)
				held = []store.Held{{Connection: is}}
			} else {
				held, _, err = q.Connections(b.Project, lanyard.ConnectionFilter{Person: c.Person, Provider: b.Provider}, lanyard.Page{Limit: 200})
			}
			if err != nil && !errors.Is(err, lanyard.NotFound) {
				return err
			}
			one = one || err == nil && slices.ContainsFunc(held, func(h store.Held) bool { return p.Reaches(h.Connection.Provider, h.Connection.Label) == nil })
		}
		return nil
	})
	if err == nil && !one {
		err = beyond
	}
	return err
}
