package vault

import (
	"encoding/binary"
	"strings"

	"lanyard"
)

// Key says whose keyset seals a value: a project's, or a person's.
// Two are compared with ==.
type Key struct {
	project lanyard.ProjectID
	person  lanyard.PersonID
}

// ProjectKey is the key of a project.
func ProjectKey(p lanyard.ProjectID) Key { return Key{project: p} }

// PersonKey is the key of one person in a project: what says who somebody is,
// is sealed with it, and gone for good when the keyset is deleted.
func PersonKey(p lanyard.ProjectID, person lanyard.PersonID) Key { return Key{p, person} }

// Project returns the project the key belongs to.
func (k Key) Project() lanyard.ProjectID { return k.project }

// Person returns the person whose key it is; empty for a project's.
func (k Key) Person() lanyard.PersonID { return k.person }

// Level returns LevelProject or LevelPerson. (The zero Key is root's, which only
// this package uses.)
func (k Key) Level() Level {
	switch {
	case k.person != "":
		return LevelPerson
	case k.project != "":
		return LevelProject
	}
	return LevelRoot
}

// Owner returns the owner under which the keyset is stored: "prj_…" or "prj_…/per_…".
func (k Key) Owner() string {
	if k.person != "" {
		return string(k.project) + "/" + string(k.person)
	}
	return string(k.project)
}

// above returns the key whose keyset wraps this one's.
func (k Key) above() Key {
	if k.person != "" {
		return Key{project: k.project}
	}
	return Key{}
}

// keyOf returns the key whose keyset is stored under level and owner.
func keyOf(level Level, owner string) (Key, bool) {
	project, person, cut := strings.Cut(owner, "/")
	k := Key{lanyard.ProjectID(project), lanyard.PersonID(person)}
	return k, k.Level() == level && cut == (level == LevelPerson)
}

// Place is where a sealed value lies. It is the associated data (T13): opening
// needs the same place, to the letter, that the value was sealed for.
type Place struct {
	Project    lanyard.ProjectID
	Row        string        // the row's id
	Field      string        // "table.column"
	Family     string        // grants only
	Generation int64         // grants only
	App        lanyard.AppID // grants only
}

// Associated data begins with what it is for and its version, then has every
// part with its length in front, always all of them and in one order: no two
// places have the same bytes.
const (
	fieldFormat  = "lanyard.field.1"
	keysetFormat = "lanyard.keyset.1"
	digestFormat = "lanyard.digest.1"
)

// associatedData returns the bytes that bind a sealed value to p.
func (p Place) associatedData() []byte {
	b := make([]byte, 0, 32+len(p.Project)+len(p.Row)+len(p.Field)+len(p.Family)+len(p.App))
	b = appendPart(b, fieldFormat)
	b = appendPart(b, string(p.Project))
	b = appendPart(b, p.Row)
	b = appendPart(b, p.Field)
	b = appendPart(b, p.Family)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Generation))
	return appendPart(b, string(p.App))
}

// keysetData returns the bytes that bind a wrapped keyset to its level and owner.
func keysetData(level Level, owner string) []byte {
	b := appendPart(nil, keysetFormat)
	b = appendPart(b, string(level))
	return appendPart(b, owner)
}

func appendPart(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}
