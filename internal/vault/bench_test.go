package vault_test

import (
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/vault"
)

// A token set of about the size Microsoft's have, with its keyset in memory.
func benchmark(b *testing.B, do func(*vault.Vault, vault.Place, lanyard.Secret, []byte) error) {
	w := newWorld(b, 1)
	v := w.open(b)
	at, secret := grantAt(anna, "grt_1"), lanyard.NewSecret(strings.Repeat("x", 1200))
	sealed, err := v.Seal(b.Context(), vault.ProjectKey(anna), at, secret)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := do(v, at, secret, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	benchmark(b, func(v *vault.Vault, at vault.Place, _ lanyard.Secret, sealed []byte) error {
		_, err := v.Open(b.Context(), vault.ProjectKey(anna), at, sealed)
		return err
	})
}

func BenchmarkSeal(b *testing.B) {
	benchmark(b, func(v *vault.Vault, at vault.Place, secret lanyard.Secret, _ []byte) error {
		_, err := v.Seal(b.Context(), vault.ProjectKey(anna), at, secret)
		return err
	})
}

func BenchmarkDigest(b *testing.B) {
	benchmark(b, func(v *vault.Vault, _ vault.Place, _ lanyard.Secret, _ []byte) error {
		v.Digest(anna, "person", "end-user-4711")
		return nil
	})
}

func BenchmarkNewKeyset(b *testing.B) {
	benchmark(b, func(v *vault.Vault, _ vault.Place, _ lanyard.Secret, _ []byte) error {
		_, err := v.NewKeyset(b.Context(), vault.PersonKey(anna, lanyard.NewID[lanyard.PersonID]("per_")))
		return err
	})
}
