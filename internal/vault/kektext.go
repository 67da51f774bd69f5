package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
)

const (
	kekFirstLine = "lanyard-kek 1"
	kekBytes     = 32
	kekFileMax   = 4096
)

var kekLetters = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// kekHash returns a short text made from what is given, for ids and checksums.
// The key has 256 random bits, so neither says anything of it.
func kekHash(use string, n int, parts ...string) string {
	b := appendPart(nil, use)
	for _, p := range parts {
		b = appendPart(b, p)
	}
	sum := sha256.Sum256(b)
	return kekLetters.EncodeToString(sum[:])[:n]
}

func kekID(key []byte) string { return "kek_" + kekHash("lanyard.kek.id", 12, string(key)) }

// formatKEK returns the text of the file for a key.
func formatKEK(key []byte) []byte {
	id, letters := kekID(key), kekLetters.EncodeToString(key)
	var b bytes.Buffer
	b.WriteString("# The key-encryption key of a Lanyard server. Who has it and the database can read\n" +
		"# every token in it; without it nobody can. Keep a copy in another place.\n")
	fmt.Fprintf(&b, "%s\nid %s\nkey", kekFirstLine, id)
	for i := 0; i < len(letters); i += 4 {
		b.WriteString(" " + letters[i:min(i+4, len(letters))])
	}
	fmt.Fprintf(&b, "\nchecksum %s\n", kekHash("lanyard.kek.checksum", 8, id, letters))
	return b.Bytes()
}

// parseKEK reads the text of a file. Its errors say which line is wrong and
// nothing of what stands there.
func parseKEK(text []byte) ([]byte, error) {
	got := make(map[string]string)
	first := true
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if first {
			if strings.Join(strings.Fields(line), " ") != kekFirstLine {
				return nil, fmt.Errorf("line %d is not %q", i+1, kekFirstLine)
			}
			first = false
			continue
		}
		what, value, _ := strings.Cut(line, " ")
		switch _, twice := got[what]; {
		case what != "id" && what != "key" && what != "checksum":
			return nil, fmt.Errorf("line %d begins with none of id, key, checksum", i+1)
		case twice:
			return nil, fmt.Errorf("line %d has %s a second time", i+1, what)
		}
		value = strings.ToLower(strings.Join(strings.Fields(value), ""))
		if what != "id" {
			value = strings.NewReplacer("o", "0", "i", "1", "l", "1").Replace(value)
		}
		got[what] = value
	}
	if len(got) != 3 {
		return nil, errors.New("not all of id, key and checksum are there")
	}
	key, err := kekLetters.DecodeString(got["key"])
	if err != nil || len(key) != kekBytes || kekLetters.EncodeToString(key) != got["key"] {
		return nil, errors.New("the key is not 52 letters and digits as they were written")
	}
	if kekHash("lanyard.kek.checksum", 8, got["id"], got["key"]) != got["checksum"] {
		return nil, errors.New("the checksum does not match: something was mistyped or cut off")
	}
	if kekID(key) != got["id"] {
		return nil, errors.New("the id is that of another key")
	}
	return key, nil
}
