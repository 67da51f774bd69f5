package vault

import (
	"context"
	"fmt"
	"time"
)

// Status says which keys there are and what they wrap. It opens every keyset, so
// it also shows whether they can be opened.
type Status struct {
	KEK    string        `json:"kek"`     // id of the key-encryption key
	KEKURI string        `json:"kek_uri"` // where it is
	Levels []LevelStatus `json:"levels"`  // root, lookup, project, person
}

// LevelStatus is about the keysets of one level.
type LevelStatus struct {
	Level     Level          `json:"level"`
	Keysets   int            `json:"keysets"`
	Keys      []KeyStatus    `json:"keys,omitempty"`  // of root; below, the ids are in WrappedBy of the next level
	WrappedBy map[string]int `json:"wrapped_by"`      // id of the wrapping key → keysets it wraps
	Oldest    time.Time      `json:"oldest,omitzero"` // when the oldest key that seals was added
	Rotating  int            `json:"rotating"`        // keysets with a replaced key not yet destroyed
	Unopened  int            `json:"unopened"`        // keysets that do not open
}

// KeyStatus is about one key of the root keyset.
type KeyStatus struct {
	ID      string    `json:"id"`
	Primary bool      `json:"primary"`
	AddedAt time.Time `json:"added_at"`
}

// Status reads all keysets, a page at a time.
func (v *Vault) Status(ctx context.Context) (Status, error) {
	kek := v.kek(v.root.Load().kek) // it opened root, so it is here
	s := Status{KEK: kek.ID(), KEKURI: kek.URI()}
	for _, level := range []Level{LevelRoot, LevelLookup, LevelProject, LevelPerson} {
		l := LevelStatus{Level: level, WrappedBy: make(map[string]int)}
		err := v.each(ctx, level, "", func(row SealedKeyset) error {
			l.Keysets++
			l.WrappedBy[row.wrappedBy()]++
			v.lookAt(ctx, &l, row)
			return ctx.Err()
		})
		if err != nil {
			return s, fmt.Errorf("vault status: %w", err)
		}
		s.Levels = append(s.Levels, l)
	}
	return s, nil
}

// wrappedBy reads the id from the ciphertext where it is there, for the column
// beside it is only a copy.
func (ks SealedKeyset) wrappedBy() string {
	if id, ok := keyID(ks.Sealed); ok && ks.Level != LevelRoot {
		return idString(id)
	}
	return ks.WrappedBy
}

func (v *Vault) lookAt(ctx context.Context, l *LevelStatus, row SealedKeyset) {
	if row.Level == LevelLookup {
		if _, err := v.unwrapUnder(ctx, v.root.Load(), row); err != nil {
			l.Unopened++
		}
		l.Oldest = row.CreatedAt
		return
	}
	key, ok := keyOf(row.Level, row.Owner)
	if !ok {
		l.Unopened++
		return
	}
	o, err := v.unwrap(ctx, key, row)
	if err != nil {
		l.Unopened++
		return
	}
	if len(o.ids) > 1 {
		l.Rotating++
	}
	if at := o.added[o.primary]; l.Oldest.IsZero() || at.Before(l.Oldest) {
		l.Oldest = at
	}
	if row.Level == LevelRoot {
		for _, id := range o.ids {
			l.Keys = append(l.Keys, KeyStatus{ID: idString(id), Primary: id == o.primary, AddedAt: o.added[id]})
		}
	}
}
