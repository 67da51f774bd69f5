package connection

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lanyard"
)

// ReconnectFor is how long a reconnect link works.
const ReconnectFor = 7 * 24 * time.Hour

// ReconnectURL is a signed link with which the person can connect the same
// account again. Nothing is stored: opening it shows an invitation, and pressing
// Continue makes one.
func (s *Service) ReconnectURL(c lanyard.Connection) string {
	payload := fmt.Sprintf("%s.%s.%d", c.Project, c.ID, time.Now().Add(ReconnectFor).Unix())
	return s.PublicURL + "/connect/rc." + payload + "." + s.mac("reconnect-link", payload)
}

// ReadReconnect returns whose link it is. Errors: link_unknown, link_expired.
func (s *Service) ReadReconnect(link string) (lanyard.ProjectID, lanyard.ConnectionID, time.Time, error) {
	parts, until, err := s.readLink("rc", "reconnect-link", 2, link)
	if err != nil {
		return "", "", until, err
	}
	return lanyard.ProjectID(parts[0]), lanyard.ConnectionID(parts[1]), until, nil
}

func (s *Service) mac(purpose, payload string) string {
	return base64.RawURLEncoding.EncodeToString(s.Vault.Digest("", purpose, payload))
}

// readLink returns the parts of a signed link between its kind and the time of its end.
func (s *Service) readLink(kind, purpose string, n int, link string) ([]string, time.Time, error) {
	unknown := lanyard.Errorf(lanyard.CodeLinkUnknown, "")
	parts := strings.Split(link, ".")
	if len(parts) != n+3 || parts[0] != kind {
		return nil, time.Time{}, unknown
	}
	payload := strings.Join(parts[1:n+2], ".")
	if subtle.ConstantTimeCompare([]byte(s.mac(purpose, payload)), []byte(parts[n+2])) != 1 {
		return nil, time.Time{}, unknown
	}
	unix, err := strconv.ParseInt(parts[n+1], 10, 64)
	if err != nil {
		return nil, time.Time{}, unknown
	}
	until := time.Unix(unix, 0)
	if time.Now().After(until) {
		return nil, until, lanyard.Errorf(lanyard.CodeLinkExpired, "")
	}
	return parts[1 : n+1], until, nil
}

// connectFor is how long a connect link works at least, and an hour more at most: as long as
// an invitation can.
const connectFor = 24 * time.Hour

// Connect is what a connect link means: the person may connect at the app, in the name of
// a token URL that is for them.
type Connect struct {
	Project  lanyard.ProjectID
	TokenURL lanyard.TokenURLID
	App      lanyard.AppID
	Person   lanyard.PersonID
}

// ConnectURL is a signed link to an invitation, as ReconnectURL is one: nothing is stored
// until Continue. Unlike that, it ends at the customer's page, where only the person's own
// session can complete it, and only with the account that has their e-mail address (T01). It
// is the same for an hour.
func (s *Service) ConnectURL(c Connect) string {
	payload := fmt.Sprintf("%s.%s.%s.%s.%d", c.Project, c.TokenURL, c.App, c.Person, time.Now().Truncate(time.Hour).Add(connectFor+time.Hour).Unix())
	return s.PublicURL + "/connect/" + ConnectPrefix + payload + "." + s.mac("token-url-connect-link", payload)
}

// ConnectPrefix is what connect links begin with.
const ConnectPrefix = "cl."

// ReadConnect returns what a link means, and until when. Errors: link_unknown, link_expired.
func (s *Service) ReadConnect(link string) (Connect, time.Time, error) {
	parts, until, err := s.readLink("cl", "token-url-connect-link", 4, link)
	if err != nil {
		return Connect{}, until, err
	}
	return Connect{lanyard.ProjectID(parts[0]), lanyard.TokenURLID(parts[1]), lanyard.AppID(parts[2]), lanyard.PersonID(parts[3])}, until, nil
}
