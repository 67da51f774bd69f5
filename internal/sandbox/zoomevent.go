package sandbox

import (
	"strconv"
	"time"
)

// tellMeeting sends a meeting event to the apps that the host has authorised.
func (s *Sandbox) tellMeeting(event string, m *meeting, more, participant object) {
	obj := object{
		"id": m.number, "uuid": m.uuid, "host_id": m.host.ID, "topic": m.topic, "type": 2,
		"start_time": m.created.UTC().Format(time.RFC3339), "timezone": "Europe/Lisbon", "duration": 60,
	}
	if event == "meeting.created" { // there, Zoom writes a number
		obj["id"], _ = strconv.ParseInt(m.number, 10, 64)
	}
	if participant != nil {
		obj["participant"] = participant
	}
	payload := object{"account_id": m.host.AccountID, "object": obj}
	for k, v := range more {
		payload[k] = v
	}
	told := map[*Client]bool{}
	for _, g := range s.grants {
		if g.ended == "" && g.client.Provider == Zoom && g.person == m.host && !told[g.client] {
			told[g.client] = true
			s.tell(g.client, event, m.host, m.number, object{"event": event, "event_ts": time.Now().UnixMilli(), "payload": payload})
		}
	}
}

func personObject(p *Person, when string) object {
	return object{"user_id": p.ID[:8], "id": p.ID, "participant_user_id": p.ID, "user_name": p.Name(), "email": p.Email, when: time.Now().UTC().Format(time.RFC3339)}
}

func botObject(b *attendant, when string) object {
	return object{"user_id": b.id, "id": "", "user_name": b.name, "email": "", when: time.Now().UTC().Format(time.RFC3339)}
}

// tellDeauthorized says that a person took the app out.
func (s *Sandbox) tellDeauthorized(c *Client, who *Person) {
	s.tell(c, "app_deauthorized", who, "", deauthorization(c, who))
}

// deauthorization is Zoom's "app_deauthorized".
func deauthorization(c *Client, who *Person) object {
	now := time.Now()
	when := now.UTC().Format("2006-01-02T15:04:05.000Z")
	return object{
		"event": "app_deauthorized", "event_ts": now.UnixMilli(),
		"payload": object{
			"account_id": who.AccountID, "user_id": who.ID, "client_id": c.ID, "deauthorization_time": when, "user_data_retention": "false",
			"signature": mac(c.WebhookKey, c.ID+who.ID+when),
		},
	}
}
