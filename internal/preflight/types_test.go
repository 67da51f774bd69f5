package preflight

import (
	"slices"
	"testing"

	"lanyard"
)

// What a bot is allowed bounds what is looked at, whatever the key may; and the other way
// round.
func TestWhatBotAndKeyMayHave(t *testing.T) {
	every := lanyard.Principal{Project: "prj_1", Scopes: lanyard.Scopes}
	narrow := lanyard.Principal{Project: "prj_1", Scopes: []lanyard.Scope{lanyard.ScopeRead, lanyard.ScopeJoinOnBehalf}}
	allow := func(types ...string) *lanyard.BotAllow { return &lanyard.BotAllow{Types: types} }
	for name, c := range map[string]struct {
		p       lanyard.Principal
		q       Question
		want    []string
		refused []string
		all     chance
	}{
		"nothing said":                {every, Question{}, []string{"onbehalf"}, nil, sure},
		"as the bot may":              {every, Question{Allow: allow("zak", "local_recording")}, []string{"zak", "local_recording"}, nil, sure},
		"more than the bot may":       {every, Question{Types: []string{"onbehalf", "zak"}, Allow: allow("onbehalf")}, []string{"onbehalf"}, []string{"zak"}, sure},
		"what the bot may not at all": {every, Question{Types: []string{"zak"}, Allow: allow("onbehalf")}, nil, []string{"zak"}, none},
		"a bot that may nothing":      {every, Question{Allow: allow()}, nil, []string{"onbehalf"}, none},
		"more than the key may":       {narrow, Question{Allow: allow("onbehalf", "zak")}, []string{"onbehalf"}, []string{"zak"}, sure},
	} {
		l := &look{p: c.p, q: c.q}
		if err := l.types(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var refused []string
		for _, line := range l.out.Lines {
			if line.About == Key && line.Verdict == Refused && line.Do != "" {
				refused = append(refused, line.Type)
			}
		}
		if !slices.Equal(l.want, c.want) || !slices.Equal(refused, c.refused) || l.all != c.all {
			t.Errorf("%s: got %q, refused %q, chance %d, want %q, %q, %d", name, l.want, refused, l.all, c.want, c.refused, c.all)
		}
	}
	for _, types := range [][]string{{"obf"}, {"access_token"}, {""}, {"zak", "zak"}} {
		if err := (&look{p: every, q: Question{Types: types}}).types(); lanyard.CodeOf(err) != lanyard.CodeInvalidRequest {
			t.Errorf("%q: got %v, want it refused", types, err)
		}
	}
}
