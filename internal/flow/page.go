package flow

import (
	"context"
	"net/url"
	"time"

	"lanyard"
)

// Invitation is what the connect page shows: who asks, for what, and what will
// not be possible. All text is plain; the page escapes it.
type Invitation struct {
	Link         string // the last segment of /connect/{link}
	Reconnect    bool   // an account that was connected before
	ProjectName  string // operator-verified (T08)
	LogoURL      string
	PrivacyURL   string
	TermsURL     string
	Provider     string // catalogue id, "zoom"
	ProviderName string // "Zoom"
	Asked        []Permission
	Optional     []Permission
	NotPossible  []string // sentences: what is not asked for, so cannot be done
	ManageURL    string   // where the person can take access away at the provider
	ExpiresAt    time.Time
	CancelURL    string       // where Cancel goes: the return URL with lanyard_error=consent_denied; empty: a page of ours
	Popup        bool         // opened by a page of the customer's
	LastError    lanyard.Code // how the last try ended, if it did not work
}

// Permission is one scope in plain words.
type Permission struct {
	Scope     string // the provider's spelling, for those who want to know
	Say       string // "See your Zoom name, e-mail address and personal meeting ID"
	Sensitive bool
	Writes    bool
}

// Shown is what the page of an invitation says, and the mark of the page that the
// person pressed Continue on; "" if it brought none.
type Shown struct {
	Text lanyard.ConsentText
	Mark string
}

// Departure is where Continue sends the browser, and the cookie that ties the
// attempt to it.
type Departure struct {
	URL         string // the provider's authorization endpoint with everything in it
	CookieName  string // without the __Host- or lanyard_ prefix, such as "flow_k3v9…"
	CookieValue lanyard.Secret
	CookieAge   time.Duration
}

// Arrival is what the callback answers with: back to the customer's page.
type Arrival struct {
	RedirectURL  string            // return URL with lanyard_completion or lanyard_error; empty: show Done
	Origin       string            // exact target origin for postMessage, when opened as a pop-up
	Message      map[string]string // the same values, for postMessage and BroadcastChannel: lanyard_completion | lanyard_error, session
	Done         bool              // nothing to return to: say that all is well
	ProviderName string
	ClearCookie  string // name of the flow cookie to delete
}

// CallbackRequest is what the provider's redirect brought, as it came: hostile text.
type CallbackRequest struct {
	App       lanyard.AppID
	Params    url.Values
	Cookie    func(name string) string // value of the cookie with this name, "" if there is none
	Origin    lanyard.Origin
	RequestID string
}

// Pages is what package connectpage needs of the service.
type Pages interface {
	// Open reads an invitation by its link and changes nothing.
	// Errors: link_unknown, link_expired, link_used.
	Open(ctx context.Context, link string) (Invitation, error)
	// Mark stands for a text that is shown on an invitation's page now. The page gives
	// it to Continue.
	Mark(link string, text lanyard.ConsentText) string
	// Continue begins one trip to the provider. Errors: page_changed, where the page
	// that the person has read said something else, or it asked for something else.
	Continue(ctx context.Context, link string, shown Shown, from lanyard.Origin, requestID string) (Departure, error)
	// Callback takes the provider's answer. An error is shown as a page; if
	// the customer has a page to return to, it is an Arrival with lanyard_error instead.
	Callback(ctx context.Context, r CallbackRequest) (Arrival, error)
	// Hold keeps the parameters of a callback by POST for a minute, sealed, and returns
	// the handle for the GET that follows: ?lanyard_handle=…
	Hold(ctx context.Context, app lanyard.AppID, params url.Values) (handle string, err error)
}
