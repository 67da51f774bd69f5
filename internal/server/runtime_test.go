package server

import "testing"

// A small heap gets room; one that needs what it has is collected as usual, so
// that memory never grows faster than what is in use, beyond the first megabytes.
func TestGCPercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 4 << 20: 400, 6 << 20: 400, 12 << 20: 200, 24 << 20: 100, 1 << 30: 100} {
		if got := gcPercent(live); got != want {
			t.Errorf("%d MB in use: got %d, want %d", live>>20, got, want)
		}
	}
}
