package zoom_test

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/provider/zoom"
)

const (
	pwd  = "QVBhTnVzZ0p6b1VHSUhqQ3p6b3l3QT09"
	full = "https://us02web.zoom.us/j/12345678901?pwd=" + pwd
)

func safelink(link string) string {
	return "https://nam02.safelinks.protection.outlook.com/?url=" + url.QueryEscape(link) + "&data=05%7C02%7Cana%40example.com&reserved=0"
}

func encoded(link string, times int) string {
	for range times {
		link = url.QueryEscape(link)
	}
	return link
}

func TestParseMeetingLink(t *testing.T) {
	m := func(number, passcode, tk string) provider.Meeting {
		return provider.Meeting{Number: number, Passcode: passcode, TK: tk}
	}
	for _, c := range []struct {
		name, text string
		want       provider.Meeting
	}{
		{"join", "https://zoom.us/j/123456789", m("123456789", "", "")},
		{"join with passcode", full, m("12345678901", pwd, "")},
		{"passcode with a suffix", "https://zoom.us/j/12345678901?pwd=abcDEF123.1", m("12345678901", "abcDEF123.1", "")},
		{"company name", "https://acme-inc.zoom.us/j/1234567890", m("1234567890", "", "")},
		{"zoom.com", "https://zoom.com/j/1234567890", m("1234567890", "", "")},
		{"under zoom.com", "https://app.zoom.com/wc/1234567890/join", m("1234567890", "", "")},
		{"government", "https://www.zoomgov.com/j/1612345678?pwd=x", m("1612345678", "x", "")},
		{"start", "https://zoom.us/s/1234567890", m("1234567890", "", "")},
		{"webinar", "https://zoom.us/w/1234567890?tk=DQAAAA.abc-1_2", m("1234567890", "", "DQAAAA.abc-1_2")},
		{"web client", "https://zoom.us/wc/1234567890/join?pwd=x", m("1234567890", "x", "")},
		{"web client, start", "https://zoom.us/wc/1234567890/start", m("1234567890", "", "")},
		{"web client, the other way round", "https://zoom.us/wc/join/1234567890?pwd=x", m("1234567890", "x", "")},
		{"web app", "https://app.zoom.us/wc/1234567890/join?fromPWA=1&pwd=x", m("1234567890", "x", "")},
		{"desktop", "zoommtg://zoom.us/join?confno=1234567890&pwd=x&zc=0", m("1234567890", "x", "")},
		{"desktop with action", "zoommtg://us02web.zoom.us/join?action=join&confno=1234567890", m("1234567890", "", "")},
		{"mobile", "zoomus://zoom.us/join?confno=1234567890", m("1234567890", "", "")},
		{"http", "http://zoom.us/j/1234567890", m("1234567890", "", "")},
		{"capital letters in scheme and host", "HTTPS://Zoom.US/j/1234567890", m("1234567890", "", "")},
		{"the port that goes without saying", "https://zoom.us:443/j/1234567890", m("1234567890", "", "")},
		{"dot behind the host", "https://zoom.us./j/1234567890", m("1234567890", "", "")},
		{"slash at the end", "https://zoom.us/j/1234567890/", m("1234567890", "", "")},
		{"other parameters are dropped", "https://zoom.us/j/1234567890?uname=Eve&zak=stolen&pwd=x&omn=1#success", m("1234567890", "x", "")},
		{"no scheme", "us02web.zoom.us/j/1234567890?pwd=x", m("1234567890", "x", "")},
		{"dashes in the path", "https://zoom.us/j/123-456-7890", m("1234567890", "", "")},
		{"nine digits", "123456789", m("123456789", "", "")},
		{"eleven with spaces", " 123 4567 8901 \n", m("12345678901", "", "")},
		{"dashes", "123-456-7890", m("1234567890", "", "")},
		{"no-break spaces", "123\u00a0456\u00a07890", m("1234567890", "", "")},
		{"en dashes", "123–456–7890", m("1234567890", "", "")},
		{"angle brackets", "<" + full + ">", m("12345678901", pwd, "")},
		{"bracket at the end", full + ">", m("12345678901", pwd, "")},
		{"full stop at the end", full + ".", m("12345678901", pwd, "")},
		{"words around it", "Join Zoom Meeting: " + full + " (Ana)", m("12345678901", pwd, "")},
		{"in quotes", `"` + full + `"`, m("12345678901", pwd, "")},
		{"encoded once", encoded(full, 1), m("12345678901", pwd, "")},
		{"encoded twice", encoded(full, 2), m("12345678901", pwd, "")},
		{"encoded three times", encoded(full, 3), m("12345678901", pwd, "")},
		{"encoded from the question mark on", "https://zoom.us/j/1234567890%3Fpwd%3Dx", m("1234567890", "x", "")},
		{"safe link", safelink(full), m("12345678901", pwd, "")},
		{"safe link around an encoded one", safelink(encoded(full, 1)), m("12345678901", pwd, "")},
		{"safe link in a safe link", safelink(safelink(full)), m("12345678901", pwd, "")},
		{"safe link, encoded", encoded(safelink(full), 1), m("12345678901", pwd, "")},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := zoom.Zoom{}.ParseMeetingLink(c.text)
			if err != nil || got != c.want {
				t.Errorf("%q: got %+v, %v; want %+v", c.text, got, err, c.want)
			}
		})
	}
}

func TestNotAMeetingLink(t *testing.T) {
	for _, c := range []struct {
		name, text string
		code       lanyard.Code
	}{
		{"empty", "", lanyard.CodeInvalidMeetingLink},
		{"words", "the usual room", lanyard.CodeInvalidMeetingLink},
		{"eight digits", "12345678", lanyard.CodeInvalidMeetingLink},
		{"twelve digits", "123456789012", lanyard.CodeInvalidMeetingLink},
		{"eight digits in a link", "https://zoom.us/j/12345678", lanyard.CodeInvalidMeetingLink},
		{"double dashes", "123--456-7890", lanyard.CodeInvalidMeetingLink},
		{"phone number", "+1 646 558 8656", lanyard.CodeInvalidMeetingLink},
		{"fullwidth digits", "１２３４５６７８９０", lanyard.CodeInvalidMeetingLink},
		{"fullwidth digits in a link", "https://zoom.us/j/１２３４５６７８９０", lanyard.CodeInvalidMeetingLink},
		{"Arabic digits", "https://zoom.us/j/١٢٣٤٥٦٧٨٩٠", lanyard.CodeInvalidMeetingLink},
		{"evil suffix", "https://zoom.us.evil.com/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"evil prefix", "https://evilzoom.us/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"evil dash", "https://not-zoom.us/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"evil user", "https://zoom.us@evil.com/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"evil user and password", "https://zoom.us:443@evil.com/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"user before zoom", "https://evil.com@zoom.us/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"backslash", `https://zoom.us\@evil.com/j/1234567890`, lanyard.CodeInvalidMeetingLink},
		{"backslash before the path", `https://evil.com\.zoom.us/j/1234567890`, lanyard.CodeInvalidMeetingLink},
		{"encoded slash in the host", "https://zoom.us%2f.evil.com/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"zero byte", "https://zoom.us\x00.evil.com/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"line break in the host", "https://zoom\n.us/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"Cyrillic o", "https://zооm.us/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"ideographic full stop", "https://zoom。us/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"fullwidth host", "https://ｚoom.us/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"punycode lookalike", "https://xn--zom-0nb.us/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"other port", "https://zoom.us:8443/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"zoom in the query", "https://evil.com/?u=zoom.us/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"zoom in the path", "https://evil.com/zoom.us/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"zoom in the fragment", "https://evil.com/#zoom.us/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"scheme of a script", "javascript:zoom.us/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"other scheme", "ftp://zoom.us/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"no scheme, evil", "zoom.us.evil.com/j/1234567890", lanyard.CodeInvalidMeetingLink},
		{"home page", "https://zoom.us/", lanyard.CodeInvalidMeetingLink},
		{"registration", "https://zoom.us/meeting/register/tJ0uc", lanyard.CodeInvalidMeetingLink},
		{"recording", "https://zoom.us/rec/share/1234567890", lanyard.CodeInvalidMeetingLink},
		{"longer path", "https://zoom.us/j/1234567890/evil", lanyard.CodeInvalidMeetingLink},
		{"number with letters", "https://zoom.us/j/1234567890abc", lanyard.CodeInvalidMeetingLink},
		{"passcode that is none", "https://zoom.us/j/1234567890?pwd=%3Cscript%3E", lanyard.CodeInvalidMeetingLink},
		{"two passcodes", "https://zoom.us/j/1234567890?pwd=a&pwd=b", lanyard.CodeInvalidMeetingLink},
		{"desktop without number", "zoommtg://zoom.us/join?pwd=x", lanyard.CodeInvalidMeetingLink},
		{"desktop, two numbers", "zoommtg://zoom.us/join?confno=1234567890&confno=1234567891", lanyard.CodeInvalidMeetingLink},
		{"desktop, evil", "zoommtg://evil.com/join?confno=1234567890", lanyard.CodeInvalidMeetingLink},
		{"false safe link", "https://safelinks.protection.outlook.com.evil.com/?url=" + url.QueryEscape(full), lanyard.CodeInvalidMeetingLink},
		{"safe link to elsewhere", safelink("https://evil.com/j/1234567890"), lanyard.CodeInvalidMeetingLink},
		{"encoded too often", encoded(full, 6), lanyard.CodeInvalidMeetingLink},
		{"Teams", "https://teams.microsoft.com/l/meetup-join/19%3ameeting", lanyard.CodeInvalidMeetingLink},
		{"very long", "https://zoom.us/j/1234567890?pwd=" + strings.Repeat("a", 9000), lanyard.CodeInvalidMeetingLink},
		{"not UTF-8", "https://zoom.us/j/1234567890\xff", lanyard.CodeInvalidMeetingLink},
		{"two links", full + " " + full, lanyard.CodeAmbiguousMeetingLink},
		{"two different links", "https://zoom.us/j/1234567890 or https://evil.com", lanyard.CodeAmbiguousMeetingLink},
		{"a link in a link", "https://zoom.us/j/1234567890?x=https://evil.com", lanyard.CodeAmbiguousMeetingLink},
		{"markdown", "[" + full + "](" + full + ")", lanyard.CodeAmbiguousMeetingLink},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := zoom.Zoom{}.ParseMeetingLink(c.text)
			if !errors.Is(err, c.code) || got != (provider.Meeting{}) {
				t.Errorf("%q: got %+v, %v; want %s", c.text, got, err, c.code)
			}
			if err != nil && c.text != "" && strings.Contains(err.Error(), "evil") {
				t.Errorf("%v repeats the text", err)
			}
		})
	}
}

func TestPersonalLink(t *testing.T) {
	for _, text := range []string{"https://zoom.us/my/ana.lima", "https://acme.zoom.us/my/ana.lima?pwd=x", "zoom.us/my/ana.lima", "https://app.zoom.us/wc/my/ana.lima", encoded("https://zoom.us/my/ana.lima", 2)} {
		got, err := zoom.Zoom{}.ParseMeetingLink(text)
		if !errors.Is(err, lanyard.CodePersonalMeetingLink) || got.Vanity != "ana.lima" || got.Number != "" {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
}

var (
	wantNumber   = regexp.MustCompile(`^[0-9]{9,11}$`)
	wantPasscode = regexp.MustCompile(`^[A-Za-z0-9._~=@*-]{0,128}$`)
)

// FuzzParseMeetingLink: whatever is pasted, the parser ends, and what it gives can go into a URL and an SDK as it is.
func FuzzParseMeetingLink(f *testing.F) {
	for _, s := range []string{full, "123 456 7890", "zoommtg://zoom.us/join?confno=1234567890", safelink(full), encoded(full, 3), "https://zoom.us/my/a", "<https://zoom.us/w/1234567890?tk=x>", "%", "://", "zoom.us/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := zoom.Zoom{}.ParseMeetingLink(text)
		switch {
		case err == nil && (!wantNumber.MatchString(m.Number) || m.Vanity != "" || !wantPasscode.MatchString(m.Passcode)):
			t.Errorf("%q: %+v", text, m)
		case err != nil && (m.Number != "" || m.Passcode != ""):
			t.Errorf("%q: %+v with %v", text, m, err)
		case err == nil:
			again, err := zoom.Zoom{}.ParseMeetingLink("https://zoom.us/j/" + m.Number + "?pwd=" + url.QueryEscape(m.Passcode))
			if err != nil || again.Number != m.Number || again.Passcode != m.Passcode {
				t.Errorf("%q: %+v, written plainly %+v, %v", text, m, again, err)
			}
		}
	})
}
