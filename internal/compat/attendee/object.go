package attendee

import (
	"net/http"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/connection"
)

// object is a connection as Attendee shows it.
type object struct {
	ID         string            `json:"id"`
	App        string            `json:"zoom_oauth_app_id"`
	User       string            `json:"user_id"`
	Account    string            `json:"account_id"`
	State      string            `json:"state"`
	Metadata   map[string]string `json:"metadata"`
	Recording  bool              `json:"is_local_recording_token_supported"`
	OnBehalf   bool              `json:"is_onbehalf_token_supported"`
	Failure    *failure          `json:"connection_failure_data"`
	CreatedAt  stamp             `json:"created_at"`
	UpdatedAt  stamp             `json:"updated_at"`
	SyncedAt   *stamp            `json:"last_successful_sync_at"`
	SyncTrying *stamp            `json:"last_attempted_sync_at"`
}

type failure struct {
	Error     string `json:"error"`
	Timestamp string `json:"timestamp"` // with an offset, as Python's isoformat has it
}

// stamp is a time with microseconds and Z.
type stamp time.Time

const micros = "2006-01-02T15:04:05.000000"

func (s stamp) MarshalText() ([]byte, error) {
	return []byte(time.Time(s).UTC().Format(micros) + "Z"), nil
}

// account is a connection as Attendee has it: one for each account of an app, whatever became
// of it.
type account = connection.Succession

// accountOf finds what else there is of a connection's account.
func (a *API) accountOf(r *http.Request, p lanyard.Principal, c connection.View) (account, error) {
	is, err := a.Connections.Successions(r.Context(), p.Also(lanyard.ScopeRead), []connection.View{c})
	if err != nil {
		return account{}, err
	}
	return is[0], nil
}

// objects shows connections, in their order.
func (a *API) objects(r *http.Request, list ...account) ([]object, error) {
	ids := make([]lanyard.GrantID, len(list))
	for i, c := range list {
		ids[i] = c.Connection.Grant
	}
	listed, err := a.Meetings.Listed(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	out := []object{}
	for _, c := range list {
		o := object{ID: c.First().ID.Vendor("zoc_"), App: "zoa_" + strings.TrimPrefix(string(c.App), "app_"), User: c.Account.ID, Account: c.Account.OrganizationID,
			State: "connected", Metadata: c.Metadata, Recording: can(c.View, forRecording), OnBehalf: can(c.View, forOnBehalf),
			CreatedAt: stamp(c.First().CreatedAt), UpdatedAt: stamp(c.UpdatedAt)}
		if o.User == "" { // what was read of the account is erased; this is what the customer calls them
			o.User, _ = strings.CutPrefix(c.Person.Ref, zoom+":")
		}
		if len(o.Metadata) == 0 {
			o.Metadata = nil
		}
		if at := listed[c.Connection.Grant]; !at.IsZero() {
			s := stamp(at)
			o.SyncedAt, o.SyncTrying = &s, &s
		}
		if c.Status == lanyard.StatusNeedsReauth || c.Status == lanyard.StatusRevoked {
			since := c.UpdatedAt
			if c.Status == lanyard.StatusNeedsReauth && !c.Grant.DeadAt.IsZero() {
				since = c.Grant.DeadAt
			}
			o.State, o.Failure = "disconnected", &failure{lanyard.AttendeeFailure(c.Grant.Reason), since.UTC().Format(micros) + "+00:00"}
		}
		out = append(out, o)
	}
	return out, nil
}

// can says whether a connection is meant for what needs these scopes: as it was posted, or
// by what was granted where people were asked by a page of ours.
func can(c connection.View, scopes []string) bool {
	has := c.Needed
	if c.Origin != lanyard.OriginUnbound {
		has = c.Grant.Scopes
	}
	return len(lanyard.MissingScopes(scopes, has)) == 0
}
