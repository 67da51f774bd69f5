package bot

import (
	"context"
	"slices"

	"lanyard"
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
