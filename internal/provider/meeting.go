package provider

import (
	"time"

	"lanyard"
)

// Meeting is what a meeting link or a typed number names.
type Meeting struct {
	Number   string // digits
	Passcode string
	TK       string // registrant token of a personal join link
	Vanity   string // name of a personal link (/my/…); it comes with CodePersonalMeetingLink and no number
}

// JoinToken describes one kind of token that a provider's meetings take.
type JoinToken struct {
	Type     string   // "onbehalf", "zak", "local_recording"
	Scopes   []string // any one of them lets the provider mint it
	HostOnly bool     // only the host's connection can mint it
	SDK      SDKNames // the parameter that takes it
	Say      string   // in plain words
}

// SDKNames are the names of a parameter in the provider's meeting SDKs; "" where it has none.
type SDKNames struct {
	Web     string `json:"web,omitempty"`
	Native  string `json:"native,omitempty"`
	Android string `json:"android,omitempty"`
	IOS     string `json:"ios,omitempty"`
}

// MeetingNotice is what a notice with NoticeMeeting says. Whose meeting it is, the host says, and not who has made it.
type MeetingNotice struct {
	Change   MeetingChange
	Number   string    // digits; for MeetingPersonal the personal meeting's, "" if there is none any more
	Former   string    // for MeetingPersonal: the number it had before
	Run      string    // the provider's id of this run
	Host     string    // the account that hosts it, as identity has it; "": the notice does not say
	Personal bool      // it is the host's personal meeting
	Ends     time.Time // when it is planned to end; zero: not said, or there is no one end
	Stay     string    // the provider's id of somebody's stay in this run
	Account  string    // the account of who came or went; "": not signed in, or not said
}

// MeetingChange is what has happened to a meeting.
type MeetingChange string

const (
	MeetingPlanned  MeetingChange = "planned"  // made, or made again
	MeetingChanged  MeetingChange = "changed"  // something of it is other than it was
	MeetingDeleted  MeetingChange = "deleted"  //
	MeetingStarted  MeetingChange = "started"  //
	MeetingEnded    MeetingChange = "ended"    //
	MeetingJoined   MeetingChange = "joined"   // somebody came
	MeetingLeft     MeetingChange = "left"     // somebody went
	MeetingPersonal MeetingChange = "personal" // the host has another personal meeting
)

// MeetingAccount is what a provider says of an account whose meetings are to be listed.
type MeetingAccount struct {
	Subject  string // as identity has it
	Personal string // number of the personal meeting; "" if there is none
}

// MeetingPage is a page of a list of meetings.
type MeetingPage struct {
	Meetings []ListedMeeting
	Next     string // of the next page; "": this is the last
}

// ListedMeeting is one meeting of a list.
type ListedMeeting struct {
	Number   string
	Host     string    // as identity has it; "": not said
	Personal bool      //
	Ends     time.Time // as MeetingNotice.Ends
}

// SDKSignature says what a signature is wanted for that starts a provider's meeting SDK.
type SDKSignature struct {
	Meeting string        // digits; "": for no one meeting
	Role    int           // 0 participant, 1 host; without a meeting it does not matter
	Life    time.Duration // from now
}

// SDKSigned is such a signature.
type SDKSigned struct {
	Signature lanyard.Secret
	ClientID  string
	IssuedAt  time.Time // as it says; a little in the past
	ExpiresAt time.Time
	SDK       SDKNames // the parameter that takes it
}
