package lanyardtest_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lanyard/internal/sandbox"
)

// notice PROVIDER APP EVENT PERSON [as=HOW] [secret=SECRET] [door=APP] has the
// provider send a notice, as it does or as somebody does who is not the provider, to
// the app's door or another's; the answer is the last answer. PERSON is - where it is
// about nobody. It waits until the node has acted on all that waits.
func cmdNotice(p *play, ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 4 {
		ts.Fatalf("usage: notice PROVIDER APP EVENT PERSON [as=HOW] [secret=SECRET] [door=APP]")
	}
	o := pairs(ts, args[4:])
	provider, app := args[0], args[1]
	at := p.w.URL + "/hooks/" + provider + "/" + or(o["door"], app)
	change, err := json.Marshal(map[string]string{"webhook_url": at, "webhook_secret": o["secret"]})
	ts.Check(err)
	client := "client_" + app[4:]
	_, err = p.w.Sandbox.PatchClient(provider, client, change)
	ts.Check(err)
	began := time.Now()
	answers, err := p.w.Sandbox.SendNotice(sandbox.Notice{Provider: provider, Client: client, Event: args[2], Person: strings.Trim(args[3], "-"), As: o["as"]})
	ts.Check(err)
	last := answers[len(answers)-1]
	p.note(answer{url: at, status: last.Status, header: http.Header{}, body: last.Answer, took: time.Since(began)})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		files, err := os.ReadDir(p.w.DataDir + "/notices")
		ts.Check(err)
		if len(files) == 0 {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%d notices wait", len(files))
		}
	}
}
