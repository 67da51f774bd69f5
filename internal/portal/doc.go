// Package portal is the end user's own page of connections: plain pages that work
// without script.
//
//	GET  /portal/open/{link}                     what the link leads to; changes nothing, however often opened
//	POST /portal/open/{link}                     Open: spends the link, sets the cookie, 303
//	GET  /portal                                 the connections, and what each may and may not do
//	POST /portal/connections/{id}/check          asks the provider now, 303
//	POST /portal/connections/{id}/reconnect      an invitation, 303 to the connect page; it comes back here
//	GET  /portal/connections/{id}/disconnect     what will happen
//	POST /portal/connections/{id}/disconnect     does it, 303
//	GET  /portal/disconnected                    what happened at the provider, and what lives on
//	POST /portal/leave                           ends the visit
//
// Package access says who is in the browser; the services treat what is not theirs
// as absent. This package says it in words, all of which are in words.go.
package portal
