package refresh

import "lanyard"

// places are the calls that may be in flight at once. There is no number for each
// app or project: a project may have as many as are still free, and an app as many
// as are free beyond those of its project. So one that hangs stops at a third of
// all, two at a fifth each, and whoever comes next always finds some.
type places struct {
	all      int
	taken    int
	projects map[lanyard.ProjectID]int
	apps     map[lanyard.AppID]int
}

func newPlaces(n int) places {
	return places{all: n, projects: map[lanyard.ProjectID]int{}, apps: map[lanyard.AppID]int{}}
}

// room is how many more calls of this app fit; of those that nobody waits for, a
// quarter of all places is kept free.
func (p *places) room(project lanyard.ProjectID, app lanyard.AppID, waiting bool) int {
	all := p.all
	if !waiting {
		all -= all / 4
	}
	// The k-th further call fits while projects+k < free-k, and apps+k < free-k-(projects+k).
	beyond := all - p.taken - p.projects[project]
	byProject, byApp := (beyond+1)/2, (beyond-p.apps[app]+2)/3
	return max(0, min(byProject, byApp))
}

func (p *places) take(project lanyard.ProjectID, app lanyard.AppID) {
	p.taken++
	p.projects[project]++
	p.apps[app]++
}

func (p *places) leave(project lanyard.ProjectID, app lanyard.AppID) {
	p.taken--
	if p.projects[project]--; p.projects[project] <= 0 {
		delete(p.projects, project)
	}
	if p.apps[app]--; p.apps[app] <= 0 {
		delete(p.apps, app)
	}
}
