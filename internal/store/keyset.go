package store

import (
	"context"
	"fmt"

	"lanyard/internal/vault"
)

const keysetColumns = `level, owner, sealed, wrapped_by, version, created_at, updated_at`

func scanKeyset(r row, k *vault.SealedKeyset) error {
	return r.Scan(&k.Level, &k.Owner, &k.Sealed, &k.WrappedBy, &k.Version, asTime{&k.CreatedAt}, asTime{&k.UpdatedAt})
}

// The database keeps keysets for the vault, and lists what is sealed with them.
var (
	_ vault.Keysets = (*DB)(nil)
	_ vault.Fields  = (*DB)(nil)
)

// Keyset returns the keyset of an owner, or CodeNotFound.
func (db *DB) Keyset(ctx context.Context, level vault.Level, owner string) (vault.SealedKeyset, error) {
	var ks vault.SealedKeyset
	err := db.View(ctx, func(q *Query) (err error) {
		ks, err = get(q, scanKeyset, `SELECT `+keysetColumns+` FROM keysets WHERE level = $1 AND owner = $2`, level, owner)
		return err
	})
	return ks, err
}

// PutKeyset writes a new keyset (replaces 0) or replaces one that is still at
// version replaces. False: somebody was faster.
func (db *DB) PutKeyset(ctx context.Context, ks vault.SealedKeyset, replaces int64) (done bool, err error) {
	err = db.Bookkeep(ctx, func(tx *Tx) (err error) {
		if replaces == 0 {
			done, err = tx.swap(insertInto("keysets", keysetColumns)+` ON CONFLICT (level, owner) DO NOTHING`, tx.keysetValues(ks)...)
			return err
		}
		done, err = tx.swap(`UPDATE keysets SET sealed = $4, wrapped_by = $5, version = $6, updated_at = $7
			WHERE level = $1 AND owner = $2 AND version = $3`, ks.Level, ks.Owner, replaces, ks.Sealed, ks.WrappedBy,
			ks.Version, micros(tx.now))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("put keyset: %w", err)
	}
	return done, nil
}

// ListKeysets returns up to limit keysets of a level whose owner is greater than
// after, by owner; the one with the empty owner only when after is empty.
func (db *DB) ListKeysets(ctx context.Context, level vault.Level, after string, limit int) ([]vault.SealedKeyset, error) {
	var out []vault.SealedKeyset
	err := db.View(ctx, func(q *Query) (err error) {
		out, err = all(q, scanKeyset, `SELECT `+keysetColumns+` FROM keysets
			WHERE level = $1 AND (owner > $2 OR (owner = '' AND $2 = '')) ORDER BY owner LIMIT $3`, level, after, limit)
		return err
	})
	return out, err
}

func (tx *Tx) keysetValues(ks vault.SealedKeyset) []any {
	return []any{ks.Level, ks.Owner, ks.Sealed, ks.WrappedBy, ks.Version, micros(tx.stamp(ks.CreatedAt)), micros(tx.stamp(ks.UpdatedAt))}
}

func (tx *Tx) addKeyset(ks vault.SealedKeyset) error {
	return tx.add("keysets", keysetColumns, tx.keysetValues(ks))
}
