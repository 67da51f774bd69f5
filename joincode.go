package lanyard

import (
	"slices"
	"strings"
)

// JoinClass says what helps after a Meeting SDK could not join.
type JoinClass string

const (
	JoinWaitForPerson JoinClass = "wait_for_person"    // nobody it may join on behalf of is in
	JoinPersonLeft    JoinClass = "person_left"        // it was in, and they went
	JoinMintAgain     JoinClass = "mint_again"         // new join tokens, and once more
	JoinNeedsToken    JoinClass = "needs_token"        // it came with none
	JoinOneToken      JoinClass = "one_token"          // it came with two that exclude each other
	JoinNeedsZAK      JoinClass = "needs_zak"          // only who is signed in gets in
	JoinNotPublished  JoinClass = "not_published"      // the app may not leave its owner's account
	JoinBlocked       JoinClass = "blocked"            // an administrator's rule
	JoinWrongPasscode JoinClass = "wrong_passcode"     //
	JoinNoMeeting     JoinClass = "no_meeting"         //
	JoinNotStarted    JoinClass = "not_started"        //
	JoinOver          JoinClass = "over"               //
	JoinClosed        JoinClass = "closed"             // full, locked, or the host has shown it out
	JoinRegister      JoinClass = "needs_registration" //
	JoinSignature     JoinClass = "signature"          // the JWT that the SDK is started with
	JoinOldSDK        JoinClass = "old_sdk"            //
	JoinTryAgain      JoinClass = "try_again"          // a network, or the provider
)

// joinReasons says, by class, which row of docs/errors.md a bot fails with.
var joinReasons = map[JoinClass]Code{
	JoinWaitForPerson: CodePersonAbsent, JoinPersonLeft: CodePersonAbsent, JoinMintAgain: CodeJoinTokenRefused,
	JoinNeedsToken: CodeJoinTokenNeeded, JoinOneToken: CodeJoinTokensConflict, JoinNeedsZAK: CodeSignInRequired,
	JoinNotPublished: CodeAppNotPublished, JoinBlocked: CodeAppBlocked, JoinWrongPasscode: CodePasscodeWrong,
	JoinNoMeeting: CodeMeetingNotFound, JoinNotStarted: CodeMeetingNotStarted, JoinOver: CodeMeetingOver,
	JoinClosed: CodeMeetingClosed, JoinRegister: CodeRegistrationNeeded, JoinSignature: CodeSdkSignatureRefused,
	JoinOldSDK: CodeSdkOutdated, JoinTryAgain: CodeJoinFailed,
}

// JoinFailure is what a code of a Meeting SDK means.
type JoinFailure struct {
	SDK    string // "web"; "native": of Linux, Windows and macOS; "native_end": why a meeting ended
	Number string // "4017"
	Name   string // the SDK's own: "MEETING_FAIL_AUTHORIZED_USER_NOT_INMEETING"
	Class  JoinClass
	Say    string // what it means, in a sentence
}

// Reason is the row of docs/errors.md with the title, the next step and what a bot may
// say to the person.
func (f JoinFailure) Reason() Code { return joinReasons[f.Class] }

// Do is the next step.
func (f JoinFailure) Do() string { return RowOf(f.Reason()).Do }

// UserMessage is what a bot may say to the person; "" where it concerns them not.
func (f JoinFailure) UserMessage() string { return RowOf(f.Reason()).UserMessage }

// Passes says whether the same bot may get in with another try, without anybody
// changing a setting.
func (f JoinFailure) Passes() bool {
	switch f.Class {
	case JoinWaitForPerson, JoinPersonLeft, JoinMintAgain, JoinNotStarted, JoinTryAgain:
		return true
	}
	return false
}

// JoinCode explains a code, given as a number or by the SDK's name for it. sdk is as in
// JoinFailure, or linux, windows, macos; those of android and ios are not known here. "":
// whichever has it, the native one if both do. False: nobody has written down what it means.
func JoinCode(sdk, code string) (JoinFailure, bool) {
	var found JoinFailure
	if strings.TrimSpace(code) == "" {
		return found, false
	}
	if sdk == "linux" || sdk == "windows" || sdk == "macos" {
		sdk = "native"
	}
	for _, f := range JoinCodes(code) {
		if sdk == "" && (found.SDK == "" || f.SDK == "native") || f.SDK == sdk {
			found = f
		}
	}
	return found, found.SDK != ""
}

// JoinCodes lists what a code means, in every SDK that has it; "": all codes of all of
// them, in the order of docs/join-codes.md.
func JoinCodes(code string) []JoinFailure {
	code = strings.TrimSpace(code)
	if code == "" {
		return slices.Clone(joinCodes)
	}
	var out []JoinFailure
	for _, f := range joinCodes {
		if f.Number == code || strings.EqualFold(f.Name, code) {
			out = append(out, f)
		}
	}
	return out
}
