package provider

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
