package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lanyard"
)

// Rotation is what one call has done, and what is left to do.
//
// A rotation adds a key that seals from then on, moves what the old one sealed,
// and destroys the old one. It is destroyed when nothing stored carries its id
// any more, and not before Config.RetireAfter has passed since it was replaced:
// until then another node may seal with it from memory, and a spool may hold
// what it sealed. So a rotation usually ends Waiting, and Resume destroys the key
// some days later. Called again before that, Rotate goes on with the rotation
// that is under way instead of beginning another.
//
// Nodes notice nothing. One that meets a key it does not know reads the keyset
// anew; one that seals with the old key is within the time above.
type Rotation struct {
	Level     Level          `json:"level"`
	Owner     string         `json:"owner,omitempty"`
	Primary   string         `json:"primary"`             // id of the key that seals now
	Rewrapped int            `json:"rewrapped"`           // keysets moved by this call
	Resealed  int            `json:"resealed"`            // values moved by this call
	Retired   []string       `json:"retired,omitempty"`   // ids of keys destroyed by this call
	Waiting   []string       `json:"waiting,omitempty"`   // ids of keys that nothing carries, kept until WaitUntil
	WaitUntil time.Time      `json:"wait_until,omitzero"` // when calling again destroys them
	Carried   map[string]int `json:"carried,omitempty"`   // id of a key not destroyed → what still carries it
	Unopened  int            `json:"unopened,omitempty"`  // what could not be moved because it does not open
}

// Step is what a rotation tells while it works.
type Step struct {
	Level Level  `json:"level"`
	Owner string `json:"owner,omitempty"`
	What  string `json:"what"` // StepAdded …
	Done  int    `json:"done"` // how many of that kind so far
}

const (
	StepAdded     = "key added"
	StepRewrapped = "keyset rewrapped"
	StepResealed  = "value sealed anew"
	StepRetired   = "key destroyed"
)

// RotateKEK wraps the root keyset with another key-encryption key, in one step:
// before it the old one opens the database, after it only the new one. Other
// running nodes need the new one in Config.Former before, or at their next start.
// Backups from before still need the old one.
func (v *Vault) RotateKEK(ctx context.Context, to KEK) (Rotation, error) {
	if to == nil {
		return Rotation{}, errors.New("rotate key-encryption key: none given")
	}
	r := Rotation{Level: LevelRoot, Primary: to.ID()}
	// The new one is known before the row needs it, and leads only after.
	v.addKEK(to, false)
	for range maxPasses {
		row, o, err := v.stored(ctx, Key{})
		if err != nil {
			return r, fmt.Errorf("rotate key-encryption key: %w", err)
		}
		if row.WrappedBy == to.ID() {
			v.addKEK(to, true)
			return r, nil
		}
		plain, err := o.marshal()
		if err != nil {
			return r, fmt.Errorf("rotate key-encryption key: %w", err)
		}
		next := row
		next.Version, next.UpdatedAt, next.WrappedBy = row.Version+1, time.Now(), to.ID()
		if next.Sealed, err = wrapRoot(ctx, to, plain); err != nil {
			return r, fmt.Errorf("rotate key-encryption key: %w", err)
		}
		won, err := v.keysets.PutKeyset(ctx, next, row.Version)
		if err != nil {
			return r, fmt.Errorf("rotate key-encryption key: %w", err)
		}
		if won {
			r.Rewrapped = 1
		}
	}
	return r, errBusy(LevelRoot)
}

// RotateRoot gives the root keyset a new key and wraps the keysets of all
// projects, and of look-ups, with it.
func (v *Vault) RotateRoot(ctx context.Context, progress func(Step)) (Rotation, error) {
	return v.rotate(ctx, Key{}, true, progress)
}

// RotateProject gives a project a new key, wraps its persons' keysets with it and
// seals anew every value of the project that is under it.
func (v *Vault) RotateProject(ctx context.Context, project lanyard.ProjectID, progress func(Step)) (Rotation, error) {
	return v.rotateOwned(ctx, ProjectKey(project), true, progress)
}

// RotatePerson gives a person a new key and seals anew every value under it.
func (v *Vault) RotatePerson(ctx context.Context, project lanyard.ProjectID, person lanyard.PersonID, progress func(Step)) (Rotation, error) {
	return v.rotateOwned(ctx, PersonKey(project, person), true, progress)
}

func (v *Vault) rotateOwned(ctx context.Context, key Key, begin bool, progress func(Step)) (Rotation, error) {
	switch {
	case key.project == "":
		return Rotation{}, errNoOwner()
	case v.fields == nil:
		return Rotation{}, errors.New("rotate: Config.Fields is needed")
	}
	return v.rotate(ctx, key, begin, progress)
}

// Resume goes on with every rotation that is under way, and begins none: what
// was stopped half-way, and keys that only waited. Run it once a day.
func (v *Vault) Resume(ctx context.Context, progress func(Step)) ([]Rotation, error) {
	var done []Rotation
	var failed []error
	pending := func(key Key, row SealedKeyset) error {
		o, err := v.unwrap(ctx, key, row)
		if err != nil || len(o.ids) == 1 {
			return err
		}
		r, err := v.rotate(ctx, key, false, progress)
		done = append(done, r)
		return err
	}
	root, err := v.keysets.Keyset(ctx, LevelRoot, "")
	if err != nil {
		return nil, fmt.Errorf("resume rotations: %w", err)
	}
	failed = append(failed, pending(Key{}, root))
	for _, level := range []Level{LevelProject, LevelPerson} {
		if v.fields == nil {
			break
		}
		err := v.each(ctx, level, "", func(row SealedKeyset) error {
			if key, ok := keyOf(level, row.Owner); ok {
				failed = append(failed, pending(key, row)) // one that cannot be moved does not stop the others
			}
			return ctx.Err()
		})
		failed = append(failed, err)
	}
	return done, errors.Join(failed...)
}

// A pass moves all it finds under an old key; the next finds what was written
// meanwhile. So many are enough unless something writes faster than we move.
const maxPasses = 20

// rotate is one rotation at any level below the KEK. Every step leaves the
// keysets in a state from which calling it again goes on.
func (v *Vault) rotate(ctx context.Context, key Key, begin bool, progress func(Step)) (Rotation, error) {
	r := Rotation{Level: key.Level(), Owner: key.Owner()}
	fail := func(err error) (Rotation, error) { return r, fmt.Errorf("rotate %s: %w", name(key), err) }
	if progress == nil {
		progress = func(Step) {}
	}
	tell := func(what string, n int) { progress(Step{r.Level, r.Owner, what, n}) }
	broken := make(map[string]uint32)
	for range maxPasses {
		row, o, err := v.stored(ctx, key)
		if err != nil {
			return fail(err)
		}
		r.Primary = idString(o.primary)
		if len(o.ids) == 1 {
			if !begin {
				return r, nil // done, by us or by another node
			}
			if o, err = o.withNew(); err != nil {
				return fail(err)
			}
			won, err := v.replace(ctx, row, o)
			if err != nil {
				return fail(err)
			}
			if won {
				begin = false
				tell(StepAdded, 1)
			}
			continue
		}
		begin = false
		p := &pass{o: o, broken: broken}
		if err := v.run(ctx, p, &r, tell); err != nil {
			return fail(err)
		}
		r.Carried, r.Unopened = p.carried(), len(broken)
		if p.moved > 0 {
			continue // and look again: others may have sealed with the old key meanwhile
		}
		if err := v.retireOld(ctx, row, o, &r, tell); err != nil || len(r.Retired)+len(r.Waiting)+len(r.Carried) > 0 {
			if err == nil && r.Unopened > 0 {
				err = lanyard.Errorf(lanyard.CodeTampered, "%d values or keysets do not open and were left as they are", r.Unopened)
			}
			if err != nil {
				return fail(err)
			}
			return r, nil
		}
	}
	return r, errBusy(key.Level())
}

// retireOld destroys the old keys that nothing carries, if they have waited long
// enough. It leaves r without Retired, Waiting and Carried when somebody else
// changed the keyset, so that all has to be looked at again.
func (v *Vault) retireOld(ctx context.Context, row SealedKeyset, o *opened, r *Rotation, tell func(string, int)) error {
	var free []uint32
	for _, id := range o.old() {
		if r.Carried[idString(id)] == 0 {
			free = append(free, id)
		}
	}
	if len(free) == 0 {
		return nil
	}
	if until := o.added[o.primary].Add(v.retire); time.Now().Before(until) {
		r.Waiting, r.WaitUntil = idStrings(free), until
		return nil
	}
	next, err := o.without(free)
	if err != nil {
		return err
	}
	won, err := v.replace(ctx, row, next)
	if err != nil {
		return err
	}
	if !won {
		r.Carried = nil
		return nil
	}
	r.Retired = idStrings(free)
	tell(StepRetired, len(free))
	return nil
}

// stored returns a keyset as it is in the database now.
func (v *Vault) stored(ctx context.Context, key Key) (SealedKeyset, *opened, error) {
	row, err := v.keysets.Keyset(ctx, key.Level(), key.Owner())
	if errors.Is(err, lanyard.NotFound) {
		return row, nil, noKeyset(key)
	}
	if err != nil {
		return row, nil, fmt.Errorf("read keyset of %s: %w", name(key), err)
	}
	o, err := v.take(ctx, key, row)
	return row, o, err
}

// replace stores a changed keyset over the row it was made from, and takes it
// into use here. False: somebody was faster.
func (v *Vault) replace(ctx context.Context, row SealedKeyset, o *opened) (bool, error) {
	o.version = row.Version
	next, err := v.rowOf(ctx, o)
	if err != nil {
		return false, err
	}
	next.CreatedAt = row.CreatedAt
	won, err := v.keysets.PutKeyset(ctx, next, row.Version)
	if err != nil {
		return false, fmt.Errorf("store keyset of %s: %w", name(o.key), err)
	}
	if won {
		o.version = next.Version
		v.keep(o)
	}
	return won, nil
}

// addKEK makes a key-encryption key one of those that open root; with lead, the
// one that wraps it.
func (v *Vault) addKEK(kek KEK, lead bool) {
	for {
		have := v.keks.Load()
		var next []KEK
		for _, k := range *have {
			if k.ID() != kek.ID() {
				next = append(next, k)
			}
		}
		if lead || len(next) == 0 {
			next = append([]KEK{kek}, next...)
		} else {
			next = append(next, kek)
		}
		if v.keks.CompareAndSwap(have, &next) {
			return
		}
	}
}

func errBusy(level Level) error {
	return lanyard.Errorf(lanyard.CodeStoreUnavailable, "the %s keyset or what it seals was changed by others all the time; run it again", level)
}
