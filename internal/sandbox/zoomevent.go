package sandbox

import (
	"strconv"
	"time"
)

// operator is who has made a change to a meeting, who need not be its host.
func operator(who *Person) object { return object{"operator_id": who.ID, "operator": who.Email} }

// tellMeeting sends a meeting event to the apps that the host has authorised, or who has made the change.
func (s *Sandbox) tellMeeting(event string, m *meeting, more, participant object) {
	obj := object{
		"id": m.number, "uuid": m.uuid, "host_id": m.host.ID, "topic": m.topic, "type": 2,
		"start_time": m.created.UTC().Format(time.RFC3339), "timezone": "Europe/Lisbon", "duration": 60,
	}
	switch event { // in these, Zoom writes a number
	case "meeting.created", "meeting.updated", "meeting.deleted":
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
		concerned := g.person != nil && (g.person == m.host || more["operator_id"] == g.person.ID)
		if g.ended == "" && g.client.Provider == Zoom && concerned && !told[g.client] {
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
