// Command bot is what a meeting bot does as it joins: it asks for its tokens at that moment,
// on behalf of the first of several people with whom it works, and prints what the Meeting
// SDK is given. Tokens are never asked for early, and never kept.
//
//	LANYARD_URL=http://localhost:8080 LANYARD_KEY=lyk_… go run ./examples/bot https://zoom.us/j/81234567890 con_… con_…
//
// The key needs the scope join:onbehalf and nothing else.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 3 {
		log.Fatal("usage: bot MEETING_URL CONNECTION…")
	}
	for _, connection := range os.Args[2:] {
		ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
		t, err := tokens(ctx, os.Args[1], connection)
		stop()
		var p *problem
		if errors.As(err, &p) && p.ReconnectURL != "" { // the bot tells the person, in their words
			log.Printf("%s: %s %s", connection, p.UserMessage, p.ReconnectURL)
			continue
		}
		if err != nil {
			log.Printf("%s: %v", connection, err)
			continue
		}
		for _, token := range t.Tokens {
			fmt.Fprintf(os.Stdout, "%s %s %s=%s\n", connection, t.MeetingNumber, token.Parameters["native"], token.Token)
		}
		return
	}
	log.Fatal("there is nobody on whose behalf the bot can join")
}

// joinTokens is what a bot joins with.
type joinTokens struct {
	MeetingNumber string `json:"meeting_number"`
	Passcode      string `json:"passcode"`
	Tokens        []struct {
		Token      string            `json:"token"`
		Parameters map[string]string `json:"parameters"` // what each SDK calls it
	} `json:"tokens"`
}

// problem is what an error of Lanyard's says (RFC 9457).
type problem struct {
	Code         string `json:"code"`
	Detail       string `json:"detail"`
	UserMessage  string `json:"user_message"`
	ReconnectURL string `json:"reconnect_url"`
}

func (p *problem) Error() string { return p.Code + ": " + p.Detail }

func tokens(ctx context.Context, meeting, connection string) (out joinTokens, err error) {
	body, err := json.Marshal(map[string]any{"meeting_url": meeting, "connection_id": connection, "types": []string{"onbehalf"}})
	if err != nil {
		return out, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("LANYARD_URL")+"/v1/join-tokens", bytes.NewReader(body))
	if err != nil {
		return out, err
	}
	r.Header.Set("Authorization", "Bearer "+os.Getenv("LANYARD_KEY"))
	r.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{}).Do(r)
	if err != nil {
		return out, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		p := &problem{}
		if err := json.NewDecoder(resp.Body).Decode(p); err != nil {
			return out, err
		}
		return out, p
	}
	return out, json.NewDecoder(resp.Body).Decode(&out)
}
