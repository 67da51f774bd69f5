package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"lanyard"
)

func placeholder(n int) string { return "$" + strconv.Itoa(n) }

// metaInstance is the random id of this database, made with it. A copy has the
// same, which is how a clone is told from the original (T20).
const metaInstance = "instance_id"

// MetaPublicURL is the key under which Meta has the public URL that the database
// was made for.
const MetaPublicURL = "public_url"

// InstanceID is the random id that was made with the database.
func (db *DB) InstanceID(ctx context.Context) (string, error) {
	var id string
	err := db.View(ctx, func(q *Query) (err error) {
		id, err = q.Meta(metaInstance)
		return err
	})
	return id, err
}

// Meta returns a named value of the instance, such as the public URL it was
// made for; CodeNotFound if it was never put.
func (q *Query) Meta(key string) (string, error) {
	return get(q, func(r row, v *string) error { return r.Scan(v) },
		`SELECT value FROM meta WHERE key = $1`, key)
}

// MetaTime returns a named value that is a time in microseconds; zero if it was
// never put.
func (q *Query) MetaTime(key string) (time.Time, error) {
	v, err := q.Meta(key)
	if errors.Is(err, lanyard.NotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("meta %s: %w", key, err)
	}
	if n == 0 {
		return time.Time{}, nil
	}
	return time.UnixMicro(n).UTC(), nil
}

// LockMeta keeps everybody else from changing a named value until the transaction ends.
func (tx *Tx) LockMeta(key string) error {
	_, err := tx.exec(`UPDATE meta SET value = value WHERE key = $1`, key)
	return err
}

// PutMeta sets a named value.
func (tx *Tx) PutMeta(key, value string) error {
	_, err := tx.exec(`INSERT INTO meta (key, value) VALUES ($1, $2)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	return err
}

// addMeta sets a named value unless it is there.
func (tx *Tx) addMeta(key, value string) error {
	_, err := tx.exec(`INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING`, key, value)
	return err
}

func (tx *Tx) addInstance() error {
	return tx.addMeta(metaInstance, lanyard.NewID[string]("ins_"))
}

// AnyGrant says whether any account is connected.
func (q *Query) AnyGrant() (bool, error) {
	ids, err := all(q, func(r row, id *string) error { return r.Scan(id) }, `SELECT id FROM grants LIMIT 1`)
	return len(ids) > 0, err
}
