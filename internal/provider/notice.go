package provider

import (
	"bytes"
	"time"

	"lanyard"
)

// Notice is what a provider says of one of its accounts without having been asked. Whoever reads one has verified first that
// the provider has signed it.
type Notice struct {
	Event        string       // the provider's name for it, [a-z0-9_.]{1,80}; "other" if it is none
	Effect       NoticeEffect // "": nothing follows from it
	Reason       lanyard.Code // why, for an effect
	Client       string       // the OAuth client it is about; "": it does not say
	Subject      string       // the account, as identity has it
	Organization string       //
	At           time.Time    // when it happened, by the provider's clock; zero: it does not say
	Challenge    string       // what is to be signed, to show that the address is ours; "": it is no such notice
	Meeting      MeetingNotice
}

// NoticeEffect is what a notice makes of the account's grant.
type NoticeEffect string

const (
	NoticeGone   NoticeEffect = "gone"   // the consent is over, for good: only another can follow
	NoticeBarred NoticeEffect = "barred" // the account cannot be used; the provider may take that back
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
	return id, t.complete(id)
}
