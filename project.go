package lanyard

import (
	"net/url"
	"slices"
	"time"
)

// Project is the isolation boundary: one customer, or dev and prod of one.
type Project struct {
	ID        ProjectID
	Name      string
	Settings  ProjectSettings
	CreatedAt time.Time
	UpdatedAt time.Time
}

// ProjectSettings is what the project's admin can change. ReturnURLs and
// Origins are compared exactly, character by character (RFC 9700 §2.1).
type ProjectSettings struct {
	DisplayName   string   `json:"display_name,omitempty"` // what the connect page calls the project
	LogoURL       string   `json:"logo_url,omitempty"`
	ReturnURLs    []string `json:"return_urls,omitempty"`
	Origins       []string `json:"origins,omitempty"`
	PrivacyURL    string   `json:"privacy_url,omitempty"`
	TermsURL      string   `json:"terms_url,omitempty"`
	NotifyEmails  []string `json:"notify_emails,omitempty"`
	NotifyPerson  bool     `json:"notify_person,omitempty"` // the end user is told by e-mail, too
	Language      string   `json:"language,omitempty"`      // of e-mails; empty: English
	TimeZone      string   `json:"time_zone,omitempty"`
	UnboundCodes  bool     `json:"allow_unbound_codes,omitempty"`   // vendors' wire formats
	CustomAllowed bool     `json:"allow_custom_provider,omitempty"` // set by the operator only (T08)
	EraseAfter    int      `json:"erase_after_days,omitempty"`      // what was read of an account, once its consent has ended; 0: at once
	LinkMode      bool     `json:"allow_link_mode,omitempty"`       // invitations that name the expected account need no session of the customer's (T01)
}

// AllowsReturn says whether u is one of the project's return URLs, exactly.
func (p Project) AllowsReturn(u string) bool { return slices.Contains(p.Settings.ReturnURLs, u) }

// AllowsOrigin says whether o, such as "https://app.example.com", is one of the
// project's origins, exactly.
func (p Project) AllowsOrigin(o string) bool { return slices.Contains(p.Settings.Origins, o) }

// ValidURL returns an error unless s is an absolute http or https URL without
// fragment or user; http only where the host is loopback.
func ValidURL(field, s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Opaque != "":
		return Errorf(CodeInvalidRequest, "%s: not an absolute URL without fragment", field)
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && Loopback(u.Hostname()):
		return nil
	}
	return Errorf(CodeInvalidRequest, "%s: must be https (http is for localhost and 127.0.0.1 only)", field)
}

// Loopback says whether a host name means this machine.
func Loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }
