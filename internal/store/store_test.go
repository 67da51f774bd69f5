package store_test

import (
	"testing"

	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

func TestPing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		id, err := db.InstanceID(t.Context())
		t.Log(db.Backend(), id, err)
		ms, err := db.Migrations(t.Context())
		t.Log(ms, err)
	})
}
