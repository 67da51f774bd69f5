package flow

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/fault"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// Callback takes the provider's answer: state, cookie and issuer are checked and
// the state is spent before anything else happens. See Pages.
func (s *Service) Callback(ctx context.Context, r CallbackRequest) (Arrival, error) {
	params, err := s.unwrap(ctx, r)
	if err != nil {
		return Arrival{}, err
	}
	state := params.Get("state")
	if state == "" || len(state) > 128 {
		return Arrival{}, lanyard.Errorf(lanyard.CodeAttemptUnknown, "")
	}
	var f lanyard.Flow
	var in lanyard.Session
	var now time.Time
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		if now, err = q.Now(); err != nil {
			return err
		}
		if f, err = q.FlowByState(s.Vault.Digest("", "state", state)); err != nil {
			return err
		}
		if f.Session == "" { // an own-callback flow does not come here
			return lanyard.Errorf(lanyard.CodeAttemptUnknown, "")
		}
		in, err = q.Session(f.Project, f.Session)
		return err
	})
	switch {
	case errors.Is(err, lanyard.NotFound):
		return Arrival{}, lanyard.Errorf(lanyard.CodeAttemptUnknown, "")
	case err != nil:
		return Arrival{}, err
	case f.App != r.App: // another app's answer (T03)
		return Arrival{}, lanyard.Errorf(lanyard.CodeIssuerMismatch, "")
	case f.State != lanyard.FlowStarted:
		return Arrival{}, lanyard.Errorf(lanyard.CodeAttemptUnknown, "")
	}
	// Another browser's answer changes nothing: whoever began may still finish (T01, T02).
	cookie := r.Cookie(cookieName(f.StateHash))
	if cookie == "" || subtle.ConstantTimeCompare(s.Vault.Digest("", "flow-cookie", cookie), f.CookieHash) != 1 {
		return Arrival{}, lanyard.Errorf(lanyard.CodeBrowserMismatch, "")
	}
	out, err := s.answered(ctx, r, f, in, now, params)
	out.ClearCookie = cookieName(f.StateHash) // its state is spent
	return out, err
}

// answered takes the provider's answer to a flow, in the browser that began it.
func (s *Service) answered(ctx context.Context, r CallbackRequest, f lanyard.Flow, in lanyard.Session, now time.Time, params url.Values) (Arrival, error) {
	switch {
	case now.After(f.ExpiresAt):
		return s.over(ctx, r, f, in, lanyard.CodeAttemptExpired)
	case in.State == lanyard.SessionConnected: // another trip of this invitation was faster
		return s.over(ctx, r, f, in, lanyard.CodeLinkUsed)
	}
	d, err := s.openData(ctx, f)
	if err != nil {
		return Arrival{}, err
	}
	t, err := s.Providers.RestoreTarget(d.Target)
	if err != nil {
		return Arrival{}, err
	}
	if t.CheckIssuer(params.Get("iss"), params.Has("iss")) != nil { // RFC 9207 §2.4
		return s.over(ctx, r, f, in, lanyard.CodeIssuerMismatch)
	}
	if code := refused(params); code != "" {
		return s.over(ctx, r, f, in, code)
	}
	code := params.Get("code")
	if code == "" || len(code) > 8192 {
		return s.over(ctx, r, f, in, lanyard.CodeProviderAnswerInvalid)
	}
	d.Granted = now
	if f.Sealed, err = s.sealData(ctx, f, d); err != nil {
		return Arrival{}, fmt.Errorf("note when it was granted: %w", err)
	}
	if in.Purpose != forConnect {
		out, err := s.atOnce(ctx, r, f, in, d, lanyard.NewSecret(code))
		out.ProviderName = t.Name
		return out, err
	}
	return s.park(ctx, r, f, in, t.CodeTTL, lanyard.NewSecret(code))
}

// park seals the code without trading it: whose browser this is, only the
// customer's backend knows (T01). It gets a one-use completion for it.
func (s *Service) park(ctx context.Context, r CallbackRequest, f lanyard.Flow, in lanyard.Session, codeTTL time.Duration, code lanyard.Secret) (Arrival, error) {
	lives := completionFor
	if codeTTL > 5*time.Second {
		lives = min(lives, codeTTL-5*time.Second)
	}
	completion := "cmp_" + lanyard.Random(32)
	e, err := s.entry(ctx, f, lanyard.ActConsentParked, r.Origin, r.RequestID)
	if err != nil {
		return Arrival{}, err
	}
	f.StateHash, f.State = nil, lanyard.FlowParked
	f.CompletionHash = s.Vault.Digest("", "completion", completion)
	if f.Parked, err = s.Vault.Seal(ctx, vault.ProjectKey(f.Project), flowPlace(f, "flows.parked"), code); err != nil {
		return Arrival{}, fmt.Errorf("park code: %w", err)
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		f.CompletionExpiresAt = tx.Now().Add(lives)
		return e, s.move(tx, f, lanyard.FlowStarted)
	})
	if err != nil {
		return Arrival{}, err
	}
	_ = fault.At(ctx, fault.FlowParked)
	return arrive(in, "lanyard_completion", completion), nil
}

// over ends a flow at the callback. The invitation stays open: the person may
// try again.
func (s *Service) over(ctx context.Context, r CallbackRequest, f lanyard.Flow, in lanyard.Session, code lanyard.Code) (Arrival, error) {
	what := lanyard.ActConsentRefused
	if code == lanyard.CodeConsentDenied || code == lanyard.CodeAdminApprovalNeeded {
		what = lanyard.ActConsentDenied
	}
	e, err := s.entry(ctx, f, what, r.Origin, r.RequestID)
	if err != nil {
		return Arrival{}, err
	}
	e.Outcome, e.Code = "failed", code
	f.StateHash, f.Parked, f.State, f.Error = nil, nil, lanyard.FlowFailed, code
	err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		if err := s.move(tx, f, lanyard.FlowStarted); err != nil {
			return lanyard.Entry{}, err
		}
		return e, noteError(tx, f, code)
	})
	if err != nil {
		return Arrival{}, err
	}
	if in.ReturnURL == "" && in.Origin == "" {
		return Arrival{}, lanyard.Errorf(code, "")
	}
	return arrive(in, "lanyard_error", string(code)), nil
}

// move takes a step, or says that somebody else has taken it.
func (s *Service) move(tx *store.Tx, f lanyard.Flow, from lanyard.FlowState) error {
	ok, err := tx.MoveFlow(f, from)
	if err == nil && !ok {
		err = lanyard.Errorf(lanyard.CodeAttemptUnknown, "")
	}
	return err
}

// arrive is the way back to the customer's page, the return URL being the one
// that was compared when the invitation was made.
func arrive(in lanyard.Session, name, value string) Arrival {
	a := Arrival{Origin: in.Origin, Message: map[string]string{name: value, "session": string(in.ID)}}
	if in.ReturnURL == "" {
		a.Done = true
		return a
	}
	u, err := url.Parse(in.ReturnURL)
	if err != nil { // it was valid when it was compared
		a.Done = true
		return a
	}
	q := u.Query()
	q.Set(name, value)
	if in.ID != "" { // a signed link that nobody has continued from has none
		q.Set("lanyard_session", string(in.ID))
	}
	u.RawQuery = q.Encode()
	a.RedirectURL = u.String()
	return a
}

// refused maps the error of an authorization response (RFC 6749 §4.1.2.1). Its
// text is not looked at, but for the mark of an approval that is missing.
func refused(params url.Values) lanyard.Code {
	switch params.Get("error") {
	case "":
		return ""
	case "access_denied", "consent_required", "interaction_required", "user_cancelled_login", "user_cancelled_authorize":
		// Entra says in the text alone that an administrator has to approve (AADSTS90094, 90095).
		if text := params.Get("error_description"); strings.HasPrefix(text, "AADSTS90094") || strings.HasPrefix(text, "AADSTS90095") {
			return lanyard.CodeAdminApprovalNeeded
		}
		return lanyard.CodeConsentDenied
	case "admin_policy_enforced", "org_internal", "team_access_not_granted", "org_login_required":
		return lanyard.CodeAdminApprovalNeeded
	case "invalid_scope":
		return lanyard.CodeConsentScopeRefused
	case "server_error", "temporarily_unavailable":
		return lanyard.CodeProviderUnavailable
	}
	return lanyard.CodeAppMisconfigured
}

type handle struct {
	Params url.Values `json:"p"`
	Until  int64      `json:"u"` // Unix seconds
}

// Hold keeps the parameters of a callback by POST for a minute, in the handle
// itself: sealed, so that nothing is stored for a caller we cannot name. See Pages.
func (s *Service) Hold(ctx context.Context, id lanyard.AppID, params url.Values) (string, error) {
	a, err := s.appByID(ctx, id)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(handle{params, time.Now().Add(handleFor).Unix()})
	if err != nil {
		return "", err
	}
	sealed, err := s.Vault.Seal(ctx, vault.ProjectKey(a.Project), handlePlace(a.Project, id), lanyard.SecretBytes(raw))
	return base64.RawURLEncoding.EncodeToString(append(s.handleMAC(sealed), sealed...)), err
}

// handleMAC lets a handle be refused before the vault is asked to open it: what a
// stranger made up is no security event.
func (s *Service) handleMAC(sealed []byte) []byte {
	return s.Vault.Digest("", "callback-handle", string(sealed))
}

// unwrap opens a handle, and refuses a parameter that is there twice (RFC 6749 §3.1).
func (s *Service) unwrap(ctx context.Context, r CallbackRequest) (url.Values, error) {
	params := r.Params
	if sealed := params.Get("lanyard_handle"); sealed != "" {
		raw, err := base64.RawURLEncoding.DecodeString(sealed)
		if err != nil || len(raw) < 32 || subtle.ConstantTimeCompare(s.handleMAC(raw[32:]), raw[:32]) != 1 {
			return nil, lanyard.Errorf(lanyard.CodeAttemptUnknown, "")
		}
		a, err := s.appByID(ctx, r.App)
		if err != nil {
			return nil, err
		}
		opened, err := s.Vault.Open(ctx, vault.ProjectKey(a.Project), handlePlace(a.Project, r.App), raw[32:])
		if err != nil {
			return nil, lanyard.Errorf(lanyard.CodeAttemptUnknown, "")
		}
		var h handle
		if err := json.Unmarshal(opened.Reveal(), &h); err != nil || time.Now().Unix() > h.Until {
			return nil, lanyard.Errorf(lanyard.CodeAttemptExpired, "")
		}
		params = h.Params
	}
	for _, name := range []string{"state", "code", "iss", "error"} {
		if len(params[name]) > 1 {
			return nil, lanyard.Errorf(lanyard.CodeAttemptUnknown, "")
		}
	}
	return params, nil
}

func (s *Service) appByID(ctx context.Context, id lanyard.AppID) (a lanyard.App, err error) {
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		a, err = q.AppByID(id)
		return err
	})
	if errors.Is(err, lanyard.NotFound) {
		err = lanyard.Errorf(lanyard.CodeAttemptUnknown, "")
	}
	return a, err
}
