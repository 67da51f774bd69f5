package lanyard

// AttendeeFailure is what Attendee's clients are told of a connection that is lost, in
// its API and its webhooks. They look at how it begins.
func AttendeeFailure(reason Code) string {
	if reason == "" {
		reason = CodeUserRevoked
	}
	return "Zoom Authentication error: " + RowOf(reason).Happened
}

var attendeeStates = map[BotState]string{BotScheduled: "scheduled", BotReady: "joining", BotJoining: "joining", BotWaitingForPerson: "joining",
	BotWaitingRoom: "waiting_room", BotJoined: "joined_not_recording", BotLeft: "ended", BotFailed: "fatal_error", BotCancelled: "ended"}

// AttendeeBotState is Attendee's word for the state of a bot. Whether it records is not
// known here.
func AttendeeBotState(s BotState) string { return attendeeStates[s] }

// AttendeeBotEvent is what Attendee calls the step by which a bot has come to a state, and
// why, where it says so; code and sdk are the reason and what the Meeting SDK has said, in
// whether it was in its meeting before. "": Attendee has no word for it.
func AttendeeBotEvent(is BotState, code Code, sdk string, in bool) (event, sub string) {
	switch is {
	case BotReady, BotJoining:
		return "join_requested", ""
	case BotWaitingRoom:
		return "put_in_waiting_room", ""
	case BotJoined:
		return "joined_meeting", ""
	case BotLeft:
		return "left_meeting", ""
	case BotCancelled:
		return "leave_requested", "user_requested"
	case BotFailed:
		if in {
			return "fatal_error", "process_terminated"
		}
		return "could_not_join_meeting", attendeeWhy(code, sdk)
	}
	return "", ""
}

func attendeeWhy(code Code, sdk string) string {
	switch {
	case sdk == "4011" || sdk == "504":
		return "unpublished_zoom_app"
	case sdk == "4012":
		return "zoom_app_cannot_join_anonymously"
	case sdk == "3100" || sdk == "23" || sdk == "82":
		return "login_required"
	case code == CodePersonAbsent:
		return "authorized_user_not_in_meeting_timeout_exceeded"
	case RowOf(code).Kind == Reconnect || code == CodeConnectionRevoked || code == CodeConnectionPaused:
		return "zoom_authorization_failed"
	case code == CodeBotNotStarted:
		return "bot_not_launched"
	}
	return "zoom_meeting_status_failed"
}
