package lanyard

// AttendeeFailure is what Attendee's clients are told of a connection that is lost, in
// its API and its webhooks. They look at how it begins.
func AttendeeFailure(reason Code) string {
	if reason == "" {
		reason = CodeUserRevoked
	}
	return "Zoom Authentication error: " + RowOf(reason).Happened
}
