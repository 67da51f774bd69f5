package runner

import (
	"regexp"
	"slices"

	"lanyard"
)

// sdkCode translates a vendor's reason into what Zoom's Meeting SDK for the web calls it,
// where it has one meaning there; the vendors run their bots on either SDK.
func sdkCode(reason string) (sdk, code string) {
	if code = sdkCodes[reason]; code != "" {
		return "web", code
	}
	return "", ""
}

var sdkCodes = map[string]string{
	"authorized_user_not_in_meeting_timeout_exceeded": "4017", // Attendee
	"unpublished_zoom_app":                            "4011",
	"zoom_app_cannot_join_anonymously":                "4012",
	"login_required":                                  "3100",
	"zoom_obf_user_not_in_meeting":                    "4017", // Recall
	"zoom_sdk_app_not_published":                      "4011",
	"zoom_invalid_join_token":                         "3265",
	"meeting_requires_sign_in":                        "3100",
	"WAITING_FOR_HOST_TIMEOUT":                        "4017", // Meeting BaaS: of the person, with a token on behalf
	"WaitingForHostTimeout":                           "4017",
}

// Need is a token URL that a runner is given for a bot.
type Need struct {
	Name     string                // its key in Job.TokenURLs
	Types    []string              // of token; several only for Attendee, which asks for all at once
	Contract lanyard.TokenContract // how the runner calls it
}

// Needs lists the token URLs that a runner is to be given for a bot that may have these
// types of tokens. Where a vendor has room for one way to join, it is on behalf of the
// person before as the person.
func Needs(r lanyard.Runner, types []string) []Need {
	if len(types) == 0 {
		return nil
	}
	one := func(contract lanyard.TokenContract, names ...string) (needs []Need) {
		for _, n := range names {
			if slices.Contains(types, n) {
				needs = append(needs, Need{Name: n, Types: []string{n}, Contract: contract})
			}
		}
		return needs
	}
	join := []string{"onbehalf", "zak"}
	if slices.Contains(types, "onbehalf") {
		join = join[:1]
	}
	switch r.Kind {
	case lanyard.RunnerAttendee:
		all := slices.Concat(one("", join...), one("", "local_recording"))
		bundle := Need{Name: string(lanyard.ContractAttendee), Contract: lanyard.ContractAttendee}
		for _, n := range all {
			bundle.Types = append(bundle.Types, n.Name)
		}
		if len(all) == 0 {
			return nil
		}
		return []Need{bundle}
	case lanyard.RunnerMeetStream:
		return one(lanyard.ContractMeetStream, join...)
	case lanyard.RunnerRecall:
		return one(lanyard.ContractPlain, append(join, "local_recording")...)
	case lanyard.RunnerMeetingBaaS:
		return one(lanyard.ContractPlain, join...)
	}
	return one(lanyard.ContractPlain, types...)
}

// hider returns what takes the secrets of our token URLs out of a vendor's answer: some
// repeat the whole request to whoever may read the bot, who need not be one that may have
// its tokens. Everything else of the answer stays as it is.
func hider(publicURL string) func([]byte) []byte {
	host := regexp.QuoteMeta(publicURL)
	host = regexp.MustCompile(`/`).ReplaceAllString(host, `(?:/|\\/|\\u002[fF])`)
	slash := `(?:/|\\/|\\u002[fF])`
	secret := regexp.MustCompile(`(?i:(` + host + slash + `t` + slash + `))[A-Za-z0-9._~-]+`)
	return func(b []byte) []byte { return secret.ReplaceAll(b, []byte("${1}hidden")) }
}
