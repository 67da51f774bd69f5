package spool

import "encoding/binary"

// table is the marks in memory: key → microseconds, 24 bytes each and at most a
// third of that in empty places, since there may be millions. A key is part of
// a hash, so its bytes say where it lies.
type table struct {
	shards [256][]tableEntry
	used   [256]int
	n      int
}

type tableEntry struct {
	key [16]byte
	at  int64 // 0: empty
}

// find returns where key is, or the empty place for it; nil where the shard has no place.
func (t *table) find(key [16]byte) *tableEntry {
	shard := t.shards[key[0]]
	if len(shard) == 0 {
		return nil
	}
	for i := binary.LittleEndian.Uint64(key[8:]) % uint64(len(shard)); ; {
		if e := &shard[i]; e.at == 0 || e.key == key {
			return e
		}
		if i++; i == uint64(len(shard)) {
			i = 0
		}
	}
}

func (t *table) get(key [16]byte) int64 {
	if e := t.find(key); e != nil {
		return e.at
	}
	return 0
}

// raise sets key to at, unless it is there or further. It says whether it did.
func (t *table) raise(key [16]byte, at int64) bool {
	e := t.find(key)
	if e != nil && e.at >= at || at <= 0 {
		return false
	}
	if e != nil && e.at != 0 {
		e.at = at
		return true
	}
	if s := key[0]; t.used[s]+1 > len(t.shards[s])*17/20 {
		old := t.shards[s]
		t.shards[s] = make([]tableEntry, len(old)*5/4+4)
		for _, o := range old {
			if o.at != 0 {
				*t.find(o.key) = o
			}
		}
		e = t.find(key)
	}
	*e = tableEntry{key, at}
	t.used[key[0]]++
	t.n++
	return true
}
