package runner

import (
	"context"
	"errors"
	"slices"

	"lanyard"
	"lanyard/internal/store"
)

// Pick says who runs a new bot; false: the caller does. The name is a runner's id, a kind,
// "none", or empty: then it is a vendor's whose words the caller uses, where the project
// has one, else the project's default. Of several of one kind the default is meant, and
// where none of them is, that is an error.
func (s *Service) Pick(ctx context.Context, p lanyard.Principal, name string, d lanyard.Dialect) (lanyard.Runner, bool, error) {
	var none lanyard.Runner
	if name == "none" {
		return none, false, nil
	}
	kind := lanyard.RunnerKind(name)
	if name != "" && !slices.Contains(lanyard.RunnerKinds, kind) {
		r, err := s.Find(ctx, p.Project, lanyard.RunnerID(name))
		if errors.Is(err, lanyard.CodeNotFound) {
			err = lanyard.Errorf(lanyard.CodeInvalidRequest, "runner: the id of a runner, none, or one of %s", kindList())
		}
		return r, err == nil, err
	}
	var all []lanyard.Runner
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		all, err = q.AllRunners(p.Project)
		return err
	})
	if err != nil {
		return none, false, err
	}
	if name == "" {
		kind = lanyard.RunnerKind(d)
	}
	fit := slices.DeleteFunc(slices.Clone(all), func(r lanyard.Runner) bool { return r.Kind != kind })
	switch {
	case len(fit) == 1 || len(fit) > 1 && fit[0].Default:
		return fit[0], true, nil
	case len(fit) > 1:
		return none, false, lanyard.Errorf(lanyard.CodeInvalidRequest, "runner: there are several of kind %s; name one by its id, or make one the default", string(kind))
	case name != "":
		return none, false, lanyard.Errorf(lanyard.CodeInvalidRequest, "runner: there is none of kind %s; make one with lanyard runner create", name)
	case len(all) > 0 && all[0].Default:
		return all[0], true, nil
	}
	return none, false, nil
}
