package provider

import (
	"bytes"
	"regexp"
	"strings"
	"time"

	"lanyard"
)

// Notice is what a provider says of one of its accounts without having been asked. Whoever reads one has verified first that
// the provider has signed it.
type Notice struct {
	ID           string       // the provider's own, if what is signed has one: two with the same are one, whatever else differs
	Event        string       // the provider's name for it, [a-z0-9_.]{1,80}; "other" if it is none
	Effect       NoticeEffect // "": nothing follows from it
	Reason       lanyard.Code // why, where the effect ends or bars something
	Client       string       // the OAuth client it is about; "": it does not say
	Subject      string       // the account, as identity has it; "" with an organization: all its accounts
	Organization string       // "": it does not say
	At           time.Time    // when it happened, by the provider's clock; zero: it does not say
	Challenge    string       // what is to be signed, to show that the address is ours; "": it is no such notice
	Meeting      MeetingNotice
}

// NoticeEffect is what a notice makes of the account's grant.
type NoticeEffect string

const (
	NoticeGone   NoticeEffect = "gone"   // the consent is over, for good: only another can follow
	NoticeBarred NoticeEffect = "barred" // the account cannot be used; the provider may take that back
	// NoticeCheck is a hint that something has changed, for the better or for the worse: what we hold is tried now.
	NoticeCheck NoticeEffect = "check"
	NoticeAlert NoticeEffect = "alert" // nothing follows for what we hold, but the customer should know
	// NoticeMeeting is for who keeps whose meeting is which; a grant stays as it is.
	NoticeMeeting NoticeEffect = "meeting"
)

// ReadObject reads one JSON object, whole, with nothing behind it, no member twice, and at most 16 deep. The error is
// CodeInvalidJSON.
func ReadObject(raw []byte) (Fields, error) {
	if b := readBody(raw, false); bytes.HasPrefix(raw, []byte("{")) && b.whole && !b.odd {
		return b.Fields, nil
	}
	return nil, lanyard.Errorf(lanyard.CodeInvalidJSON, "")
}

// Account names an account by what a notice says of it, as Identify would. The error is CodeProviderAnswerInvalid.
func (t *Target) Account(n Notice) (Identity, error) {
	id := Identity{Issuer: t.namespace(), Subject: n.Subject, OrganizationID: cleanText(n.Organization)}
	if t.Issuer == "" && guid.MatchString(n.Organization) && strings.Contains(t.def.Endpoints.Issuer, "{tid}") {
		id.Issuer = strings.ReplaceAll(t.def.Endpoints.Issuer, "{tid}", n.Organization) // as in the ID token of its directory
	}
	if n.Subject == "" && id.OrganizationID != "" {
		return id, nil
	}
	return id, t.complete(id)
}

// NoticeName makes an event's name of a provider fit for logs and events: "other" for what is no name.
func NoticeName(name string) string {
	if name = strings.ToLower(strings.ReplaceAll(name, "-", "_")); eventName.MatchString(name) {
		return name
	}
	return "other"
}

var eventName = regexp.MustCompile(`^[a-z0-9_.]{1,80}$`)
