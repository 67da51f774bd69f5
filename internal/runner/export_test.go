package runner

// Edit is edit by one path of at most two names; nil takes the member away.
func Edit(text []byte, to any, path ...string) ([]byte, error) {
	c := change{name: path[len(path)-1], to: to}
	if len(path) == 2 {
		c = change{name: path[0], within: []change{c}}
	}
	return edit(text, []change{c})
}

// Hide is what becomes of an answer that repeats token URLs of the server there.
func Hide(publicURL string, answer string) string { return string(hider(publicURL)([]byte(answer))) }

// Below is how a caller's path is read.
var Below = below
