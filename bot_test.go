package lanyard_test

import (
	"os"
	"regexp"
	"testing"

	"lanyard"
)

// docs/bots.md draws every move of a bot that there is, and no other.
func TestTheDiagramOfBotsIsTheirMoves(t *testing.T) {
	page, err := os.ReadFile("docs/bots.md")
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^    (\S+) --> (\S+)$`).FindAllStringSubmatch(string(page), -1) {
		drawn[m[1]+" "+m[2]] = true
	}
	for _, from := range lanyard.BotStates {
		for _, to := range lanyard.BotStates {
			if may := from.May(to); may != drawn[string(from)+" "+string(to)] {
				t.Errorf("%s to %s: allowed %t, and drawn %t", from, to, may, !may)
			}
		}
		if over := from.Over(); over != drawn[string(from)+" [*]"] {
			t.Errorf("%s: over %t, and drawn otherwise", from, over)
		}
	}
}
