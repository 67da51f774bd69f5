package provider

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
)

// standard is what the codes of RFC 6749 §5.2, RFC 8628 §3.5 and OpenID Connect Core §3.1.2.6 mean at a token endpoint.
func standard(code string) (Verdict, bool) {
	switch code {
	case "invalid_grant":
		return "rejected", true
	case "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_request", "invalid_target":
		return "app_error", true
	case "interaction_required", "login_required", "consent_required", "account_selection_required":
		return "interaction", true
	case "access_denied":
		return "interaction admin_policy", true
	case "temporarily_unavailable", "slow_down":
		return "throttled", true
	case "server_error":
		return "unknown", true
	}
	return "", false
}

var aadsts = regexp.MustCompile(`AADSTS([0-9]{4,8})\b`)

// verdict finds the most telling error code of an answer and what it means; code is clean and may be logged.
func (t *Target) verdict(b body) (code string, v Verdict, known bool) {
	f := b.Fields
	oauth := f.Text("error|error.status|error.type|error.code")
	for _, key := range errorKeys(f, oauth) {
		if v, ok := t.def.Errors[key]; ok {
			return errorName(key, oauth), v, true
		}
	}
	if reason, _ := f["reason"].(string); reason != "" {
		for key, v := range t.def.Errors {
			if r, ok := strings.CutPrefix(key, "reason:"); ok && strings.EqualFold(r, strings.TrimSpace(reason)) {
				return errorName(key, oauth), v, true
			}
		}
	}
	name := guarded(oauth)
	if keys := errorKeys(f, ""); len(keys) > 0 && codeShape.MatchString(keys[0]) {
		name = keys[0] // a number we have no verdict for still tells more than "invalid_grant"
	}
	if v, ok := t.def.Errors[oauth]; ok {
		return name, v, true
	}
	v, known = standard(oauth)
	return name, v, known
}

// errorKeys lists, most telling first, under which names the answer's error may be in the provider's map.
func errorKeys(f Fields, oauth string) []string {
	var keys []string
	if list, ok := f["error_codes"].([]any); ok { // Entra: error_codes names the AADSTS number, the description repeats it
		for _, n := range list {
			if n, ok := n.(json.Number); ok {
				keys = append(keys, "AADSTS"+n.String())
			}
		}
	}
	if d, _ := f["error_description"].(string); d != "" {
		for _, m := range aadsts.FindAllStringSubmatch(d[:min(len(d), 2048)], 4) {
			keys = append(keys, "AADSTS"+m[1])
		}
	}
	for _, name := range []string{"code", "error_code", "errorCode"} {
		if n := f.Text(name); n != "" {
			keys = append(keys, n)
		}
	}
	if sub := f.Text("error_subtype|suberror"); sub != "" && oauth != "" {
		keys = append(keys, oauth+"/"+sub)
	}
	return keys
}

// errorName is what is stored of a key of the map, which is our own text.
func errorName(key, oauth string) string {
	if r, ok := strings.CutPrefix(key, "reason:"); ok {
		return cleanCode(strings.ToLower(strings.ReplaceAll(r, " ", "_")))
	}
	return cleanCode(strings.ReplaceAll(key, "/", "."))
}

// shapes of an error code that we have never heard of and yet let pass.
var codeShape = regexp.MustCompile(`^([a-z]{2,20}(_[a-z]{1,20}){0,5}|[A-Z]{2,20}(_[A-Z]{1,20}){0,5}|[a-z]{2,20}([A-Z][a-z]{1,20}){1,4}|[0-9]{1,6}|AADSTS[0-9]{4,8})$`)

// guarded lets an error code pass that we have never heard of, but nothing that could be a token, an address or a sentence:
// some providers put those where the code belongs.
func guarded(code string) string {
	if code == "" || codeShape.MatchString(code) {
		return code
	}
	return "unrecognized"
}

// cleanCode keeps letters, digits, "_", "." and "-", at most 64 of them.
func cleanCode(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_.-", r)) {
			return r
		}
		return -1
	}, s)
	return s[:min(len(s), 64)]
}
