package runner_test

import (
	"errors"
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/runner"
)

// How a bot is, in each vendor's words. A bot that is out and never was in has not "left":
// whoever reads that would look for a recording.
func TestStatusReadsEachVendorsWords(t *testing.T) {
	const v1, v2 = "", "/v2"
	for _, c := range []struct {
		kind   lanyard.RunnerKind
		answer string
		want   runner.Seen
	}{
		{lanyard.RunnerAttendee, `{"id":"bot_1","state":"scheduled","events":[]}`, runner.Seen{State: lanyard.BotScheduled, Raw: "scheduled"}},
		{lanyard.RunnerAttendee, `{"state":"joining","events":[{"type":"join_requested","sub_type":null}]}`, runner.Seen{State: lanyard.BotJoining, Raw: "joining"}},
		{lanyard.RunnerAttendee, `{"state":"waiting_room"}`, runner.Seen{State: lanyard.BotWaitingRoom, Raw: "waiting_room"}},
		{lanyard.RunnerAttendee, `{"state":"joined_recording_permission_denied"}`, runner.Seen{State: lanyard.BotJoined, Raw: "joined_recording_permission_denied"}},
		{lanyard.RunnerAttendee, `{"state":"ended","events":[{"type":"bot_left_meeting"}]}`, runner.Seen{State: lanyard.BotLeft, Raw: "ended"}},
		{lanyard.RunnerAttendee, `{"state":"ended","events":[{"type":"could_not_join","sub_type":"authorized_user_not_in_meeting_timeout_exceeded"},{"type":"post_processing_completed","sub_type":null}]}`,
			runner.Seen{State: lanyard.BotFailed, SDK: "web", Code: "4017", Raw: "authorized_user_not_in_meeting_timeout_exceeded"}},
		{lanyard.RunnerAttendee, `{"state":"fatal_error","events":[{"type":"fatal_error","sub_type":"process_terminated"}]}`, runner.Seen{State: lanyard.BotFailed, Raw: "process_terminated"}},
		{lanyard.RunnerAttendee, `{"state":"tomorrows_word"}`, runner.Seen{Raw: "tomorrows_word"}},
		{lanyard.RunnerMeetStream, `{"bot_id":"1","status":"Active"}`, runner.Seen{State: lanyard.BotReady, Raw: "Active"}},
		{lanyard.RunnerMeetStream, `{"status":"joining"}`, runner.Seen{State: lanyard.BotJoining, Raw: "joining"}},
		{lanyard.RunnerMeetStream, `{"status":"InMeeting"}`, runner.Seen{State: lanyard.BotJoined, Raw: "InMeeting"}},
		{lanyard.RunnerMeetStream, `{"status":"bot.in_waiting_room"}`, runner.Seen{State: lanyard.BotWaitingRoom, Raw: "bot.in_waiting_room"}},
		{lanyard.RunnerMeetStream, `{"status":"NotAllowed"}`, runner.Seen{State: lanyard.BotFailed, Raw: "NotAllowed"}},
		{lanyard.RunnerMeetStream, `{"status":"Stopped"}`, runner.Seen{State: lanyard.BotLeft, Raw: "Stopped"}},
		{lanyard.RunnerRecall, `{"id":"1","status_changes":[]}`, runner.Seen{State: lanyard.BotScheduled, Raw: "no status yet"}},
		{lanyard.RunnerRecall, `{"status_changes":[{"code":"joining_call","sub_code":null},{"code":"in_waiting_room"}]}`, runner.Seen{State: lanyard.BotWaitingRoom, Raw: "in_waiting_room"}},
		{lanyard.RunnerRecall, `{"status_changes":[{"code":"in_call_recording"},{"code":"breakout_room_entered"}]}`, runner.Seen{State: lanyard.BotJoined, Raw: "in_call_recording"}},
		{lanyard.RunnerRecall, `{"status_changes":[{"code":"in_call_recording"},{"code":"call_ended","sub_code":"call_ended_by_host"},{"code":"done"}]}`, runner.Seen{State: lanyard.BotLeft, Raw: "done"}},
		{lanyard.RunnerRecall, `{"status_changes":[{"code":"in_waiting_room"},{"code":"call_ended","sub_code":"timeout_exceeded_waiting_room"},{"code":"done"}]}`,
			runner.Seen{State: lanyard.BotFailed, Raw: "call_ended: timeout_exceeded_waiting_room"}},
		{lanyard.RunnerRecall, `{"status_changes":[{"code":"joining_call"},{"code":"fatal","sub_code":"zoom_obf_user_not_in_meeting"},{"code":"media_expired"}]}`,
			runner.Seen{State: lanyard.BotFailed, SDK: "web", Code: "4017", Raw: "fatal: zoom_obf_user_not_in_meeting"}},
		{lanyard.RunnerMeetingBaaS + v2, `{"success":true,"data":{"bot_id":"1","status":"in_call_recording","transcription_status":"not-started"}}`, runner.Seen{State: lanyard.BotJoined, Raw: "in_call_recording"}},
		{lanyard.RunnerMeetingBaaS + v2, `{"success":true,"data":{"status":"failed","error_code":"WAITING_FOR_HOST_TIMEOUT"}}`,
			runner.Seen{State: lanyard.BotFailed, SDK: "web", Code: "4017", Raw: "failed: WAITING_FOR_HOST_TIMEOUT"}},
		{lanyard.RunnerMeetingBaaS + v2, `{"success":true,"data":{"status":"queued"}}`, runner.Seen{State: lanyard.BotReady, Raw: "queued"}},
		{lanyard.RunnerMeetingBaaS + v1, `not asked`, runner.Seen{}},
		{lanyard.RunnerWebhook, `not asked`, runner.Seen{}},
	} {
		w := newWorld(t)
		srv := w.there(says(200, c.answer))
		kind, base, _ := strings.Cut(string(c.kind), "/")
		if base != "" {
			base = "/" + base
		}
		r, _ := w.runner(lanyard.RunnerKind(kind), srv.url+base)
		got, err := w.s.Status(t.Context(), r, "b1")
		if err != nil || got != c.want {
			t.Errorf("%s %s: got %+v, %v, want %+v", c.kind, c.answer, got, err, c.want)
		}
	}
}

// An answer that cannot be read says nothing about the bot, and moves it nowhere.
func TestStatusThatIsNone(t *testing.T) {
	for answer, code := range map[string]lanyard.Code{"<html>": lanyard.CodeInternal, `{"state":1}`: lanyard.CodeInternal} {
		w := newWorld(t)
		r, _ := w.runner(lanyard.RunnerAttendee, w.there(says(200, answer)).url)
		if got, err := w.s.Status(t.Context(), r, "b1"); got.State != "" || !errors.Is(err, code) && lanyard.CodeOf(err) != code {
			t.Errorf("%s: got %+v, %v", answer, got, err)
		}
	}
	w := newWorld(t)
	r, _ := w.runner(lanyard.RunnerAttendee, w.there(says(404, `{"error":"no"}`)).url)
	if got, err := w.s.Status(t.Context(), r, "b1"); got.State != "" || !errors.Is(err, lanyard.CodeRunnerRefused) {
		t.Errorf("gone: got %+v, %v, want runner_refused", got, err)
	}
}
