// Package meetstream speaks MeetStream's API over our services, so that its customers
// change an address and a key and nothing else. Source: docs.meetstream.ai, the API
// reference and "Zoom OBF implementation in MeetStream".
//
//	GET    /zoom/oauth/authorize-url        where to send the person; their state goes along as it is
//	POST   /zoom/oauth/connections          the code that came back, for a connection
//	GET    /zoom/oauth/connections[/{id}]   by Zoom's id of the user
//	DELETE /zoom/oauth/connections/{id}
//	POST   /bots/create_bot                 zoom.use_zoom_obf, zoom.zoom_oauth_connection_user_id
//	GET    /bots[/{id}/status|detail|remove_bot], DELETE /bots/{id}/delete
//
// Every other path of a bot goes on to MeetStream where it runs the bot with the customer's
// key. An error is {"message": …}; a request that was answered before is 507.
package meetstream
