package proxy

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lanyard"
)

// hop are headers between two neighbours (RFC 9110 §7.6.1, and those of RFC 2616).
var hop = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Trailers",
	"Transfer-Encoding", "Upgrade", "Http2-Settings"}

// notSent are headers of a call that are not sent on: who is called, as whom, by what
// method and path, and from where is said by us, once.
var notSent = []string{"Authorization", "Cookie", "Cookie2", "Host", "Content-Length", "Expect", "Max-Forwards", "Accept-Encoding",
	"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "X-Host", "X-Http-Method", "X-Http-Method-Override",
	"X-Method-Override", "X-Method", "X-Original-Url", "X-Rewrite-Url", "X-Access-Token", "X-Auth-Token", "X-Authorization", "X-Api-Key",
	"Origin", "Referer", "From", "X-Request-Id", "X-Middleware-Subrequest"}

// notSentBegin begins more of them.
var notSentBegin = []string{"X-Forwarded", "X-Original-", "X-Rewrite-", "X-Envoy-", "X-Amzn-", "Proxy-", "Sec-", "Cf-", "Lanyard-", "Access-Control-", "X-Appengine-"}

// usual are the headers that a call with rules may carry; a rule can name others.
var usual = []string{"Accept", "Accept-Charset", "Accept-Language", "Content-Type", "Content-Language", "Content-Encoding", "Content-Disposition",
	"Content-Range", "Content-Md5", "Content-Digest", "Digest", "Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
	"If-Range", "Prefer", "User-Agent", "Idempotency-Key", "Consistencylevel"}

// outward returns the headers that go to the provider; where there are rules, those that
// are usual, or that each of them names.
func outward(in http.Header, rules []lanyard.ProxyRule) http.Header {
	named := connectionNamed(in)
	out := http.Header{}
	for name, values := range in {
		begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		switch {
		case slices.Contains(hop, name), slices.Contains(named, name), slices.Contains(notSent, name), slices.ContainsFunc(notSentBegin, begins):
		case strings.Contains(name, "_"): // to many servers the same as a hyphen
		case !slices.Contains(usual, name) && slices.ContainsFunc(rules, func(r lanyard.ProxyRule) bool { return !names(r, name) }):
		default:
			out[name] = values
		}
	}
	out.Set("Accept-Encoding", "identity")
	if takesGzip(in) && in.Get("Range") == "" { // a piece of a compressed answer cannot be looked through
		out.Set("Accept-Encoding", "gzip")
	}
	return out
}

func names(r lanyard.ProxyRule, header string) bool {
	return slices.ContainsFunc(r.Headers, func(h string) bool { return strings.EqualFold(h, header) })
}

// connectionNamed are the headers that Connection says are for us alone.
func connectionNamed(h http.Header) (names []string) {
	for _, value := range h.Values("Connection") {
		for name := range strings.SplitSeq(value, ",") {
			names = append(names, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	return names
}

// takesGzip says whether Accept-Encoding names gzip, and not with q=0.
func takesGzip(h http.Header) bool {
	for _, value := range h.Values("Accept-Encoding") {
		for part := range strings.SplitSeq(value, ",") {
			name, q, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(name), "gzip") {
				return !strings.HasPrefix(strings.ReplaceAll(strings.ToLower(q), " ", ""), "q=0") || strings.Trim(q, " q=0.") != ""
			}
		}
	}
	return false
}

// notPassed are headers of an answer that mean something to a browser of ours, or
// are said by us.
var notPassed = []string{"Set-Cookie", "Set-Cookie2", "Clear-Site-Data", "Strict-Transport-Security", "Public-Key-Pins", "Public-Key-Pins-Report-Only",
	"Content-Security-Policy", "Content-Security-Policy-Report-Only", "X-Content-Type-Options", "Referrer-Policy", "X-Request-Id", "Alt-Svc", "Refresh",
	"Nel", "Report-To", "Reporting-Endpoints", "Server", "Service-Worker-Allowed", "Content-Length", "Cache-Control", "Pragma", "Expires", "Location"}

// inward puts the headers of an answer into ours. No value keeps the token.
func inward(to, from http.Header, m *mask) {
	named := connectionNamed(from)
	for name, values := range from {
		if slices.Contains(hop, name) || slices.Contains(named, name) || slices.Contains(notPassed, name) ||
			strings.HasPrefix(name, "Lanyard-") || strings.HasPrefix(name, "Access-Control-") || m.in(name) {
			continue
		}
		for _, v := range values {
			to.Add(name, m.text(v))
		}
	}
	if len(from.Values("Content-Type")) == 0 {
		to["Content-Type"] = nil // or it would be guessed
	}
	to.Set("Cache-Control", "no-store")
	to.Set(AnswerHeader, "provider")
}

// AnswerHeader marks answers that are the provider's.
const AnswerHeader = "Lanyard-Answer"

// onward is where a redirect leads, for the caller to follow or not: within the API,
// through the proxy again; elsewhere, as it is, without the token. "" for what is no
// http address.
func onward(location string, asked, base *url.URL, own string) string {
	u, err := asked.Parse(location)
	if location == "" || err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return ""
	}
	path, inside := strings.CutPrefix(u.EscapedPath(), strings.TrimRight(base.EscapedPath(), "/"))
	if u.Scheme != base.Scheme || !strings.EqualFold(u.Host, base.Host) || !inside || !strings.HasPrefix(path, "/") {
		return u.String()
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return own + path
}
