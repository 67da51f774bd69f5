package compat

// Other is a vendor whose words are not spoken here.
type Other struct {
	Name  string // its paths are below /recall/…
	Say   string
	Paths []Path
}

// Others lists the vendors that keep OAuth connections themselves and whose bots are given
// their tokens by token URLs instead: what their API carries cannot be kept here as it is.
var Others = []Other{
	{Name: "recall", Say: "Recall's paths are not here: connect people with /v1/connect-sessions, and give Recall's bots a token URL, see docs/token-urls.md",
		Paths: []Path{
			{Method: "POST", Pattern: "/api/v2/zoom-oauth-apps/", How: Absent, Say: "An OAuth app is made with `POST /v1/apps`."},
			{Method: "POST", Pattern: "/api/v2/zoom-oauth-apps/{id}/webhook", How: Absent, Say: "Zoom's webhook URL is in the answer of `POST /v1/apps`."},
			{Method: "POST", Pattern: "/api/v2/zoom-oauth-credentials/", How: Absent, Say: "People are connected with `POST /v1/connect-sessions`."},
			{Method: "DELETE", Pattern: "/api/v2/zoom-oauth-credentials/{id}", How: Absent, Say: "A connection is ended with `DELETE /v1/connections/{id}`."},
			{Method: "GET", Pattern: "/api/v2/zoom-meetings-to-credentials", How: Absent, Say: "Whose meeting it is, `POST /v1/preflight` says."},
		}},
	{Name: "meetingbaas", Say: "Meeting BaaS's paths are not here: it takes the credentials of the OAuth app with every call, and here they are kept once, with `POST /v1/apps`. Give its bots a token URL, see docs/token-urls.md",
		Paths: []Path{
			{Method: "POST", Pattern: "/zoom_oauth_connections", How: Absent, Say: "People are connected with `POST /v1/connect-sessions`, by an app that is kept once."},
			{Method: "GET", Pattern: "/zoom_oauth_connections", How: Absent, Say: "Connections are listed with `GET /v1/connections`."},
			{Method: "DELETE", Pattern: "/zoom_oauth_connections/{uuid}", How: Absent, Say: "A connection is ended with `DELETE /v1/connections/{id}`."},
		}},
}
