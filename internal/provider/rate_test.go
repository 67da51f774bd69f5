package provider_test

import (
	"encoding/json"
	"testing"

	"lanyard"
	"lanyard/internal/provider"
)

// What an entry says of renewals per second is what its apps keep to; nonsense is refused.
func TestRenewalsPerSecondAreTheEntrys(t *testing.T) {
	target := func(rate string) (*provider.Target, error) {
		var rules any
		if rate != "" {
			rules = map[string]any{"renewals_per_second": json.RawMessage(rate)}
		}
		raw, err := json.Marshal(map[string]any{"id": "custom", "name": "Custom", "client_auth": "post", "rules": rules,
			"endpoints": map[string]any{"authorize": "https://op.example/a", "token": "https://op.example/t", "identity": "https://op.example/i"},
			"authorize": map[string]any{"pkce": "unknown"}, "identity": map[string]any{"subject": "id"}})
		if err != nil {
			t.Fatal(err)
		}
		return newSet(t).Target(lanyard.App{Provider: "custom", Custom: raw, ClientID: "cid"})
	}
	for rate, want := range map[string]float64{"": 0, "0": 0, "0.5": 0.5, "20": 20, "1000": 1000} {
		if got, err := target(rate); err != nil || got.RenewalsPerSecond != want {
			t.Errorf("%q: got %+v, %v, want %v", rate, got, err, want)
		}
	}
	for _, rate := range []string{"-1", "0.001", "1001", `"20"`} {
		if got, err := target(rate); err == nil {
			t.Errorf("%s: got %v renewals a second, want it refused", rate, got.RenewalsPerSecond)
		}
	}
}
