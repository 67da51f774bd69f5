package wire

import "time"

// Bot is a bot that is to join one meeting.
type Bot struct {
	ID         string            `json:"id"`
	State      string            `json:"state" enum:"scheduled,ready,joining,waiting_for_person,waiting_room,joined,left,failed,cancelled"`
	Reason     string            `json:"reason,omitempty" doc:"Why it failed: a code of docs/errors.md"`
	Message    string            `json:"message,omitempty" doc:"The same in a sentence, with the next step"`
	Provider   string            `json:"provider,omitempty" doc:"Whose meeting it is; absent: one that takes no join tokens"`
	MeetingURL string            `json:"meeting_url"`
	Name       string            `json:"name,omitempty"`
	JoinAt     time.Time         `json:"join_at"`
	GiveUpAt   *time.Time        `json:"give_up_at,omitempty" doc:"It waits for a person until then"`
	Runner     string            `json:"runner,omitempty" doc:"Who runs it: the id of a runner; absent: you do"`
	RunnerRef  string            `json:"runner_ref,omitempty" doc:"What the runner calls it"`
	Dialect    string            `json:"dialect,omitempty" doc:"In which vendor's words it was asked for"`
	Candidates []BotCandidate    `json:"candidates" doc:"On whose behalf it may join, in order"`
	Allow      BotAllow          `json:"allow"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	DedupKey   string            `json:"deduplication_key,omitempty"`
	Used       string            `json:"used_connection_id,omitempty" doc:"On whose behalf it was given tokens last"`
	Tries      []BotTry          `json:"tries,omitempty" doc:"The last on behalf of each, the latest last"`
	Steps      []BotStep         `json:"timeline,omitempty" doc:"Its latest 200 steps, oldest first; of one bot alone, not in lists"`
	CreatedAt  time.Time         `json:"created_at"`
	UpdatedAt  time.Time         `json:"updated_at"`
	EndedAt    *time.Time        `json:"ended_at,omitempty"`
}

// BotCandidate is somebody on whose behalf a bot may join.
type BotCandidate struct {
	ConnectionID string `json:"connection_id,omitempty"`
	PersonID     string `json:"person_id,omitempty" doc:"Each of their connections"`
	Label        string `json:"label,omitempty" doc:"Each connection that has it"`
	Host         bool   `json:"host,omitempty" doc:"Whoever hosts the meeting"`
}

// BotAllow is what a bot may use, whatever the key may that asks for it.
type BotAllow struct {
	Types  []string    `json:"types,omitempty" maxItems:"3" doc:"Of join tokens: onbehalf, zak, local_recording. Absent: onbehalf"`
	Scopes []string    `json:"scopes,omitempty" maxItems:"100" doc:"The bot's own key may read an access token that carries no other; absent: none. The key that makes the bot needs the scope token"`
	Proxy  []ProxyRule `json:"proxy,omitempty" maxItems:"50" doc:"Calls through the proxy; absent: none"`
}

// BotTry is how the last try on behalf of one connection went.
type BotTry struct {
	ConnectionID string    `json:"connection_id"`
	At           time.Time `json:"at"`
	Code         string    `json:"code,omitempty" doc:"Why not; absent: tokens were handed out"`
	Message      string    `json:"message,omitempty" doc:"The same in a sentence, with the next step"`
}

// BotStep is a line of a bot's time line.
type BotStep struct {
	At           time.Time `json:"at"`
	State        string    `json:"state"`
	ConnectionID string    `json:"connection_id,omitempty" doc:"On whose behalf"`
	Code         string    `json:"code,omitempty" doc:"Why"`
	SDK          string    `json:"sdk_code,omitempty" doc:"What the Meeting SDK said"`
	Explained    string    `json:"explained,omitempty" doc:"What that means, and the next step"`
	By           string    `json:"by" doc:"Who said so: caller, runner, lanyard"`
}

// NewBot asks for a bot: POST /v1/bots.
type NewBot struct {
	MeetingURL  string            `json:"meeting_url" minLength:"1" maxLength:"4096" doc:"Any shape of link"`
	Name        string            `json:"name,omitempty" maxLength:"200" doc:"As it is shown in the meeting"`
	JoinAt      *time.Time        `json:"join_at,omitempty" doc:"Absent: now"`
	Candidates  []Candidate       `json:"candidates,omitempty" maxItems:"20" doc:"On whose behalf, in order; absent: it gets no join tokens"`
	Allow       BotAllow          `json:"allow,omitzero"`
	Runner      string            `json:"runner,omitempty" maxLength:"64" doc:"Who runs it: the id of a runner, its kind, or none: then whoever does asks for its join tokens; absent: the default, or none"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	DedupKey    string            `json:"deduplication_key,omitempty" maxLength:"255" doc:"One bot at a time has it"`
	GiveUpAfter int               `json:"give_up_after_seconds,omitempty" minimum:"0" maximum:"86400" doc:"How long it waits for a person; absent: 600"`
	Trial       bool              `json:"trial,omitempty" doc:"For the preflight in the answer, ask the provider for the tokens, and throw them away"`
	Key         bool              `json:"key,omitempty" doc:"Make it a key of its own, good for its join tokens, its reports, reading it and what allow has, until it is over"`
}

// MadeBot is the answer to NewBot.
type MadeBot struct {
	Bot
	Preflight  *Preflight `json:"preflight,omitempty" doc:"How it looks for the bot, now or at its hour. It was made all the same"`
	Credential string     `json:"credential,omitempty" doc:"The bot's own key, where one was asked for. It is shown once and cannot be read again"`
}

// BotChange changes a bot: PATCH /v1/bots/{id}. What is absent stays.
type BotChange struct {
	JoinAt     *time.Time        `json:"join_at,omitempty"`
	MeetingURL *string           `json:"meeting_url,omitempty" maxLength:"4096"`
	Name       *string           `json:"name,omitempty" maxLength:"200"`
	Metadata   map[string]string `json:"metadata,omitempty" doc:"All of it anew"`
}

// BotJoin asks for what a bot joins with: POST /v1/bots/{id}/join-tokens.
type BotJoin struct {
	Types []string `json:"types,omitempty" maxItems:"3" doc:"Absent: all that the bot may have and the key has the scope for"`
}

// BotTokens is what a bot joins with now. Nothing of it is stored.
type BotTokens struct {
	JoinTokens
	ConnectionID string `json:"connection_id" doc:"On whose behalf"`
}

// BotReport says what came of it: POST /v1/bots/{id}/report.
type BotReport struct {
	State        string `json:"state,omitempty" enum:"joining,waiting_for_person,waiting_room,joined,left,failed" doc:"Absent: what follows from the code"`
	Code         string `json:"code,omitempty" maxLength:"100" doc:"What the Meeting SDK said: 4017, or its name for it"`
	SDK          string `json:"sdk,omitempty" maxLength:"20" doc:"Which SDK: web, native, native_end"`
	ConnectionID string `json:"connection_id,omitempty" maxLength:"64" doc:"On whose behalf it tried; absent: on whose it was given tokens last"`
}
