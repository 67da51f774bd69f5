package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"lanyard/wire"
)

func TestAConsentCanBeRead(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	x := &wire.Consent{ID: "cns_1", State: "withdrawn", EndUserID: "ana-42", Shown: "page", ShownAt: &at, AskedAt: at, GrantedAt: at, EndedAt: &at,
		ScopesAsked: []string{"a", "b"}, ScopesGranted: []string{"a"}, ScopesMissing: []string{"b"}, IP: "203.0.113.7",
		Withdrawal: &wire.Withdrawal{By: "person", AtProvider: "not_supported", HTTPStatus: 503, TriedAgain: true, LivesUntil: &at},
		Text:       &wire.ConsentText{Version: "7", Language: "en", Hash: "abc", Lines: []string{"Acme will be able to", "Seeing: all of it"}}}
	var b bytes.Buffer
	showConsent(&b, x)
	for _, want := range []string{"ana-42", "our page, from which Continue was pressed", "2026-05-04 03:02:01Z", "203.0.113.7", "not supported (HTTP 503), is tried again",
		"withdrawn by:", "person", "(en, version 7, SHA-256 abc):\n\n  Acme will be able to\n  Seeing: all of it\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("got no %q in\n%s", want, b.String())
		}
	}
	for shown := range shownAs {
		b.Reset()
		showConsent(&b, &wire.Consent{ID: "cns_2", State: "given", Shown: shown})
		if out := b.String(); !strings.Contains(out, shownAs[shown]) || strings.Contains(out, "What was shown") || strings.Contains(out, "withdrawn") {
			t.Errorf("%s: got\n%s", shown, out)
		}
	}
}
