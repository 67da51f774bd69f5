package vault

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"lanyard"
)

// opened is a keyset in memory. Only the two clocks change after it is made.
type opened struct {
	key     Key
	version int64
	handle  *keyset.Handle
	aead    tink.AEAD
	ids     []uint32 // of the keys that can open
	primary uint32   // the one that seals
	added   map[uint32]time.Time
	kek     string // root only: id of the key-encryption key that wraps it; empty: none yet

	checkAt atomic.Int64 // Unix nanoseconds: when to ask again whether it is still the newest
	knownAt atomic.Int64 // when it last was
}

// payload is what is inside a wrapped keyset. Tink's keyset has no room for the
// time a key was added, which retiring its predecessor waits on.
type payload struct {
	Added  map[string]int64 `json:"added"`  // key id → Unix seconds
	Keyset []byte           `json:"keyset"` // Tink's binary form
}

// newOpened takes a handle into use. Keys that added does not name are as of now.
func newOpened(key Key, handle *keyset.Handle, added map[uint32]time.Time) (*opened, error) {
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("keyset of %s: %w", name(key), err)
	}
	o := &opened{key: key, handle: handle, aead: primitive, added: make(map[uint32]time.Time)}
	now := time.Now()
	for i := range handle.Len() {
		e, err := handle.Entry(i)
		if err != nil {
			return nil, fmt.Errorf("keyset of %s: %w", name(key), err)
		}
		o.ids = append(o.ids, e.KeyID())
		if e.IsPrimary() {
			o.primary = e.KeyID()
		}
		if o.added[e.KeyID()] = added[e.KeyID()]; added[e.KeyID()].IsZero() {
			o.added[e.KeyID()] = now.Truncate(time.Second)
		}
	}
	o.known(now)
	return o, nil
}

// generate makes a keyset of one AES-256-GCM key.
func generate(key Key) (*opened, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make keyset of %s: %w", name(key), err)
	}
	return newOpened(key, handle, nil)
}

// withNew returns the keyset with a further key, which is primary.
func (o *opened) withNew() (*opened, error) {
	m := keyset.NewManagerFromHandle(o.handle)
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("add key to keyset of %s: %w", name(o.key), err)
	}
	if err := m.SetPrimary(id); err != nil {
		return nil, fmt.Errorf("add key to keyset of %s: %w", name(o.key), err)
	}
	return o.changed(m)
}

// without returns the keyset without the keys of these ids.
func (o *opened) without(ids []uint32) (*opened, error) {
	m := keyset.NewManagerFromHandle(o.handle)
	for _, id := range ids {
		if err := m.Delete(id); err != nil {
			return nil, fmt.Errorf("destroy key in keyset of %s: %w", name(o.key), err)
		}
	}
	return o.changed(m)
}

func (o *opened) changed(m *keyset.Manager) (*opened, error) {
	handle, err := m.Handle()
	if err != nil {
		return nil, fmt.Errorf("change keyset of %s: %w", name(o.key), err)
	}
	next, err := newOpened(o.key, handle, o.added)
	if err != nil {
		return nil, err
	}
	next.kek = o.kek
	return next, nil
}

func (o *opened) has(id uint32) bool { return slices.Contains(o.ids, id) }

// old returns the ids of the keys that were replaced and are not destroyed yet.
func (o *opened) old() []uint32 {
	return slices.DeleteFunc(slices.Clone(o.ids), func(id uint32) bool { return id == o.primary })
}

// known notes that the keyset is, at this time, the newest there is.
func (o *opened) known(at time.Time) {
	o.knownAt.Store(at.UnixNano())
	o.checkAt.Store(at.Add(checkEvery).UnixNano())
}

// marshal returns the bytes to wrap. They hold the keys themselves.
func (o *opened) marshal() ([]byte, error) {
	return marshalPayload(o.handle, o.added)
}

func marshalPayload(handle *keyset.Handle, added map[uint32]time.Time) ([]byte, error) {
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewBinaryWriter(&b)); err != nil {
		return nil, fmt.Errorf("write keyset: %w", err)
	}
	p := payload{Added: make(map[string]int64, len(added)), Keyset: b.Bytes()}
	for id, at := range added {
		p.Added[idString(id)] = at.Unix()
	}
	return json.Marshal(p)
}

// unmarshalPayload is the way back. Its input was authenticated before, so an
// error means that this program is older than the one that wrote it.
func unmarshalPayload(b []byte) (*keyset.Handle, map[uint32]time.Time, error) {
	var p payload
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, nil, fmt.Errorf("read keyset: %w", err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(p.Keyset)))
	if err != nil {
		return nil, nil, fmt.Errorf("read keyset: %w", err)
	}
	added := make(map[uint32]time.Time, len(p.Added))
	for s, at := range p.Added {
		var id uint32
		if _, err := fmt.Sscanf(s, "%08x", &id); err != nil {
			return nil, nil, fmt.Errorf("read keyset: %w", err)
		}
		added[id] = time.Unix(at, 0)
	}
	return handle, added, nil
}

// keyID reads which key sealed b: Tink's prefix is a 1 and four bytes of id.
func keyID(b []byte) (uint32, bool) {
	if len(b) < 5 || b[0] != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint32(b[1:]), true
}

func idString(id uint32) string { return fmt.Sprintf("%08x", id) }

func idStrings(ids []uint32) []string {
	var out []string
	for _, id := range ids {
		out = append(out, idString(id))
	}
	return out
}

// name says whose keyset it is, in messages.
func name(k Key) string {
	if k.Level() == LevelRoot {
		return string(LevelRoot)
	}
	return k.Owner()
}

// wrapUnder seals a keyset's payload with the primary key of the one above it.
func wrapUnder(above *opened, level Level, owner string, payload []byte) (sealed []byte, by string, err error) {
	sealed, err = above.aead.Encrypt(payload, keysetData(level, owner))
	if err != nil {
		return nil, "", fmt.Errorf("wrap keyset of %s %s: %w", level, owner, err)
	}
	return sealed, idString(above.primary), nil
}

// unwrapUnder is the way back: the payload of a stored keyset, or CodeTampered
// if it does not belong under this level and owner.
func (v *Vault) unwrapUnder(ctx context.Context, above *opened, row SealedKeyset) ([]byte, error) {
	id, ok := keyID(row.Sealed)
	if ok && !above.has(id) {
		// Another node has rotated what is above; what we hold is from before.
		var err error
		if above, err = v.reload(ctx, above.key); err != nil {
			return nil, err
		}
	}
	plain, err := above.aead.Decrypt(row.Sealed, keysetData(row.Level, row.Owner))
	if err != nil {
		at := Place{Project: keyProject(row), Row: row.Owner, Field: "keysets.sealed"}
		if row.Level == LevelLookup {
			at.Row = string(LevelLookup)
		}
		return nil, v.tampered(ctx, at)
	}
	return plain, nil
}

func keyProject(row SealedKeyset) lanyard.ProjectID {
	k, _ := keyOf(row.Level, row.Owner)
	return k.project
}
