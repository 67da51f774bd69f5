//go:build !faults

package fault_test

import (
	"testing"

	"lanyard/internal/fault"
)

func TestAnOrdinaryBuildCannotFailOnPurpose(t *testing.T) {
	t.Setenv("LANYARD_FAULT", "spool.sync:error:1+")
	if err := fault.At(t.Context(), fault.SpoolSync); err != nil || fault.On {
		t.Errorf("got %v", err)
	}
}
