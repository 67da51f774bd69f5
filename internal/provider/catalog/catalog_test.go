package catalog_test

import (
	"testing"

	"lanyard/internal/provider/catalog"
)

func TestLoad(t *testing.T) {
	entries, err := catalog.Load("")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Log(e.Definition.ID, len(e.Definition.Scopes), e.Definition.Errors["invalid_grant"], e.Definition.Times, e.Definition.Authorize)
	}
}
