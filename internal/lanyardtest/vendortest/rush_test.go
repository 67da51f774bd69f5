package vendortest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
)

// The full hour: two hundred bots of one company join within a minute, four on behalf of
// each of fifty-one, whose access tokens have all expired. Every other one asks a token URL,
// as a vendor's does; the rest are made in the rush itself (POST /v1/bots) and ask with keys
// of their own, some of them before they may. The sandbox refuses some with 429, in both of
// the shapes that Zoom has for Retry-After. Each grant is renewed once, whoever is first; in
// no second does the company's account get more calls than the rate, by either way; every
// bot has its token in the end, by waiting as long as it is told, and not before its time;
// and each of them is let in with it.
//
// The rate is four times the usual one, and so is everything else: what takes a minute at
// 10 a second takes a quarter of one here.
func TestTwoHundredBotsJoinInAMinute(t *testing.T) {
	const apps, bots, rate = 17, 200, 40
	company := []string{"ana", "ben", "dana"} // of one Zoom account
	const people = apps * 3                   // an account at Zoom that has allowed another app is another grant
	w := &urlWorld{World: lanyardtest.New(t, func(s *server.Settings) { s.JoinTokenRate = rate })}
	m, err := w.Sandbox.CreateMeeting("ana", "All hands", "")
	if err != nil {
		t.Fatal(err)
	}
	w.number = m.Number
	var connected []lanyardtest.JSON
	var urls []string
	for i := range apps {
		app := w.Zoom()
		for _, who := range company {
			c := w.Connect(app, fmt.Sprintf("%s-%d", who, i), who)
			connected = append(connected, c)
			urls = append(urls, w.make(map[string]any{"types": []string{"onbehalf"}, "candidates": of(c)}))
		}
	}
	for _, who := range company {
		w.present(who, true)
	}
	w.Expire(-10)
	for _, after := range []string{"1", time.Now().Add(3 * time.Second).UTC().Format("2006-01-02T15:04:05Z")} {
		if _, err := w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "api"}, Action: "status", Status: 429, Times: 3,
			Headers: map[string]string{"Retry-After": after}}); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	tokens, not, notBefore := make([]string, bots), make([]string, bots), make([]time.Time, bots)
	var wg sync.WaitGroup
	for i := range bots {
		wg.Go(func() {
			time.Sleep(time.Duration(i) * 15 * time.Second / 4 / bots) // the first quarter of the time, as people are
			if i%2 == 0 {
				tokens[i] = patiently(t, http.MethodGet, with(urls[i%people], "meeting_number", m.Number), "")
				not[i] = w.join(map[string]any{"onbehalf_token": tokens[i]})
				return
			}
			at := time.Now()
			if i%8 == 1 { // so far ahead that it asks too early
				at = at.Add(2*time.Minute + 1500*time.Millisecond)
			}
			notBefore[i] = at.Add(-2 * time.Minute)
			tokens[i], not[i] = w.rushed(at, of(connected[i%people], connected[(i+1)%people]))
		})
	}
	wg.Wait()
	took := time.Since(began)

	families := map[string]int{}
	for _, e := range w.Sandbox.Ledger(sandbox.Query{Provider: sandbox.Zoom, Kind: "refresh", Event: "used"}) {
		families[e.Family]++
	}
	for family, n := range families {
		if n != 1 {
			t.Errorf("a grant (%s) was renewed %d times, want once", family, n)
		}
	}
	if len(families) != people {
		t.Errorf("%d grants were renewed, want %d", len(families), people)
	}
	var calls []time.Time
	minted := map[string]time.Time{}
	refused := w.Sandbox.Ledger(sandbox.Query{Event: "fault"})
	for _, e := range append(w.Sandbox.Ledger(sandbox.Query{Provider: sandbox.Zoom, Kind: "onbehalf", Event: "issued"}), refused...) {
		calls = append(calls, e.Time)
		minted[e.Fingerprint] = e.Time
	}
	if got := most(calls, time.Second); got > rate || len(refused) != 6 || len(calls) != bots+6 {
		t.Errorf("%d calls, %d of them refused, at most %d in a second, want %d, 6 and at most %d", len(calls), len(refused), got, bots+6, rate)
	}
	for i, token := range tokens {
		switch at, ok := minted[sandbox.Fingerprint(token)]; {
		case !ok || not[i] != "":
			t.Errorf("bot %d has a token: %v; at the door: %q", i, ok, not[i])
		case at.Before(notBefore[i]):
			t.Errorf("bot %d had its token %s before it might", i, notBefore[i].Sub(at))
		}
	}
	in := len(w.Sandbox.Ledger(sandbox.Query{Event: "joined", Kind: "bot"}))
	if in != bots || took > time.Minute { // a quarter of one where nothing is refused; each refusal halves the rate
		t.Errorf("%d of %d bots are in, after %s, want all within a minute", in, bots, took)
	}
	if n := len(w.OK("GET", "/v1/bots?state=joined&limit=200", nil).List("data")); n != bots/2 {
		t.Errorf("%d bots are said to be in, want the %d that were made", n, bots/2)
	}
	t.Logf("%d tokens of %d grants in %s, at most %d in a second", bots, len(families), took, most(calls, time.Second))
}

// rushed makes a bot, which asks for its token with a key of its own, joins with it at once
// and says so. It returns the token, and what the meeting says if it does not let it in.
func (w *urlWorld) rushed(at time.Time, who []map[string]any) (token, not string) {
	t := w.T
	status, made := w.Call(w.Key, "POST", "/v1/bots", map[string]any{"meeting_url": w.link(), "join_at": at.UTC().Format(time.RFC3339Nano), "runner": "none", "key": true, "candidates": who})
	if status != http.StatusCreated {
		t.Errorf("make a bot: got %d %v", status, made)
		return "", "not made"
	}
	of, key := w.URL+"/v1/bots/"+made.Str("id"), made.Str("credential")
	var got lanyardtest.JSON
	if raw := patiently(t, http.MethodPost, of+"/join-tokens", key); json.Unmarshal([]byte(raw), &got) != nil || len(got.List("tokens")) != 1 {
		t.Errorf("got %q, want one token", raw)
		return "", "no token"
	}
	token = got.List("tokens")[0].Str("token")
	if not = w.join(map[string]any{"onbehalf_token": token}); not == "" {
		if status, got := w.Call(key, "POST", "/v1/bots/"+made.Str("id")+"/report", map[string]any{"state": "joined"}); status != http.StatusOK {
			t.Errorf("report: got %d %v", status, got)
		}
	}
	return token, not
}

// patiently asks, with a key if there is one, until there is a token, and waits as long as
// it is told. It returns the whole answer.
func patiently(t testing.TB, method, address, key string) string {
	for range 20 {
		body := ""
		if key != "" {
			body = "{}"
		}
		r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return ""
		}
		if key != "" {
			r.Header.Set("Authorization", "Bearer "+key)
			r.Header.Set("Content-Type", "application/json")
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Error(err)
			return ""
		}
		raw, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return string(raw)
		}
		wait, err := strconv.Atoi(resp.Header.Get("Retry-After"))
		early := key != "" && resp.StatusCode == http.StatusConflict && strings.Contains(string(raw), `"bot_too_early"`)
		if resp.StatusCode != http.StatusTooManyRequests && !early || err != nil {
			t.Errorf("got %d %q, want a token, or when to come again", resp.StatusCode, raw)
			return ""
		}
		time.Sleep(time.Duration(wait) * time.Second)
	}
	t.Error("a bot has asked twenty times")
	return ""
}

// most is the largest number of moments in any window of this length.
func most(times []time.Time, window time.Duration) (most int) {
	slices.SortFunc(times, time.Time.Compare)
	from := 0
	for i, at := range times {
		for !times[from].Add(window).After(at) {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// The secret of a URL is shown once: it is in no log, at the most talkative level, in no
// answer and in no row; and neither are the vendor's secret and the tokens.
func TestASecretOfATokenURLIsNowhere(t *testing.T) {
	w := newURLWorld(t)
	made := w.OK("POST", "/v1/token-urls", map[string]any{"contract": "meetstream", "types": []string{"onbehalf"}, "candidates": of(w.ana),
		"signing_secret": "MARK-webhook-secret", "meetings": []string{w.number}})
	secret := made.Str("url")[len(w.URL+"/t/"):]
	header := map[string]string{"X-Webhook-Secret": "MARK-webhook-secret"}
	token := call(t, "GET", made.Str("url"), "", header)
	answers := []string{token.body[:8]}
	for _, method := range []string{"GET", "HEAD", "POST", "TRACE"} {
		for _, address := range []string{made.Str("url"), made.Str("url") + "x", w.URL + "//t/" + secret, w.URL + "/t/" + secret + "/..", w.URL + "/v1/token-urls/" + secret} {
			r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := (&http.Transport{}).RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			answers = append(answers, string(raw))
		}
	}
	w.OK("DELETE", "/v1/token-urls/"+made.Str("id"), nil)
	answers = append(answers, call(t, "GET", made.Str("url"), "", header).body,
		fmt.Sprint(w.OK("GET", "/v1/token-urls", nil), w.OK("GET", "/v1/audit/entries?limit=200", nil)))
	for name, mark := range map[string]string{"the URL's secret": secret, "the vendor's secret": "MARK-webhook-secret", "the token": token.body} {
		if table := w.Find(mark); table != "" || strings.Contains(w.Log.String(), mark) || strings.Contains(strings.Join(answers, " "), mark) {
			t.Errorf("%s: found (table %q)", name, table)
		}
	}
	if !strings.Contains(w.Log.String(), `"route":"/t/{secret}"`) {
		t.Error("the access log does not have the calls")
	}
}
