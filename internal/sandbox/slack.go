package sandbox

import (
	"net/http"
	"strings"
	"time"
)

func slackProvider() *provider {
	return &provider{
		id: Slack, name: "Slack", class: Strict,
		accessTTL: 12 * time.Hour, codeTTL: 10 * time.Minute,
		refuse: refuseSlack,
		answer: answerSlack,
	}
}

// refuseSlack answers 200 with {"ok":false,"error":…} (Slack API, oauth.v2.access).
func refuseSlack(w http.ResponseWriter, f *refusal) {
	words := map[cause]string{
		causeRequest: "invalid_arguments", causeGrantType: "invalid_grant_type",
		causeUnknown: "invalid_client_id", causeSecret: "bad_client_secret", causeDisabled: "invalid_client_id",
		causeCode: "invalid_code", causeCodeUsed: "code_already_used", causeCodeExpired: "code_expired",
		causeRedirect: "bad_redirect_uri", causeVerifier: "invalid_code_verifier",
		causeRefresh: "invalid_refresh_token", causeRefreshUsed: "invalid_refresh_token",
		causeRefreshOld: "invalid_refresh_token", causeRevoked: "invalid_refresh_token",
		causeScope: "invalid_scope", causeNotPermitted: "token_rotation_not_enabled",
	}
	slackFail(w, words[f.cause])
}

func slackFail(w http.ResponseWriter, word string) {
	writeJSON(w, http.StatusOK, object{"ok": false, "error": word})
}

// answerSlack puts the bot's token at the top and the person's into authed_user, each with its own refresh token.
func answerSlack(s *Sandbox, w http.ResponseWriter, _ *http.Request, out []issued) {
	who, client := out[0].grant.person, out[0].grant.client
	authed := object{"id": who.ID}
	body := object{
		"ok": true, "app_id": slackID("A", client.ID), "authed_user": authed,
		"team": object{"id": who.AccountID, "name": who.Account}, "enterprise": nil, "is_enterprise_install": false,
	}
	for _, one := range out {
		into := body
		// A code's user token is nested; a refreshed one comes alone and at the top.
		if one.grant.kind == "user" && one.code != nil {
			into = authed
		}
		if one.grant.kind == "bot" {
			into["bot_user_id"] = slackID("B", client.ID+who.AccountID)
		}
		into["access_token"] = one.access
		into["token_type"] = one.grant.kind
		into["scope"] = strings.Join(one.scopes, ",")
		if one.refresh != "" {
			into["refresh_token"] = one.refresh
		}
		if one.expiresIn > 0 {
			into["expires_in"] = int(one.expiresIn.Seconds())
		}
	}
	writeJSON(w, http.StatusOK, body)
}

func slackID(letter, of string) string {
	return letter + strings.ToUpper(Fingerprint(of)[:10])
}

// slackCaller reads the token from the header, or the form or query as Slack also allows.
func (s *Sandbox) slackCaller(w http.ResponseWriter, r *http.Request) *token {
	text := bearer(r)
	if text == "" {
		text = r.FormValue("token")
	}
	if text == "" {
		slackFail(w, "not_authed")
		return nil
	}
	t, why := s.present(Slack, text)
	switch {
	case why == "unknown":
		slackFail(w, "invalid_auth")
	case why == "revoked":
		slackFail(w, "token_revoked")
	case why == "expired":
		slackFail(w, "token_expired")
	case t.grant.person.Status != "active":
		slackFail(w, "account_inactive")
	default:
		w.Header().Set("X-OAuth-Scopes", strings.Join(t.scopes, ","))
		return t
	}
	return nil
}

// slackTest is auth.test: who a token is.
func (s *Sandbox) slackTest(w http.ResponseWriter, r *http.Request) {
	t := s.slackCaller(w, r)
	if t == nil {
		return
	}
	who := t.grant.person
	body := object{
		"ok": true, "url": s.base + "/slack/", "team": who.Account, "team_id": who.AccountID,
		"user": strings.ToLower(who.First), "user_id": who.ID, "is_enterprise_install": false,
	}
	if t.grant.kind == "bot" {
		of := t.grant.client.ID + who.AccountID
		body["user"], body["user_id"], body["bot_id"] = strings.ToLower(t.grant.client.Name), slackID("B", of), slackID("B", "bot"+of)
	}
	writeJSON(w, http.StatusOK, body)
}

// slackRevoke is auth.revoke: it ends the one token that is shown, with the refresh token beside it; test=1 only says so.
func (s *Sandbox) slackRevoke(w http.ResponseWriter, r *http.Request) {
	t := s.slackCaller(w, r)
	if t == nil {
		return
	}
	test := r.FormValue("test")
	revoke := test == "" || test == "0" || test == "false"
	if revoke {
		s.end(t.grant, "revoked_by_client")
	}
	writeJSON(w, http.StatusOK, object{"ok": true, "revoked": revoke})
}

// tellUninstalled sends Slack's tokens_revoked event.
func (s *Sandbox) tellUninstalled(c *Client, who *Person) {
	s.tell(c, "tokens_revoked", who, "", slackEvent(c, who, object{"type": "tokens_revoked", "tokens": slackTokens(c, who)}))
}
