// Package zoom is what the catalogue's data cannot say about Zoom: the tokens its meetings take, and its links.
//
//	ParseMeetingLink     any shape of link or typed number → number, passcode, registrant token; nothing is fetched
//	OnBehalfToken        lets a bot in while the person is in the meeting (OBF; single use, one meeting)
//	ZAK                  lets a bot start or join as the person
//	LocalRecordingToken  lets a bot record a meeting the person hosts
//	ListMeetings         reads whose meetings are which; MeetingAccount whose list it is, and their personal meeting
//	VerifyNotice         says whether a notice is Zoom's; ReadNotice what it says; AnswerNotice answers the check of our address
//
// Tokens are minted per call with the person's access token, live no longer than Zoom's default, and are kept nowhere.
package zoom

import "lanyard/internal/provider"

// The types of join tokens.
const (
	OnBehalf       = "onbehalf"
	ZAK            = "zak"
	LocalRecording = "local_recording"
)

// Zoom has the abilities. The zero value is ready.
type Zoom struct{}

// JoinTokens lists what Zoom's meetings take, with the parameter names of its Meeting SDKs (Meeting SDK reference:
// ZoomMtg.join for web, JoinParam4WithoutLogin in meeting_service_interface.h for native, JoinMeetingParams for Android and iOS).
func (Zoom) JoinTokens() []provider.JoinToken {
	return []provider.JoinToken{
		{Type: OnBehalf, Scopes: []string{"user:read:token", "user:read"},
			SDK: provider.SDKNames{Web: "obfToken", Native: "onBehalfToken", Android: "onBehalfToken", IOS: "onBehalfToken"},
			Say: "joins on the person's behalf while the person is in the meeting; for one meeting, once"},
		{Type: ZAK, Scopes: []string{"user:read:zak", "user_zak:read"},
			SDK: provider.SDKNames{Web: "zak", Native: "userZAK", Android: "zoomAccessToken", IOS: "zoomAccessToken"},
			Say: "starts or joins meetings as the person; never together with an on-behalf token"},
		{Type: LocalRecording, Scopes: []string{"meeting:read:local_recording_token", "meeting_token:read:local_recording"}, HostOnly: true,
			SDK: provider.SDKNames{Web: "recordingToken", Native: "app_privilege_token", Android: "appPrivilegeToken", IOS: "appPrivilegeToken"},
			Say: "records a meeting the person hosts, without asking"},
	}
}

// MeetingParams names the parameters of Zoom's Meeting SDKs that take what a link holds.
func (Zoom) MeetingParams() map[string]provider.SDKNames {
	return map[string]provider.SDKNames{
		"number":   {Web: "meetingNumber", Native: "meetingNumber", Android: "meetingNo", IOS: "meetingNo"},
		"passcode": {Web: "passWord", Native: "psw", Android: "password", IOS: "password"},
		"tk":       {Web: "tk", Native: "webinarToken", Android: "webinarToken", IOS: "webinarToken"},
	}
}
