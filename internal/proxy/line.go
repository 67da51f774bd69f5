package proxy

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"lanyard"
)

// Prefix is where the proxy is.
const Prefix = "/v1/proxy/"

// line is what a request line asks for.
type line struct {
	connection lanyard.ConnectionID
	path       string // as it goes out: "/v2/users/me"
	query      string // as it goes out
	params     url.Values
	readings   [][]string // see lanyard.ProxyCall
}

func refused(say string) error { return lanyard.Errorf(lanyard.CodeProxyRefused, "%s", say) }

// parseLine reads a request's target as it stood in its first line (RFC 9112 §3.2), since
// whoever cleans it up decides what it means. It refuses whatever two servers could take
// for two things.
func parseLine(target string) (l line, err error) {
	if scheme, rest, ok := strings.Cut(target, "://"); ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")) {
		slash := strings.IndexByte(rest, '/') // absolute-form: whose authority it names is not for us to follow
		if slash < 0 {
			return l, refused("say a path")
		}
		target = rest[slash:]
	}
	target, l.query, _ = strings.Cut(target, "?")
	rest, ours := strings.CutPrefix(target, Prefix)
	id, path, slash := strings.Cut(rest, "/")
	if !ours || !lanyard.ValidID("con_", id) {
		return l, lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	l.connection = lanyard.ConnectionID(id)
	if !slash {
		return l, refused("after the connection comes the path at the provider, which begins with a slash")
	}
	if l.path, err = plain("/" + path); err != nil {
		return l, err
	}
	if l.readings, err = readings(l.path); err != nil {
		return l, err
	}
	l.params, err = params(l.query)
	return l, err
}

const (
	pathChars  = "/:@!$&'()*+,;=-._~"
	queryChars = pathChars + "?[]{}|"
	hex        = "0123456789ABCDEFabcdef"
)

func letter(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
}

// plain returns a path with what is percent-encoded without need decoded, so that one
// thing is written in one way (RFC 3986 §6.2.2). An encoded slash stays encoded.
func plain(path string) (string, error) {
	if strings.Contains(path, "//") {
		return "", refused("the path has a doubled slash")
	}
	var out strings.Builder
	for i := 0; i < len(path); i++ {
		b := path[i]
		switch {
		case letter(b) || strings.IndexByte(pathChars, b) >= 0:
			out.WriteByte(b)
		case b == '%' && encoded(path[i:]):
			n, _ := strconv.ParseUint(path[i+1:i+3], 16, 8)
			if c := byte(n); letter(c) || strings.IndexByte("-._~", c) >= 0 {
				out.WriteByte(c)
			} else {
				out.WriteString(strings.ToUpper(path[i : i+3]))
			}
			i += 2
		default:
			return "", refused("the path has a character that must be percent-encoded, or a % that encodes nothing")
		}
	}
	return out.String(), nil
}

func encoded(s string) bool {
	return len(s) > 2 && strings.IndexByte(hex, s[1]) >= 0 && strings.IndexByte(hex, s[2]) >= 0
}

// readings are what servers may take a path for that decode it once, or again, or again.
// In none of them may it lead upwards.
func readings(path string) (out [][]string, err error) {
	for range 6 {
		if err := steady(path); err != nil {
			return nil, err
		}
		next := decode(path)
		segments := strings.Split(strings.ReplaceAll(next, `\`, "/")[1:], "/")
		if len(out) == 0 || next != path {
			out = append(out, segments)
		}
		if next == path {
			return out, nil
		}
		path = next
	}
	return nil, refused("the path is encoded many times over")
}

var percent = regexp.MustCompile(`%u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}`)

// decode takes one layer of encoding away, IIS's %u002e too.
func decode(s string) string {
	return percent.ReplaceAllStringFunc(s, func(code string) string {
		digits := strings.TrimPrefix(code[1:], "u")
		n, _ := strconv.ParseUint(digits, 16, 32)
		if len(digits) == 4 {
			return string(rune(n))
		}
		return string([]byte{byte(n)})
	})
}

// alike turns what some servers take for a dot or a slash into one (best fit, NFKC).
var alike = strings.NewReplacer("．", ".", "․", ".", "。", ".", "／", "/", "∕", "/", "⁄", "/", "＼", "/", `\`, "/")

// steady refuses a path that leads upwards, or has in it what ends a line or a text.
func steady(path string) error {
	if !utf8.ValidString(path) || strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return refused("the path has control characters, or bytes that are no text")
	}
	for segment := range strings.SplitSeq(alike.Replace(path)[1:], "/") {
		segment, _, _ = strings.Cut(segment, ";") // path parameters: some look at what is before them only
		if segment = strings.Trim(segment, " "); segment != "" && strings.Trim(segment, ".") == "" {
			return refused("the path has a segment of dots")
		}
	}
	return nil
}

// notAsked are parameters that would make the call another than it says it is.
var notAsked = []string{"access_token", "oauth_token", "bearer_token", // a second credential (RFC 6750 §2.3)
	"_method", "_httpmethod", "http_method", "x-http-method", "x-http-method-override", "x-method-override", "$httpmethod", "$httpheaders"}

// params reads a query as the most generous server would: parted by & and by ;.
func params(query string) (url.Values, error) {
	out := url.Values{}
	for i := 0; i < len(query); i++ {
		b := query[i]
		switch {
		case letter(b) || strings.IndexByte(queryChars, b) >= 0:
		case b == '%' && encoded(query[i:]):
			i += 2
		default:
			return nil, refused("the query has a character that must be percent-encoded, or a % that encodes nothing")
		}
	}
	for part := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(part, "=")
		name, value = decode(strings.ReplaceAll(name, "+", " ")), decode(strings.ReplaceAll(value, "+", " "))
		if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, refused("the query has control characters in a name")
		}
		if slices.Contains(notAsked, strings.ToLower(strings.TrimSpace(name))) {
			return nil, refused("the query has a parameter that would change the method, or bring another token")
		}
		out[name] = append(out[name], value)
	}
	return out, nil
}

// forLog is the path as the log has it: without addresses of people, and without what is
// so long that it may be a secret of the provider's.
func forLog(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		switch {
		case strings.Contains(decode(decode(s)), "@"):
			segments[i] = "{address}"
		case len(s) > 64:
			segments[i] = "{long}"
		}
	}
	path = strings.Join(segments, "/")
	if len(path) > 400 {
		return path[:400] + "…"
	}
	return path
}
