package server

import (
	"context"

	"lanyard/internal/store"
	"lanyard/wire"
)

// Migrations lists the steps of the schema without making any, where no server
// is running. It takes the lock of the data directory for that.
func Migrations(ctx context.Context, settings Settings) ([]wire.Migration, error) {
	list, err := store.Migrations(ctx, settings.store(nil))
	if err != nil {
		return nil, err
	}
	return migrationsOf(list), nil
}

func migrationsOf(list []store.Migration) []wire.Migration {
	out := []wire.Migration{}
	for _, m := range list {
		w := wire.Migration{Version: m.Version, Name: m.Name, Lanyard: m.Lanyard}
		if !m.AppliedAt.IsZero() {
			at := m.AppliedAt.UTC()
			w.AppliedAt = &at
		}
		out = append(out, w)
	}
	return out
}
