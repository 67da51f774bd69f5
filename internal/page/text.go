package page

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fill puts values into a sentence; a value is not searched again.
func Fill(s string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(s) }

// Tidy makes a name fit to be shown inside our sentences: no control or format
// characters, which could turn the text around them, single spaces, and not so
// long that our own words leave the screen (T08).
func Tidy(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError, !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > limit {
		s = string([]rune(s)[:limit-1]) + "…"
	}
	return s
}

// Initial is the letter on a mark.
func Initial(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "·"
}

// Tint picks one of the eight colours of page.css for a name, always the same.
func Tint(name string) string {
	var h uint32 = 2166136261 // FNV-1a
	for _, b := range []byte(name) {
		h = (h ^ uint32(b)) * 16777619
	}
	return "tint-" + strconv.Itoa(int(h%8))
}
