package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"

	"lanyard"
)

// unwrapRoot opens the root keyset with the key-encryption key that wraps it.
func (v *Vault) unwrapRoot(ctx context.Context, row SealedKeyset) ([]byte, error) {
	if kek := v.kek(row.WrappedBy); kek != nil {
		plain, err := kek.DecryptWithContext(ctx, row.Sealed, keysetData(LevelRoot, ""))
		if err != nil {
			return nil, lanyard.Errorf(lanyard.CodeVaultSealed,
				"the root keyset names key-encryption key %s, which is at %s, but does not open with it: %w", kek.ID(), kek.URI(), err)
		}
		return plain, nil
	}
	kek := (*v.keks.Load())[0]
	return nil, lanyard.Errorf(lanyard.CodeVaultSealed,
		"this database needs the key-encryption key %s; at %s there is %s, which is another. Put the right one there, or say where it is",
		row.WrappedBy, kek.URI(), kek.ID())
}

// kek returns the key-encryption key with this id, nil if it is not here.
func (v *Vault) kek(id string) KEK {
	for _, kek := range *v.keks.Load() {
		if kek.ID() == id {
			return kek
		}
	}
	return nil
}

// wrapRoot seals the root keyset's payload with a key-encryption key, and proves
// that it opens again before anything depends on it.
func wrapRoot(ctx context.Context, kek KEK, payload []byte) ([]byte, error) {
	sealed, err := kek.EncryptWithContext(ctx, payload, keysetData(LevelRoot, ""))
	if err != nil {
		return nil, lanyard.Errorf(lanyard.CodeVaultSealed, "key-encryption key %s at %s does not seal: %w", kek.ID(), kek.URI(), err)
	}
	again, err := kek.DecryptWithContext(ctx, sealed, keysetData(LevelRoot, ""))
	if err == nil && !bytes.Equal(again, payload) {
		err = errors.New("it opens to something else")
	}
	if err != nil {
		return nil, lanyard.Errorf(lanyard.CodeVaultSealed,
			"key-encryption key %s at %s does not open what it has sealed, so it is not used: %w", kek.ID(), kek.URI(), err)
	}
	return sealed, nil
}

// openRoot loads the root keyset, or makes it where there is nothing at all. Of
// two nodes that make one at the same time, the slower takes the other's.
func (v *Vault) openRoot(ctx context.Context) error {
	_, err := v.reload(ctx, Key{})
	if !errors.Is(err, ErrNoKeyset) {
		return err
	}
	if err := nothingSealed(ctx, v.keysets, LevelRoot); err != nil {
		return err
	}
	o, err := generate(Key{})
	if err != nil {
		return err
	}
	row, err := v.rowOf(ctx, o)
	if err != nil {
		return err
	}
	if _, err := v.keysets.PutKeyset(ctx, row, 0); err != nil {
		return fmt.Errorf("store root keyset: %w", err)
	}
	_, err = v.reload(ctx, Key{})
	return err
}

// openLookup loads the keyset of Digest, or makes it where nobody can have
// looked up anything yet.
func (v *Vault) openLookup(ctx context.Context) error {
	row, err := v.keysets.Keyset(ctx, LevelLookup, "")
	if errors.Is(err, lanyard.NotFound) {
		if err := nothingSealed(ctx, v.keysets, LevelLookup); err != nil {
			return err
		}
		if row, err = v.makeLookup(ctx); err != nil {
			return err
		}
		if _, err := v.keysets.PutKeyset(ctx, row, 0); err != nil {
			return fmt.Errorf("store lookup keyset: %w", err)
		}
		row, err = v.keysets.Keyset(ctx, LevelLookup, "")
	}
	if err != nil {
		return fmt.Errorf("read lookup keyset: %w", err)
	}
	row.Level, row.Owner = LevelLookup, ""
	plain, err := v.unwrapUnder(ctx, v.root.Load(), row)
	if err != nil {
		return err
	}
	handle, _, err := unmarshalPayload(plain)
	if err != nil {
		return fmt.Errorf("open lookup keyset: %w", err)
	}
	set, err := prf.NewPRFSet(handle)
	if err != nil {
		return fmt.Errorf("open lookup keyset: %w", err)
	}
	v.lookup = set.PRFs[set.PrimaryID]
	return nil
}

func (v *Vault) makeLookup(ctx context.Context) (SealedKeyset, error) {
	handle, err := keyset.NewHandle(prf.HMACSHA256PRFKeyTemplate())
	if err != nil {
		return SealedKeyset{}, fmt.Errorf("make lookup keyset: %w", err)
	}
	first, err := handle.Primary()
	if err != nil {
		return SealedKeyset{}, fmt.Errorf("make lookup keyset: %w", err)
	}
	now := time.Now()
	plain, err := marshalPayload(handle, map[uint32]time.Time{first.KeyID(): now})
	if err != nil {
		return SealedKeyset{}, err
	}
	root, err := v.current(ctx, Key{})
	if err != nil {
		return SealedKeyset{}, err
	}
	sealed, by, err := wrapUnder(root, LevelLookup, "", plain)
	return SealedKeyset{Level: LevelLookup, Sealed: sealed, WrappedBy: by, Version: 1, CreatedAt: now, UpdatedAt: now}, err
}

// rowOf wraps a keyset with what is above it, ready to be stored.
func (v *Vault) rowOf(ctx context.Context, o *opened) (SealedKeyset, error) {
	plain, err := o.marshal()
	if err != nil {
		return SealedKeyset{}, err
	}
	now := time.Now()
	row := SealedKeyset{Level: o.key.Level(), Owner: o.key.Owner(), Version: o.version + 1, CreatedAt: now, UpdatedAt: now}
	if o.key == (Key{}) {
		kek := (*v.keks.Load())[0]
		if o.kek != "" { // it may have been changed by another node: do not change it back
			kek = v.kek(o.kek)
		}
		row.WrappedBy = kek.ID()
		row.Sealed, err = wrapRoot(ctx, kek, plain)
		return row, err
	}
	above, err := v.current(ctx, o.key.above())
	if err != nil {
		return SealedKeyset{}, err
	}
	if err := above.fit(); err != nil {
		return SealedKeyset{}, err
	}
	row.Sealed, row.WrappedBy, err = wrapUnder(above, row.Level, row.Owner, plain)
	return row, err
}

// nothingSealed returns an error unless no keyset exists at any level that could
// depend on the one that is missing: a new one would open nothing of theirs.
func nothingSealed(ctx context.Context, keysets Keysets, missing Level) error {
	for _, level := range []Level{LevelLookup, LevelProject, LevelPerson} {
		if level == missing {
			continue
		}
		there, err := anyKeyset(ctx, keysets, level)
		if err != nil {
			return fmt.Errorf("look for keysets: %w", err)
		}
		if !there {
			continue
		}
		// The one that is missing may have been made by another node since.
		if _, err := keysets.Keyset(ctx, missing, ""); err == nil {
			return nil
		}
		return lanyard.Errorf(lanyard.CodeVaultSealed,
			"the %s keyset is gone from the database while %s keysets that need it are there: restore the database from a backup", missing, level)
	}
	return nil
}

func anyKeyset(ctx context.Context, keysets Keysets, level Level) (bool, error) {
	if level == LevelLookup {
		_, err := keysets.Keyset(ctx, level, "")
		if errors.Is(err, lanyard.NotFound) {
			return false, nil
		}
		return err == nil, err
	}
	rows, err := keysets.ListKeysets(ctx, level, "", 1)
	return len(rows) > 0, err
}
