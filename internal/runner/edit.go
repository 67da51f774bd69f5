package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"lanyard"
)

// change is what becomes of one member of a JSON object.
type change struct {
	name   string
	to     any      // its new value; nil: it is taken away
	within []change // or: it is an object, of which these members change
}

// member is one member of an object, by where it is in the text.
type member struct {
	name       string
	key        int // where its name begins
	value, end int
}

// edit changes members of a JSON object in its text, so that everything else stays as it
// came: members we do not know, their order, and numbers no float can hold. A member that
// is there twice is refused, because the receiver might read the other one.
func edit(text []byte, changes []change) ([]byte, error) {
	members, err := membersOf(text)
	if err != nil {
		return nil, err
	}
	open := bytes.IndexByte(text, '{') + 1
	var out bytes.Buffer
	out.Write(text[:open])
	kept, at := 0, open
	for _, m := range members {
		value, keep, err := changed(text[m.value:m.end], m.name, changes)
		if err != nil {
			return nil, err
		}
		if keep {
			between := text[at:m.key]
			if kept == 0 {
				between = bytes.TrimLeft(between, " \t\r\n,") // what stood before it may be gone
				between = append(leading(text[open:]), between...)
			}
			out.Write(between)
			out.Write(text[m.key:m.value])
			out.Write(value)
			kept++
		}
		at = m.end
	}
	for _, c := range changes {
		v := c.fresh()
		if v == nil || has(members, c.name) {
			continue
		}
		if kept++; kept > 1 {
			out.WriteByte(',')
		}
		name, _ := json.Marshal(c.name)
		out.Write(name)
		out.WriteByte(':')
		out.Write(v)
	}
	out.Write(text[at:])
	return out.Bytes(), nil
}

// leading is the white space a text begins with.
func leading(text []byte) []byte {
	return bytes.Clone(text[:len(text)-len(bytes.TrimLeft(text, " \t\r\n"))])
}

func has(members []member, name string) bool {
	for _, m := range members {
		if m.name == name {
			return true
		}
	}
	return false
}

// changed is what a member's value becomes; false: it goes.
func changed(value []byte, name string, changes []change) ([]byte, bool, error) {
	for _, c := range changes {
		switch {
		case c.name != name:
			continue
		case c.within == nil && c.to == nil:
			return nil, false, nil
		case c.within == nil, bytes.Equal(value, []byte("null")):
			v := c.fresh()
			return v, v != nil, nil
		case value[0] != '{':
			return nil, false, lanyard.Errorf(lanyard.CodeInvalidRequest, "%s: must be an object", name)
		}
		v, err := edit(value, c.within)
		return v, true, err
	}
	return value, true, nil
}

// fresh is the value of a member that was not there; nil: none is made.
func (c change) fresh() []byte {
	if c.within == nil {
		if c.to == nil {
			return nil
		}
		v, err := json.Marshal(c.to) // strings, and maps of them
		if err != nil {
			return nil
		}
		return v
	}
	v, err := edit([]byte("{}"), c.within)
	if err != nil || len(v) == 2 {
		return nil
	}
	return v
}

// membersOf finds the members of the object that a text is.
func membersOf(text []byte) ([]member, error) {
	bad := lanyard.Errorf(lanyard.CodeInvalidJSON, "")
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, bad
	}
	var found []member
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, bad
		}
		keyEnd := int(d.InputOffset())
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, bad
		}
		if has(found, name) {
			return nil, lanyard.Errorf(lanyard.CodeDuplicateMember, "")
		}
		end := int(d.InputOffset())
		found = append(found, member{name: name, key: keyStart(text, keyEnd), value: end - len(value), end: end})
	}
	if _, err := d.Token(); err != nil {
		return nil, bad
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, bad
	}
	return found, nil
}

// keyStart is where the string that ends before end begins.
func keyStart(text []byte, end int) int {
	for i := end - 2; i >= 0; i-- {
		if text[i] != '"' {
			continue
		}
		slashes := 0
		for j := i - 1; j >= 0 && text[j] == '\\'; j-- {
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
	}
	return 0
}
