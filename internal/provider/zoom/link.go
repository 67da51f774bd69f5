package zoom

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"lanyard"
	"lanyard/internal/provider"
)

// Links are unwrapped at most this often: mail programs encode them up to three times and put them into others.
const maxUnwrap = 4

// maxText is the longest text that is looked at, in bytes.
const maxText = 8 << 10

var (
	number   = regexp.MustCompile(`^[0-9]{9,11}$`)
	spoken   = regexp.MustCompile(`^[0-9](?:[ \x{a0}\x{2007}\x{202f}.\x{2010}-\x{2013}-]?[0-9]){8,10}$`)
	scheme   = regexp.MustCompile(`(?i)\b(?:https?|zoommtg|zoomus)://`)
	bare     = regexp.MustCompile(`(?i)^(?:[a-z0-9-]+\.)*(?:zoom\.us|zoom\.com|zoomgov\.com)(?::443)?/`)
	dnsName  = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$`)
	passcode = regexp.MustCompile(`^[A-Za-z0-9._~=@*-]{1,128}$`)
	tk       = regexp.MustCompile(`^[A-Za-z0-9._~=-]{1,512}$`)
	vanity   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
)

// ParseMeetingLink reads what a person pastes: a Zoom link of any shape, or a meeting number with spaces or dashes. It looks
// at the text alone and fetches nothing. Everything in the link but number, passcode and registrant token is dropped.
//
// Errors: CodeInvalidMeetingLink, CodeAmbiguousMeetingLink (several links), CodePersonalMeetingLink (/my/…, with Meeting.Vanity set).
func (Zoom) ParseMeetingLink(text string) (provider.Meeting, error) {
	if len(text) > maxText || !utf8.ValidString(text) {
		return provider.Meeting{}, invalid()
	}
	text = strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '<' || r == '>' || r == '"' })
	if spoken.MatchString(text) {
		return provider.Meeting{Number: digitsOf(text)}, nil
	}
	for range maxUnwrap {
		link, err := only(text)
		if err != nil {
			return provider.Meeting{}, err
		}
		if u, err := url.Parse(link); err == nil && link != "" {
			if inner := wrapped(u); inner != "" {
				text = inner
				continue
			}
			if m, ok, err := read(u); ok || err != nil {
				return m, err
			}
			if h, plain := hostOf(u); plain && !zoomHost(h) {
				break // what it carries inside is not the link that was sent
			}
		}
		// Not readable as it is; it may be encoded as a whole, or from the question mark on.
		plain, err := url.PathUnescape(text)
		if err != nil || plain == text || !utf8.ValidString(plain) {
			break
		}
		text = plain
	}
	return provider.Meeting{}, invalid()
}

func invalid() error { return lanyard.Errorf(lanyard.CodeInvalidMeetingLink, "") }

// only finds the one link in a text; "" if there is none yet.
func only(text string) (string, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return r == '\\' || unicode.IsControl(r) && !unicode.IsSpace(r) }) {
		return "", invalid() // browsers and parsers disagree about these
	}
	at := scheme.FindAllStringIndex(text, 2)
	switch {
	case len(at) > 1:
		return "", lanyard.Errorf(lanyard.CodeAmbiguousMeetingLink, "")
	case len(at) == 0 && bare.MatchString(text):
		text = "https://" + text
	case len(at) == 0:
		return "", nil
	default:
		text = text[at[0][0]:]
	}
	if end := strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`<>"'`, r) }); end >= 0 {
		text = text[:end]
	}
	return strings.TrimRight(text, ".,;:!)]}"), nil
}

// wrapped returns the link inside one that Outlook put around it.
func wrapped(u *url.URL) string {
	if h, ok := hostOf(u); ok && (u.Scheme == "https" || u.Scheme == "http") && strings.HasSuffix(h, ".safelinks.protection.outlook.com") {
		return u.Query().Get("url")
	}
	return ""
}

// hostOf returns the host if nothing is odd about it: no user, no other port, letters of DNS only.
func hostOf(u *url.URL) (string, bool) {
	h := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	return h, u.User == nil && u.Opaque == "" && (u.Port() == "" || u.Port() == "443") && dnsName.MatchString(h)
}

func zoomHost(h string) bool {
	for _, d := range []string{"zoom.us", "zoom.com", "zoomgov.com"} {
		if h == d || strings.HasSuffix(h, "."+d) {
			return true
		}
	}
	return false
}

// read takes the meeting out of a link; false without error: not a shape we know.
func read(u *url.URL) (m provider.Meeting, ok bool, err error) {
	h, plain := hostOf(u)
	if !plain || !zoomHost(h) {
		return m, false, nil
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return m, false, nil
	}
	switch u.Scheme {
	case "zoommtg", "zoomus":
		if strings.Trim(u.Path, "/") != "join" && strings.Trim(u.Path, "/") != "start" || len(q["confno"]) != 1 {
			return m, false, nil
		}
		m.Number = digitsOf(q.Get("confno"))
	case "https", "http":
		if m.Number, m.Vanity = fromPath(strings.Split(strings.Trim(u.Path, "/"), "/")); m.Vanity != "" {
			return m, false, lanyard.Errorf(lanyard.CodePersonalMeetingLink, "")
		}
	default:
		return m, false, nil
	}
	if !number.MatchString(m.Number) {
		return provider.Meeting{}, false, nil
	}
	m.Passcode, m.TK = q.Get("pwd"), q.Get("tk")
	// Two passcodes, or one we cannot hand on unchanged, and the bot would stand at the door for no visible reason.
	if len(q["pwd"]) > 1 || len(q["tk"]) > 1 || m.Passcode != "" && !passcode.MatchString(m.Passcode) || m.TK != "" && !tk.MatchString(m.TK) {
		return provider.Meeting{}, false, invalid()
	}
	return m, true, nil
}

// fromPath knows the shapes /j/<id>, /s/<id>, /w/<id>, /wc/<id>[/join|/start], /wc/join/<id>, /my/<name>.
func fromPath(p []string) (id, name string) {
	if len(p) == 3 && p[0] == "wc" && p[1] == "my" {
		p = p[1:]
	}
	switch {
	case len(p) == 2 && p[0] == "my" && vanity.MatchString(p[1]):
		return "", p[1]
	case len(p) == 2 && (p[0] == "j" || p[0] == "s" || p[0] == "w"):
		return digitsOf(p[1]), ""
	case len(p) == 2 && p[0] == "wc", len(p) == 3 && p[0] == "wc" && (p[2] == "join" || p[2] == "start"):
		return digitsOf(p[1]), ""
	case len(p) == 3 && p[0] == "wc" && (p[1] == "join" || p[1] == "start"):
		return digitsOf(p[2]), ""
	}
	return "", ""
}

// digitsOf returns the digits of a number written with spaces or dashes; "" if there is anything else in it. Only ASCII digits
// count: others look alike and are not the same number to Zoom.
func digitsOf(s string) string {
	if !number.MatchString(s) && !spoken.MatchString(s) {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}
