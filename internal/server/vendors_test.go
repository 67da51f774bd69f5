package server_test

import (
	"os"
	"strings"
	"testing"
)

// The page of vendors' paths is the list that the router was made from.
func TestThePageOfVendorPathsIsWhatIsMounted(t *testing.T) {
	const path = "../../docs/vendor-paths.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, table, ok := strings.Cut(string(page), "\n<!-- The rest is made by: go test ./internal/server -run VendorPaths -update -->\n")
	if !ok {
		t.Fatalf("%s: the mark before the tables is not there", path)
	}
	want := start(t, settings(t, nil)).s.VendorPaths()
	if *update && table != want {
		made := head + "\n<!-- The rest is made by: go test ./internal/server -run VendorPaths -update -->\n" + want
		if err := os.WriteFile(path, []byte(made), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != want {
		t.Errorf("%s is not what is mounted; run: go test ./internal/server -run VendorPaths -update", path)
	}
}
