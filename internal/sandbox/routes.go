package sandbox

import "net/http"

// routes is the list of all that is served.
func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	at := func(pattern, provider, name string, h http.HandlerFunc) {
		mux.Handle(pattern, s.serve(endpoint{provider, name}, h))
	}
	zoom, google, microsoft, slack, oidc := s.providers[Zoom], s.providers[Google], s.providers[Microsoft], s.providers[Slack], s.providers[OIDC]

	at("GET /zoom/oauth/authorize", Zoom, "authorize", s.authorize(zoom))
	at("POST /zoom/oauth/token", Zoom, "token", s.tokenEndpoint(zoom))
	at("POST /zoom/oauth/revoke", Zoom, "revoke", s.revokeZoom)
	at("GET /zoom/v2/users/{user}", Zoom, "userinfo", s.zoomUser)
	at("GET /zoom/v2/users/{user}/token", Zoom, "api", s.zoomUserToken)
	at("GET /zoom/v2/users/{user}/zak", Zoom, "api", s.zoomZAK)
	at("GET /zoom/v2/users/{user}/meetings", Zoom, "meetings", s.zoomMeetings)
	at("GET /zoom/v2/meetings/{id}", Zoom, "api", s.zoomMeeting)
	at("GET /zoom/v2/meetings/{id}/jointoken/{kind}", Zoom, "api", s.zoomJoinToken)
	at("GET /zoom/meetings/{number}", Zoom, "join", s.meetingPage)
	at("GET /zoom/j/{number}", Zoom, "join", s.meetingPage)
	at("POST /zoom/meetings/{number}/join", Zoom, "join", s.join)
	at("POST /zoom/meetings/{number}/leave", Zoom, "join", s.leave)

	at("GET /google/o/oauth2/v2/auth", Google, "authorize", s.authorize(google))
	at("POST /google/token", Google, "token", s.tokenEndpoint(google))
	at("POST /google/revoke", Google, "revoke", s.revokeGoogle)
	at("GET /google/userinfo", Google, "userinfo", s.googleUserinfo)
	at("GET /google/jwks", Google, "jwks", s.jwks(google))
	at("GET /google/.well-known/openid-configuration", Google, "discovery", s.googleDiscovery)

	at("GET /microsoft/{tenant}/oauth2/v2.0/authorize", Microsoft, "authorize", s.authorize(microsoft))
	at("POST /microsoft/{tenant}/oauth2/v2.0/token", Microsoft, "token", s.tokenEndpoint(microsoft))
	at("GET /microsoft/v1.0/me", Microsoft, "userinfo", s.microsoftMe)
	at("GET /microsoft/{tenant}/discovery/v2.0/keys", Microsoft, "jwks", s.jwks(microsoft))
	at("GET /microsoft/{tenant}/v2.0/.well-known/openid-configuration", Microsoft, "discovery", s.microsoftDiscovery)

	at("GET /slack/oauth/v2/authorize", Slack, "authorize", s.authorize(slack))
	at("POST /slack/api/oauth.v2.access", Slack, "token", s.tokenEndpoint(slack))
	at("GET /slack/api/auth.test", Slack, "userinfo", s.slackTest)
	at("POST /slack/api/auth.test", Slack, "userinfo", s.slackTest)
	at("GET /slack/api/auth.revoke", Slack, "revoke", s.slackRevoke)
	at("POST /slack/api/auth.revoke", Slack, "revoke", s.slackRevoke)

	at("GET /oidc/authorize", OIDC, "authorize", s.authorize(oidc))
	at("POST /oidc/authorize", OIDC, "authorize", s.authorize(oidc))
	at("POST /oidc/token", OIDC, "token", s.tokenEndpoint(oidc))
	at("POST /oidc/revoke", OIDC, "revoke", s.oidcRevoke)
	at("GET /oidc/userinfo", OIDC, "userinfo", s.oidcUserinfo)
	at("POST /oidc/userinfo", OIDC, "userinfo", s.oidcUserinfo)
	at("GET /oidc/jwks", OIDC, "jwks", s.jwks(oidc))
	at("GET /oidc/.well-known/openid-configuration", OIDC, "discovery", s.oidcDiscovery)

	for _, id := range s.order {
		at("POST /"+id+"/consent", id, "consent", s.decide(s.providers[id]))
	}
	mux.HandleFunc("GET /sandbox.css", asset("sandbox.css"))
	mux.HandleFunc("GET /sandbox.svg", asset("sandbox.svg"))
	mux.Handle("GET /{$}", s.serve(endpoint{"", "index"}, s.index))
	// A web page that somebody has open must not be able to change the sandbox.
	own := http.NewCrossOriginProtection()
	mux.Handle("/admin/", own.Handler(s.adminRoutes()))
	mux.Handle("/do/", own.Handler(s.formRoutes()))
	return mux
}
