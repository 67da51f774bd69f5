package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/tink-crypto/tink-go/v2/prf"
	"golang.org/x/sync/singleflight"

	"lanyard"
)

// Level is a step of the ladder of keysets.
type Level string

const (
	LevelRoot    Level = "root"
	LevelLookup  Level = "lookup"
	LevelProject Level = "project"
	LevelPerson  Level = "person"
)

// SealedKeyset is a keyset as it is stored.
type SealedKeyset struct {
	Level     Level
	Owner     string // "" for root and lookup, a project's id, or "prj_…/per_…"
	Sealed    []byte
	WrappedBy string // id of the key that wraps it: the KEK's for root, eight hex digits else
	Version   int64  // counts replacements; 1 when new
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Keysets is what keeps the keysets; *store.DB is one.
type Keysets interface {
	// Keyset returns one keyset; lanyard.NotFound if there is none.
	Keyset(ctx context.Context, level Level, owner string) (SealedKeyset, error)
	// PutKeyset stores ks, whose Version is replaces+1, where the version stored
	// is still replaces; 0 means there is none yet. CreatedAt stays as it was.
	// False: somebody was faster, and nothing was changed.
	PutKeyset(ctx context.Context, ks SealedKeyset, replaces int64) (bool, error)
	// ListKeysets returns up to limit keysets of the level project or person with
	// an owner greater than after, sorted by owner, byte by byte.
	ListKeysets(ctx context.Context, level Level, after string, limit int) ([]SealedKeyset, error)
}

// SealedField is one sealed value of a project, with all that is needed to seal
// it anew: its place, and the key that it is under.
type SealedField struct {
	Cursor string // where a list goes on after it
	Place  Place
	Key    Key
	Sealed []byte
}

// Fields is what keeps the sealed values; *store.DB is one. A rotation destroys
// a key when no value that Fields lists carries its id, so it must list every
// value that was ever returned by Seal for the project and is still wanted.
type Fields interface {
	// SealedFields returns up to limit sealed values of the project, sorted by
	// cursor, after the given one; "" begins. Fewer than limit: that was all.
	SealedFields(ctx context.Context, project lanyard.ProjectID, after string, limit int) ([]SealedField, error)
	// ReplaceSealed puts sealed in the place of f.Sealed, if that and f.Place still
	// hold. False: they do not, and nothing was changed.
	ReplaceSealed(ctx context.Context, f SealedField, sealed []byte) (bool, error)
}

// Config is what Open works with.
type Config struct {
	KEK      KEK     // from FindKEK; needed
	Former   []KEK   // further KEKs that may open the root keyset, while nodes are moved from one KEK to another
	Keysets  Keysets // needed
	Fields   Fields  // needed by RotateProject, RotatePerson and Resume only
	Logger   *slog.Logger
	OnTamper func(context.Context, Place) // told once for each value that did not belong where it was found

	CacheSize   int           // opened keysets held in memory; 0: 10 000
	CacheTTL    time.Duration // for how long after their last use (T17); 0: 10 minutes
	RetireAfter time.Duration // a replaced key is kept at least this long; 0: 48 hours; see Rotation
}

// ErrNoKeyset: the project or person has no keyset, so nothing of theirs can be
// sealed or opened.
var ErrNoKeyset = errors.New("no such keyset")

// Vault seals and opens. Any number of goroutines may use it.
type Vault struct {
	keysets  Keysets
	fields   Fields
	log      *slog.Logger
	onTamper func(context.Context, Place)
	retire   time.Duration

	keks   atomic.Pointer[[]KEK] // the first one wraps; all open
	root   atomic.Pointer[opened]
	lookup prf.PRF
	cache  *otter.Cache[Key, *opened]
	loads  singleflight.Group
}

// Open unseals root and lookup; it makes them where keysets holds nothing. It
// returns CodeVaultSealed, and a sentence that names the key needed and where
// was looked, when the KEK is another, or does not answer.
func Open(ctx context.Context, cfg Config) (*Vault, error) {
	if cfg.KEK == nil || cfg.Keysets == nil {
		return nil, errors.New("open vault: KEK and Keysets are needed")
	}
	v := &Vault{
		keysets: cfg.Keysets, fields: cfg.Fields, log: cfg.Logger, onTamper: cfg.OnTamper,
		retire: cmp.Or(cfg.RetireAfter, 2*staleLimit),
	}
	if v.log == nil {
		v.log = slog.New(slog.DiscardHandler)
	}
	keks := append([]KEK{cfg.KEK}, cfg.Former...)
	v.keks.Store(&keks)
	cache, err := otter.New(&otter.Options[Key, *opened]{
		MaximumSize:      cmp.Or(cfg.CacheSize, 10_000),
		ExpiryCalculator: otter.ExpiryAccessing[Key, *opened](cmp.Or(cfg.CacheTTL, 10*time.Minute)),
	})
	if err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	v.cache = cache
	if err = v.openRoot(ctx); err == nil {
		err = v.openLookup(ctx)
	}
	if err != nil {
		v.Close()
		return nil, fmt.Errorf("open vault: %w", err)
	}
	return v, nil
}

// Close forgets the keysets of projects and persons and ends what works in the
// background. The vault is not used afterwards.
func (v *Vault) Close() {
	v.cache.InvalidateAll()
	v.cache.StopAllGoroutines()
}
