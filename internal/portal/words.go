package portal

import (
	"lanyard"
	"lanyard/internal/page"
)

// words are all strings of the portal in one language, but for the sentences about
// most errors, which are rows of docs/errors.md. {name} is filled in.
type words struct {
	page.Words
	page.NoticeWords
	page.PermissionWords

	SomeProject, SomeAccount string // without a name
	Unnamed                  string // {scope}: not in the catalogue

	OpenTitle, OpenLead, OpenHint, Open, OpenLink string // {project}
	LeftTitle, Left, Leave, BackToProject         string // {project}
	BackToList                                    string
	CrossSiteTitle, CrossSite                     string

	ListTitle, ListLead, ListLeadNamed string // {project} {name}
	EmptyTitle, Empty                  string // {project}
	Zone                               string // {zone}
	Since, LastUse, NeverUsed, Label   string
	MayTitle, LackTitle, LackHint      string // {project}
	MayNothing, HadTitle               string
	Joins                              string
	JoinKinds                          map[string]joinWords
	CannotTitle, Details               string // {project} {provider}
	Check, Reconnect, Disconnect       string
	Status                             map[lanyard.Status]statusWords
	Reasons                            map[lanyard.Code]string // {project} {provider}
	OtherReason                        string

	CheckedGood, CheckedBad, CheckedUnknown string // {provider}
	CheckedTooOften                         string
	ConnectedAgain, NotConnectedAgain       string // {provider}

	ConfirmTitle, ConfirmLead, WillHappen                                            string // {project} {provider} {account}
	WillStop, WillStopBots, WillRevoke, WillNotRevoke, WillStay                      string
	WillDelete, WillShare                                                            string
	DoDisconnect, Keep                                                               string
	GoneTitle, GoneLead, AtProvider                                                  string
	Revoked, AlreadyGone, NotSupported, Failed, FailedAgain                          string
	StillWorks, Nothing, AccessUntil, AccessEndless, RefreshDeleted, RefreshLent     string // {time}
	SharedStays, CheckThere, CheckThereLink, CheckThereText, NewTab, NotCheckedThere string

	JustNow, Today, Yesterday, On string // {time} {date}
	Months                        [12]string

	Plain map[lanyard.Code]plain
}

// statusWords say what a connection is worth, and what the person can do.
type statusWords struct {
	Icon, Title, Text string // {project} {provider} {reason}
}

// joinWords say what one kind of join token is for, and that it is not possible.
type joinWords struct{ May, MayNot string }

// plain says for a person what a row of docs/errors.md says for whoever runs or
// calls the server.
type plain struct{ Title, Happened, Do string }

// row returns the row in words for a person.
func (w words) row(r lanyard.Row) lanyard.Row {
	p := w.Plain[r.Code]
	if p == (plain{}) && !r.Person {
		p = w.Plain[lanyard.CodeInternal]
	}
	if p != (plain{}) {
		r.Happened, r.Do = p.Happened, p.Do
		if p.Title != "" {
			r.Title = p.Title
		}
	}
	return r
}
