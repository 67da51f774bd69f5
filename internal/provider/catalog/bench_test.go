package catalog_test

import (
	"testing"

	"lanyard/internal/provider/catalog"
)

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := catalog.Load(""); err != nil {
			b.Fatal(err)
		}
	}
}
