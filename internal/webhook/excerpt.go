package webhook

import (
	"regexp"
	"strings"
	"unicode"

	"lanyard"
)

const excerptRunes = 500

// longWord is what tokens, keys and signatures look like; a UUID is shorter.
var longWord = regexp.MustCompile(`[A-Za-z0-9_+/=.~%-]{40,}`)

// excerpt is how an answer begins, for a person to read: at most 500 characters,
// without control characters, and without what is secret: ours that it repeats, and
// whatever looks like a token.
func excerpt(body []byte, secrets []string) string {
	text := strings.ToValidUTF8(string(body), "\uFFFD")
	if len(body) >= mostRead { // the last word may be half of a secret
		text = text[:max(strings.LastIndexAny(text, " \t\r\n\"'<>,;:&"), 0)]
	}
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, lanyard.Redacted)
		}
	}
	text = longWord.ReplaceAllString(text, lanyard.Redacted)
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r): // Cf turns the direction of text around
			return -1
		}
		return r
	}, text))
	if runes := []rune(text); len(runes) > excerptRunes {
		return string(runes[:excerptRunes-1]) + "…"
	}
	return text
}
