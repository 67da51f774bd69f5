package vault

import (
	"context"
	"errors"
	"time"

	"lanyard"
)

var errPending = errors.New("not written yet")

// Vault seals and opens.
type Vault struct{}

// Open unseals root and lookup; it makes them where keysets holds nothing.
func Open(ctx context.Context, cfg Config) (*Vault, error) { return nil, errPending }

// Close forgets all keys.
func (v *Vault) Close() {}

func (v *Vault) Seal(ctx context.Context, key Key, at Place, s lanyard.Secret) ([]byte, error) {
	return nil, errPending
}

func (v *Vault) Open(ctx context.Context, key Key, at Place, sealed []byte) (lanyard.Secret, error) {
	return lanyard.Secret{}, errPending
}

// Sealer holds an opened keyset, so that sealing needs neither database nor network.
type Sealer struct{}

func (v *Vault) Sealer(ctx context.Context, key Key) (*Sealer, error) { return nil, errPending }

func (s *Sealer) Seal(at Place, secret lanyard.Secret) ([]byte, error) { return nil, errPending }

func (v *Vault) Digest(project lanyard.ProjectID, purpose string, parts ...string) []byte { return nil }

func (v *Vault) NewKeyset(ctx context.Context, key Key) (SealedKeyset, error) {
	return SealedKeyset{}, errPending
}

func (v *Vault) SealOrigin(ctx context.Context, key Key, id lanyard.EntryID, o lanyard.Origin) ([]byte, error) {
	return nil, errPending
}

func (v *Vault) OpenOrigin(ctx context.Context, key Key, id lanyard.EntryID, sealed []byte) (lanyard.Origin, error) {
	return lanyard.Origin{}, errPending
}

// Step is what a rotation tells while it works.
type Step struct {
	Level Level
	Owner string
	What  string // "key added", "keyset rewrapped", "value sealed anew", "key destroyed"
	Done  int    // how many of that kind so far
}

// Rotation is what a rotation has done.
type Rotation struct {
	Level     Level     `json:"level"`
	Owner     string    `json:"owner,omitempty"`
	Primary   string    `json:"primary"`             // id of the key that seals now
	Rewrapped int       `json:"rewrapped"`           // keysets
	Resealed  int       `json:"resealed"`            // values
	Retired   []string  `json:"retired,omitempty"`   // ids of keys destroyed
	Waiting   []string  `json:"waiting,omitempty"`   // ids of keys nothing carries, kept until WaitUntil
	WaitUntil time.Time `json:"wait_until,omitzero"` // when running it again destroys them
}

func (v *Vault) RotateKEK(ctx context.Context, to KEK) (Rotation, error) {
	return Rotation{}, errPending
}

func (v *Vault) RotateRoot(ctx context.Context, progress func(Step)) (Rotation, error) {
	return Rotation{}, errPending
}

func (v *Vault) RotateProject(ctx context.Context, project lanyard.ProjectID, progress func(Step)) (Rotation, error) {
	return Rotation{}, errPending
}

func (v *Vault) RotatePerson(ctx context.Context, project lanyard.ProjectID, person lanyard.PersonID, progress func(Step)) (Rotation, error) {
	return Rotation{}, errPending
}

// Status says which keys there are and what they wrap.
type Status struct {
	KEK    string        `json:"kek"`
	KEKURI string        `json:"kek_uri"`
	Levels []LevelStatus `json:"levels"`
}

type LevelStatus struct {
	Level     Level          `json:"level"`
	Keysets   int            `json:"keysets"`
	Keys      []string       `json:"keys,omitempty"` // ids, root and lookup only
	WrappedBy map[string]int `json:"wrapped_by"`     // id of the wrapping key → keysets it wraps
	Oldest    time.Time      `json:"oldest,omitzero"`
}

func (v *Vault) Status(ctx context.Context) (Status, error) { return Status{}, errPending }
