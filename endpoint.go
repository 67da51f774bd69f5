package lanyard

import (
	"slices"
	"time"
)

// EndpointFormat is how an endpoint is told: in our own shape, by Standard
// Webhooks, or in a vendor's, for customers whose receiver was written for it.
type EndpointFormat string

const (
	FormatStandard   EndpointFormat = "standard"
	FormatAttendee   EndpointFormat = "attendee"
	FormatMeetStream EndpointFormat = "meetstream"
)

// EndpointFormats lists every format.
var EndpointFormats = []EndpointFormat{FormatStandard, FormatAttendee, FormatMeetStream}

// EndpointState says whether events go to an endpoint.
type EndpointState string

const (
	EndpointEnabled  EndpointState = "enabled"
	EndpointDisabled EndpointState = "disabled"
)

// Endpoint is a URL of the customer's that is told of the project's events.
type Endpoint struct {
	ID           EndpointID
	Project      ProjectID
	Bot          BotID // of which alone it is told, and with which it goes; empty: of the whole project
	Name         string
	URL          string
	Format       EndpointFormat
	Types        []EventType // those it is told of, or "connection.*"; empty: all
	State        EndpointState
	Reason       Code   // why it is disabled, where it was not the customer's wish
	Secret       []byte // sealed: 32 bytes of HMAC key and 32 of ed25519 seed
	OldSecret    []byte // sealed: what a rotation replaced, which signs as well until OldUntil
	PublicKey    string // whpk_…: of the ed25519 key
	OldPublicKey string
	OldUntil     time.Time
	FailingSince time.Time // no try has worked since; zero: the last one did
	HoldUntil    time.Time // it has asked to be left alone until then
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Wants says whether an endpoint is told of events of this type.
func (e Endpoint) Wants(t EventType) bool {
	return len(e.Types) == 0 || slices.ContainsFunc(e.Types, func(f EventType) bool { return f.matches(t) })
}

// DeliveryState is what has become of a delivery.
type DeliveryState string

const (
	DeliveryPending   DeliveryState = "pending"   // to be tried at TryAt
	DeliveryDelivered DeliveryState = "delivered" // answered with 2xx
	DeliveryFailed    DeliveryState = "failed"    // given up after the last try
	DeliveryStopped   DeliveryState = "stopped"   // its endpoint was disabled first
)

// Delivery is one event on its way to one endpoint.
type Delivery struct {
	ID        DeliveryID
	Project   ProjectID
	Endpoint  EndpointID
	Event     EventID
	Type      EventType
	State     DeliveryState
	Tries     int64
	TryAt     time.Time // when it is tried next; while it is being sent, until when nobody else may; zero: it is over
	TriedAt   time.Time
	Status    int64  // of the last answer; 0: there was none
	Error     string // why there was none: "timeout", "refused_address", …
	Took      time.Duration
	Answer    []byte // sealed: how the last answer began
	CreatedAt time.Time
}
