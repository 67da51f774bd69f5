package refresh_test

import (
	"testing"

	"lanyard/internal/grant"
	"lanyard/internal/refresh"
)

func statusOf(t *testing.T, g *refresh.Gate, a grant.Ask) refresh.AppStatus {
	t.Helper()
	for _, is := range refresh.GateStatus(g).Apps {
		if is.App == a.App {
			return is
		}
	}
	return refresh.AppStatus{}
}
