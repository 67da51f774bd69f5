package main

import (
	"strings"
	"testing"
	"time"

	"lanyard/wire"
)

// What was told is held against what happened: each way in which it can be wrong is
// found, and what is well is not called wrong.
func TestWhatWasToldIsCompared(t *testing.T) {
	events := []wire.Event{{ID: "evt_1", Type: "endpoint.test", At: time.Now()},
		{ID: "evt_2", Type: "connection.updated", ConnectionID: "con_1", Data: map[string]string{"status": "paused"}}}
	link := func(url string) string {
		return steady([]byte(`{"type":"connection.needs_reauth","timestamp":"2026-01-01T00:00:00Z","data":{"reason":"x","reconnect_url":"` + url + `"}}`))
	}
	for name, c := range map[string]struct {
		spoil func(b *inbox)
		want  string
	}{
		"all is well":            {func(*inbox) {}, ""},
		"the same again":         {func(b *inbox) { b.take("evt_1", "one") }, ""},
		"again with a new link":  {func(b *inbox) { b.letters["evt_1"].body = link("https://a"); b.take("evt_1", link("https://b")) }, ""},
		"one is lost":            {func(b *inbox) { delete(b.letters, "evt_2") }, "evt_2 (connection.updated"},
		"one has a new id":       {func(b *inbox) { b.take("evt_3", "two") }, "evt_3, which is no event"},
		"another body":           {func(b *inbox) { b.take("evt_1", "else") }, "two messages have the id evt_1"},
		"promised, and not kept": {func(b *inbox) { b.acked = append(b.acked, "evt_4") }, "answered with the event evt_4"},
		"a pause without event":  {func(b *inbox) { b.paused["con_1"]++ }, "paused 2 times, and there are 1"},
		"not by our key":         {func(b *inbox) { b.forged = []string{"evt_1"} }, "evt_1 is not signed"},
	} {
		b := &inbox{letters: map[string]*letter{}, acked: []string{"evt_1"}, paused: map[string]int{"con_1": 1}}
		b.take("evt_1", "one")
		b.take("evt_2", "two")
		c.spoil(b)
		got := b.compare(events).wrong
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
