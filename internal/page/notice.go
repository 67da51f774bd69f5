package page

// Notice is a page with one thing to say.
type Notice struct {
	Say        NoticeWords
	Icon       string // "check", "info", "wait" or "stop"
	Heading    string
	Happened   string
	Do         string
	Retry      string // where the button leads
	RetryLabel string
	Close      bool // offer to close the window, where that is possible
	RequestID  string
}

// NoticeWords are what every Notice says in one language.
type NoticeWords struct{ WhatToDo, CloseWindow, RequestID string }

// Permission is one thing that is allowed, in plain words.
type Permission struct {
	Say       string
	Sensitive bool
	Writes    bool
}

// PermissionWords are what goes with every list of permissions, in one language.
type PermissionWords struct{ Sees, Changes, Sensitive string }
