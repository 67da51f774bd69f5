package wire

import "time"

// Project is the isolation boundary and its settings: GET /v1/project.
type Project struct {
	ID                  string    `json:"id"`
	Name                string    `json:"name"`
	DisplayName         string    `json:"display_name,omitempty" doc:"What the connect page calls the project"`
	LogoURL             string    `json:"logo_url,omitempty"`
	ReturnURLs          []string  `json:"return_urls" doc:"Where a person may be sent after connecting; compared character by character"`
	Origins             []string  `json:"origins" doc:"Of pages that may open the connect page as a pop-up"`
	PrivacyURL          string    `json:"privacy_url,omitempty"`
	TermsURL            string    `json:"terms_url,omitempty"`
	NotifyEmails        []string  `json:"notify_emails" doc:"Who is told by e-mail of what needs a person"`
	NotifyPerson        bool      `json:"notify_person" doc:"The end user is told by e-mail as well, where their own connection has to be made again or will end"`
	Language            string    `json:"language,omitempty" doc:"Of e-mails: en or de; absent: en"`
	TimeZone            string    `json:"time_zone,omitempty" doc:"IANA name"`
	AllowUnboundCodes   bool      `json:"allow_unbound_codes" doc:"Take codes without state, for the vendors' wire formats"`
	AllowCustomProvider bool      `json:"allow_custom_provider" doc:"Set by the operator only"`
	AllowLinkMode       bool      `json:"allow_link_mode" doc:"Invitations that name the account they expect may connect it without a session of yours"`
	EraseAfterDays      int       `json:"erase_after_days" doc:"When a person takes your app out, what was read of their account is erased after so many days; 0: at once. Tokens are handed out no more from that moment in any case"`
	CreatedAt           time.Time `json:"created_at"`
	UpdatedAt           time.Time `json:"updated_at"`
}

// ProjectChange changes settings: PATCH /v1/project. What is absent stays; an
// empty list or string clears.
type ProjectChange struct {
	Name                *string   `json:"name,omitempty" minLength:"1" maxLength:"100"`
	DisplayName         *string   `json:"display_name,omitempty" maxLength:"100"`
	LogoURL             *string   `json:"logo_url,omitempty" maxLength:"2000"`
	ReturnURLs          *[]string `json:"return_urls,omitempty" maxItems:"100"`
	Origins             *[]string `json:"origins,omitempty" maxItems:"100"`
	PrivacyURL          *string   `json:"privacy_url,omitempty" maxLength:"2000"`
	TermsURL            *string   `json:"terms_url,omitempty" maxLength:"2000"`
	NotifyEmails        *[]string `json:"notify_emails,omitempty" maxItems:"20"`
	NotifyPerson        *bool     `json:"notify_person,omitempty"`
	Language            *string   `json:"language,omitempty" maxLength:"10" doc:"en, de, or empty"`
	TimeZone            *string   `json:"time_zone,omitempty" maxLength:"64"`
	AllowUnboundCodes   *bool     `json:"allow_unbound_codes,omitempty"`
	AllowCustomProvider *bool     `json:"allow_custom_provider,omitempty" doc:"Operator only"`
	AllowLinkMode       *bool     `json:"allow_link_mode,omitempty"`
	EraseAfterDays      *int      `json:"erase_after_days,omitempty" minimum:"0" maximum:"10" doc:"Zoom asks for ten days at most"`
}

// NewProject asks for a project: POST /v1/operator/projects.
type NewProject struct {
	Name string `json:"name" minLength:"1" maxLength:"100"`
}
