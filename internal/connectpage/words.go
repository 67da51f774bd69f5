package connectpage

import (
	"strconv"

	"lanyard"
	"lanyard/internal/page"
)

// words are all strings of the pages in one language, but for the sentences
// about most errors, which are rows of docs/errors.md. {name} is filled in. Whoever
// changes what a person agrees to raises wordsVersion.
type words struct {
	page.Words
	page.NoticeWords
	page.PermissionWords

	ConnectTitle, ConnectLead     string // {project} {provider}
	ReconnectTitle, ReconnectLead string
	SomeProject                   string // for a project without a name
	LastTry                       string
	AskedTitle, AskedNothing      string
	OptionalTitle, OptionalHint   string
	NotPossibleTitle              string
	TechnicalNames                string
	TakeAway, TakeAwayLink        string
	Continue, Cancel              string
	Privacy, Terms, NewTab        string
	Minutes, Hours, Days          string // {n}

	TryAgain, OpenLink                                  string
	HandOverTitle, HandOver, HandOverLink, HandOverOver string
	DoneTitle, DoneTitlePlain, Done                     string
	OverTitle, Over                                     string
	CancelledTitle, Cancelled                           string
	CrossSiteTitle, CrossSite                           string

	Plain map[lanyard.Code]plain
}

// plain says for a person what a row of docs/errors.md says for whoever runs or
// calls the server, who need other words: client ids, commands, the log.
type plain struct{ Happened, Do string }

// row returns the row in words for a person.
func (w words) row(r lanyard.Row) lanyard.Row {
	if p, ok := w.Plain[r.Code]; ok {
		r.Happened, r.Do = p.Happened, p.Do
	}
	return r
}

var english = words{
	Words: page.Words{Lang: "en", KeptBy: "Connection kept by Lanyard", NotRendered: "Something went wrong on our side. Please try again."},

	NoticeWords:     page.NoticeWords{WhatToDo: "What to do", CloseWindow: "Close this window", RequestID: "Request"},
	PermissionWords: page.PermissionWords{Sees: "Seeing", Changes: "Doing and changing", Sensitive: "Sensitive"},

	ConnectTitle:     "{project} would like to connect to your {provider} account",
	ConnectLead:      "You will sign in at {provider} and decide there. {project} never sees your password.",
	ReconnectTitle:   "Connect your {provider} account to {project} again",
	ReconnectLead:    "Please sign in with the same {provider} account as before. {project} never sees your password.",
	SomeProject:      "this application",
	LastTry:          "Last time this did not work",
	AskedTitle:       "{project} will be able to",
	AskedNothing:     "Nothing but know that the account is yours.",
	OptionalTitle:    "Only if you allow it as well",
	OptionalHint:     "It works without these.",
	NotPossibleTitle: "What will not be possible",
	TechnicalNames:   "The same in {provider}'s own terms",
	TakeAway:         "You can take this access away at any time, in your {provider} account or by asking {project}.",
	TakeAwayLink:     "{provider} settings",
	Continue:         "Continue to {provider}",
	Cancel:           "Cancel",
	Privacy:          "Privacy",
	Terms:            "Terms",
	NewTab:           "(opens in a new tab)",
	Minutes:          "This link works for another {n} min.",
	Hours:            "This link works for another {n} h.",
	Days:             "This link works for another {n} days.",

	TryAgain:       "Try again",
	OpenLink:       "Open the page",
	HandOverTitle:  "One moment",
	HandOver:       "We are taking you back to where you started.",
	HandOverLink:   "Go back now",
	HandOverOver:   "You can close this window now.",
	DoneTitle:      "Your {provider} account is connected",
	DoneTitlePlain: "Your account is connected",
	Done:           "All is well. You can close this page.",
	OverTitle:      "Nothing more to do here",
	Over:           "This page has done its work. You can close it.",
	CancelledTitle: "Nothing was connected",
	Cancelled:      "You cancelled. If that was a mistake, open the link again; you can close this page.",
	CrossSiteTitle: "Please press Continue yourself",
	CrossSite:      "Another website tried to press Continue for you, so we stopped. Open the page to see what you are asked for.",

	Plain: map[lanyard.Code]plain{
		lanyard.CodeInternal: {"Something went wrong on our side, not on yours.",
			"Try again. If it stays, tell whoever sent you the link the request number below."},
		lanyard.CodeStoreUnavailable: {"Something is out of order on our side at the moment.", "Try again in a moment."},
		lanyard.CodeInstanceNotAdopted: {"We are moving house, and do not talk to the provider until that is done. It has nothing to do with your account.",
			"Open the link again later. If it stays like this, tell whoever sent it to you."},
		lanyard.CodeNodeNameTaken: {"Something is set up wrongly on our side, so we do not talk to the provider. It has nothing to do with your account.",
			"Open the link again later. If it stays like this, tell whoever sent it to you."},
		lanyard.CodeAppNotReady: {"Whoever sent you this link has not finished setting it up.",
			"Tell them that it does not work yet. You do not have to do anything else."},
		lanyard.CodeAppMisconfigured: {"Something is set up wrongly between us and the provider. It has nothing to do with your account.",
			"You do not have to do anything. Tell whoever sent you the link, if you like."},
		lanyard.CodeCodeRejected: {"You allowed access, but the provider then did not confirm it to us.", "Open the link again and begin afresh."},
		lanyard.CodeProviderAnswerInvalid: {"The provider answered with something we cannot use.",
			"Try again. If it stays, tell whoever sent you the link the request number below."},
	},
}

// left says how long a link still works, in the largest unit that says something.
func (w words) left(minutes int) string {
	switch {
	case minutes >= 2*24*60:
		return page.Fill(w.Days, "{n}", strconv.Itoa(minutes/(24*60)))
	case minutes >= 2*60:
		return page.Fill(w.Hours, "{n}", strconv.Itoa(minutes/60))
	}
	return page.Fill(w.Minutes, "{n}", strconv.Itoa(minutes))
}
