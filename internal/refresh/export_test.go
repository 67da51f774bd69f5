package refresh

import (
	"maps"
	"slices"
)

// GateStatus is what the gate alone knows.
func GateStatus(g *Gate) Status {
	out, apps := g.status()
	out.Apps = slices.Collect(maps.Values(apps))
	return out
}
