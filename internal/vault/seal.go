package vault

import (
	"context"
	"encoding/json"
	"fmt"

	"lanyard"
)

// Seal encrypts s under key, for this place only. It returns an error that Is
// ErrNoKeyset where the project or person has no keyset.
func (v *Vault) Seal(ctx context.Context, key Key, at Place, s lanyard.Secret) ([]byte, error) {
	sealer, err := v.Sealer(ctx, key)
	if err != nil {
		return nil, err
	}
	return sealer.Seal(at, s)
}

// Sealer holds a keyset open, so that sealing with it needs neither database nor
// network: get one before a call whose answer must be kept whatever happens
// (I2). It is good for that call, not for longer.
type Sealer struct {
	key  Key
	keys *opened
}

// Sealer returns one for key. It returns CodeVaultSealed when the database has
// been out of reach for so long that the keys in memory may have been replaced.
func (v *Vault) Sealer(ctx context.Context, key Key) (Sealer, error) {
	if key.project == "" {
		return Sealer{}, errNoOwner()
	}
	keys, err := v.current(ctx, key)
	if err != nil {
		return Sealer{}, fmt.Errorf("seal: %w", err)
	}
	if err := keys.fit(); err != nil {
		return Sealer{}, err
	}
	return Sealer{key, keys}, nil
}

// Seal is as Vault.Seal.
func (s Sealer) Seal(at Place, secret lanyard.Secret) ([]byte, error) {
	if at.Project != s.key.project || at.Row == "" || at.Field == "" {
		return nil, lanyard.Errorf(lanyard.CodeInternal, "seal %s of %q: not a place of project %s", at.Field, at.Row, s.key.project)
	}
	sealed, err := s.keys.aead.Encrypt(secret.Reveal(), at.associatedData())
	if err != nil {
		return nil, fmt.Errorf("seal %s of %s: %w", at.Field, at.Row, err)
	}
	return sealed, nil
}

// Open decrypts what Seal made for the same key and place. Anything else is
// CodeTampered, and OnTamper is told once.
func (v *Vault) Open(ctx context.Context, key Key, at Place, sealed []byte) (lanyard.Secret, error) {
	if key.project == "" {
		return lanyard.Secret{}, errNoOwner()
	}
	id, ok := keyID(sealed)
	if !ok || at.Project != key.project {
		return lanyard.Secret{}, v.tampered(ctx, at)
	}
	keys, err := v.current(ctx, key)
	if err == nil && !keys.has(id) {
		// Sealed by another node after it has rotated; what we hold is from before.
		keys, err = v.reload(ctx, key)
	}
	if err != nil {
		return lanyard.Secret{}, fmt.Errorf("open %s of %s: %w", at.Field, at.Row, err)
	}
	plain, err := keys.aead.Decrypt(sealed, at.associatedData())
	if err != nil {
		return lanyard.Secret{}, v.tampered(ctx, at)
	}
	return lanyard.SecretBytes(plain), nil
}

// tampered raises the alarm. The message says where, and nothing of what was
// found there.
func (v *Vault) tampered(ctx context.Context, at Place) error {
	if v.onTamper != nil {
		v.onTamper(ctx, at)
	}
	return lanyard.Errorf(lanyard.CodeTampered, "%s of %s does not belong there and was not opened", at.Field, at.Row)
}

// Digest returns 32 bytes that stand for the parts in look-ups: the same for the
// same project, purpose and parts, across every rotation, and telling nothing to
// who has only the database. The purpose keeps look-ups of different kinds apart.
func (v *Vault) Digest(project lanyard.ProjectID, purpose string, parts ...string) []byte {
	b := appendPart(make([]byte, 0, 192), digestFormat) // room for an API key's
	b = appendPart(b, string(project))
	b = appendPart(b, purpose)
	for _, p := range parts {
		b = appendPart(b, p)
	}
	sum, err := v.lookup.ComputePRF(b, 32)
	if err != nil {
		panic(err) // fails only if more than the hash's 32 bytes are asked for
	}
	return sum
}

// NewKeyset makes the keyset of a new project or person. It is sealed but not
// stored: it goes into the transaction that makes its owner. Until that, this
// process can already seal with it.
func (v *Vault) NewKeyset(ctx context.Context, key Key) (SealedKeyset, error) {
	if key.project == "" {
		return SealedKeyset{}, errNoOwner()
	}
	// Sealing with a second keyset of the same owner would lose what it sealed.
	_, err := v.keysets.Keyset(ctx, key.Level(), key.Owner())
	if err == nil {
		return SealedKeyset{}, lanyard.Errorf(lanyard.CodeInternal, "%s has a keyset already", name(key))
	}
	if lanyard.CodeOf(err) != lanyard.CodeNotFound {
		return SealedKeyset{}, fmt.Errorf("new keyset of %s: %w", name(key), err)
	}
	o, err := generate(key)
	if err != nil {
		return SealedKeyset{}, err
	}
	row, err := v.rowOf(ctx, o)
	if err != nil {
		return SealedKeyset{}, fmt.Errorf("new keyset of %s: %w", name(key), err)
	}
	o.version = row.Version
	v.keep(o)
	return row, nil
}

// FieldOrigin is the Field of what SealOrigin seals; the Row is the entry's id.
const FieldOrigin = "entries.sealed"

// SealOrigin seals where a request came from, for the audit entry with this id.
func (v *Vault) SealOrigin(ctx context.Context, key Key, id lanyard.EntryID, o lanyard.Origin) ([]byte, error) {
	b, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("seal origin: %w", err)
	}
	return v.Seal(ctx, key, Place{Project: key.project, Row: string(id), Field: FieldOrigin}, lanyard.SecretBytes(b))
}

// OpenOrigin is the way back.
func (v *Vault) OpenOrigin(ctx context.Context, key Key, id lanyard.EntryID, sealed []byte) (o lanyard.Origin, err error) {
	s, err := v.Open(ctx, key, Place{Project: key.project, Row: string(id), Field: FieldOrigin}, sealed)
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(s.Reveal(), &o); err != nil {
		return lanyard.Origin{}, fmt.Errorf("origin of %s is not what was sealed", id)
	}
	return o, nil
}

func errNoOwner() error {
	return lanyard.Errorf(lanyard.CodeInternal, "a key without a project seals and opens nothing")
}
