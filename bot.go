package lanyard

import (
	"slices"
	"time"
)

// BotState says where a bot is. docs/bots.md draws how it moves.
type BotState string

const (
	BotScheduled        BotState = "scheduled"          // its hour has not come
	BotReady            BotState = "ready"              // it may ask for its join tokens
	BotJoining          BotState = "joining"            // it has them
	BotWaitingForPerson BotState = "waiting_for_person" // nobody it may join on behalf of is in the meeting
	BotWaitingRoom      BotState = "waiting_room"       // the host has to let it in
	BotJoined           BotState = "joined"
	BotLeft             BotState = "left" // over: it was in, and is out
	BotFailed           BotState = "failed"
	BotCancelled        BotState = "cancelled"
)

// BotStates lists every state, in the order of a bot's life.
var BotStates = []BotState{BotScheduled, BotReady, BotJoining, BotWaitingForPerson, BotWaitingRoom, BotJoined, BotLeft, BotFailed, BotCancelled}

var botMoves = map[BotState][]BotState{
	BotScheduled:        {BotReady, BotFailed, BotCancelled},
	BotReady:            {BotJoining, BotWaitingForPerson, BotWaitingRoom, BotJoined, BotFailed, BotCancelled},
	BotJoining:          {BotReady, BotWaitingForPerson, BotWaitingRoom, BotJoined, BotFailed, BotCancelled}, // ready: its tokens did not do; it may ask for others
	BotWaitingForPerson: {BotReady, BotJoining, BotWaitingRoom, BotJoined, BotLeft, BotFailed, BotCancelled}, // ready: somebody has come, or may be tried again; left: it was in before
	BotWaitingRoom:      {BotWaitingForPerson, BotJoining, BotJoined, BotLeft, BotFailed, BotCancelled},
	BotJoined:           {BotWaitingForPerson, BotJoining, BotWaitingRoom, BotLeft, BotFailed}, // the person has left: the next one's tokens
	BotLeft:             {},
	BotFailed:           {},
	BotCancelled:        {},
}

// May says whether a bot moves from s to that state. What stays is no move.
func (s BotState) May(to BotState) bool { return slices.Contains(botMoves[s], to) }

// May says whether a bot moves to a state now: one that waits has left only if it was in before.
func (b Bot) May(to BotState) bool {
	return b.State.May(to) && (to != BotLeft || b.State != BotWaitingForPerson || !b.JoinedAt.IsZero())
}

// Vendor says whether a bot vendor runs it: then it asks by itself, and is asked how it is.
func (b Bot) Vendor() bool { return b.Runner != "" && b.Kind != RunnerWebhook }

// Over says whether a bot is done for good.
func (s BotState) Over() bool { return len(botMoves[s]) == 0 }

// Inside says whether a bot is in the meeting, or at its door.
func (s BotState) Inside() bool { return s == BotJoined || s == BotWaitingRoom }

// Event is what customers are told when a bot comes to be in the state.
func (s BotState) Event() EventType { return EventType("bot." + s) }

// Try returns how the last try on behalf of a connection went.
func (b Bot) Try(id ConnectionID) (BotTry, bool) {
	i := slices.IndexFunc(b.Tries, func(t BotTry) bool { return t.Connection == id })
	if i < 0 {
		return BotTry{}, false
	}
	return b.Tries[i], true
}

// Tried notes how a try went.
func (b *Bot) Tried(t BotTry) {
	others := slices.DeleteFunc(slices.Clone(b.Tries), func(o BotTry) bool { return o.Connection == t.Connection })
	b.Tries = append(others, t)
}

// Bot is a bot that is to join one meeting.
type Bot struct {
	ID         BotID
	Project    ProjectID
	Provider   string      // whose meeting it is; empty: one that takes no join tokens of ours, such as Google Meet
	Meeting    []byte      // keyed hash of the meeting's number at its provider, whichever app's; nil without Provider
	Sealed     []byte      // BotData, under the project's key
	Dialect    Dialect     // in whose words it was asked for
	Runner     RunnerID    // who runs it; empty: the caller does, and asks for its join tokens
	Kind       RunnerKind  // of Runner
	Ref        string      // what the runner calls it; empty: it has not said
	Candidates []Candidate // on whose behalf it may join, in order
	Allow      BotAllow
	Metadata   map[string]string
	DedupKey   string // one bot at a time of a project has it
	State      BotState
	Reason     Code         // why it failed
	Used       ConnectionID // on whose behalf it was given tokens last
	Turn       int64        // counts hand-outs: with each the next candidate comes first
	Tries      []BotTry     // the last with each candidate
	JoinAt     time.Time
	Patience   time.Duration // for how long it waits for a person
	GiveUpAt   time.Time     // until then, this time; zero: its hour has not come, or it is in
	ToldAt     time.Time     // the runner was told that it may join, the last time; zero: not since it may
	Starts     int64         // how often its vendor was asked for it again, because its person had left
	OutAt      time.Time     // the vendor's bot is out since; zero: it is not known to be
	LeaveAt    time.Time     // it was told to leave, or called off; zero: not
	AskedAt    time.Time     // its vendor is asked for it since; zero: what came of it is known
	Stop       BotStop       // its vendor is being asked to let it go
	JoinedAt   time.Time     // it was in for the first time; zero: never
	NextAt     time.Time     // when there is something to do; zero: nothing
	LeaseUntil time.Time     // somebody does it until then
	CreatedAt  time.Time
	UpdatedAt  time.Time
	EndedAt    time.Time
}

// BotStop is what becomes of a bot when its vendor has let it go.
type BotStop string

const (
	StopNone   BotStop = ""
	StopCancel BotStop = "cancel"
	StopLeave  BotStop = "leave"
	StopDelete BotStop = "delete"
)

// BotAllow is what a bot may use, whatever the key may that asks for it.
type BotAllow struct {
	Types     []string    `json:"types,omitempty"`     // of join tokens: onbehalf, zak, local_recording
	Scopes    []string    `json:"scopes,omitempty"`    // an access token must have no other; empty: it gets none
	Proxy     []ProxyRule `json:"proxy,omitempty"`     // calls through the proxy; empty: none
	Providers []string    `json:"providers,omitempty"` // connections at these only, as the key that made it; empty: all
	Labels    []string    `json:"labels,omitempty"`    // with these labels only, likewise
}

// BotTry is how the last try on behalf of one connection went.
type BotTry struct {
	Connection ConnectionID `json:"connection_id"`
	At         time.Time    `json:"at"`
	Code       Code         `json:"code,omitempty"`   // why not; empty: tokens were handed out
	Absent     bool         `json:"absent,omitempty"` // the person was not in the meeting
	Seen       bool         `json:"seen,omitempty"`   // though notices had said so
}

// BotFilter narrows a list of bots; empty fields do not.
type BotFilter struct {
	States   []BotState
	Metadata map[string]string // each of these members has this value
	DedupKey string
	Dialect  Dialect
	Provider string
	From, To time.Time // of JoinAt: from the one, before the other
}

// BotData is what is sealed of a bot: a link may hold a passcode.
type BotData struct {
	Name       string            `json:"name,omitempty"` // as it is shown in the meeting
	MeetingURL string            `json:"meeting_url"`
	Number     string            `json:"number,omitempty"`
	Passcode   string            `json:"passcode,omitempty"`
	TK         string            `json:"tk,omitempty"`         // registrant token
	Request    []byte            `json:"request,omitempty"`    // as it came, where a vendor's words were used
	TokenURLs  map[string]string `json:"token_urls,omitempty"` // by type; what the runner was given, where it is told later or again
}

// MostBotSteps is how many lines of a time line are shown.
const MostBotSteps = 200

// BotStep is a line of a bot's time line.
type BotStep struct {
	ID         EntryID
	Project    ProjectID
	Bot        BotID
	At         time.Time
	State      BotState     // it is in since
	Connection ConnectionID // on whose behalf
	Code       Code         // why
	SDK        string       // what the Meeting SDK said: "4017"
	By         string       // who said so: "caller", "runner", "lanyard"
}
