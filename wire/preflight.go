package wire

import "time"

// PreflightRequest asks whether a bot can join a meeting: POST /v1/preflight.
type PreflightRequest struct {
	MeetingURL    string      `json:"meeting_url,omitempty" maxLength:"4096" doc:"Any shape of link, as people paste it; or"`
	MeetingNumber string      `json:"meeting_number,omitempty" maxLength:"20" doc:"9 to 11 digits"`
	ConnectionID  string      `json:"connection_id,omitempty" maxLength:"64" doc:"On whose behalf; short for one candidate"`
	Candidates    []Candidate `json:"candidates,omitempty" maxItems:"20" doc:"On whose behalf, in order. Absent, without connection_id too: whoever hosts the meeting"`
	At            *time.Time  `json:"at,omitempty" doc:"When it is to join. Absent: now"`
	Types         []string    `json:"types,omitempty" maxItems:"3" doc:"Of join tokens: onbehalf, zak, local_recording. Absent: onbehalf"`
	Trial         *bool       `json:"trial,omitempty" doc:"Ask the provider for the tokens, and throw them away. Absent: true"`
}

// Preflight says whether a bot can join, and if not, who has to do what.
type Preflight struct {
	Can              string          `json:"can" enum:"yes,no,unknown" doc:"unknown: nothing that can be seen from here keeps it out"`
	Summary          string          `json:"summary" doc:"In a sentence or two, for people"`
	Provider         string          `json:"provider,omitempty" doc:"Whose meeting it is"`
	MeetingNumber    string          `json:"meeting_number,omitempty"`
	HasPasscode      bool            `json:"has_passcode"`
	BestConnectionID string          `json:"best_connection_id,omitempty" doc:"On whose behalf, as it looks now"`
	Lines            []PreflightLine `json:"lines"`
}

// PreflightLine is proved, refused, or cannot be known from here.
type PreflightLine struct {
	About         string   `json:"about" enum:"link,key,connection,hour,scopes,host,presence,credentials,publication,mint"`
	Verdict       string   `json:"verdict" enum:"proved,refused,unknown"`
	ConnectionID  string   `json:"connection_id,omitempty" doc:"Of whom; absent: of all"`
	EndUserID     string   `json:"end_user_id,omitempty" doc:"Of whom, where you named them so and they have no connection"`
	Type          string   `json:"type,omitempty" doc:"Of join tokens; absent: of all"`
	By            string   `json:"by" doc:"Who proved or refused it, or alone could say: lanyard, person, host, administrator, operator, or the id of the provider"`
	Say           string   `json:"say" doc:"What was found, for people"`
	Do            string   `json:"do,omitempty" doc:"The next step, for people"`
	Code          string   `json:"code,omitempty" doc:"Of docs/errors.md"`
	MissingScopes []string `json:"missing_scopes,omitempty"`
	ReconnectURL  string   `json:"reconnect_url,omitempty" doc:"For the person: there they can mend it"`
}
