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
	return s.PublicURL + "/connect/rc." + payload + "." + s.linkMAC(payload)
}

// ReadReconnect returns whose link it is. Errors: link_unknown, link_expired.
func (s *Service) ReadReconnect(link string) (lanyard.ProjectID, lanyard.ConnectionID, time.Time, error) {
	parts := strings.Split(link, ".")
	if len(parts) != 5 || parts[0] != "rc" {
		return "", "", time.Time{}, lanyard.Errorf(lanyard.CodeLinkUnknown, "")
	}
	payload := strings.Join(parts[1:4], ".")
	if subtle.ConstantTimeCompare([]byte(s.linkMAC(payload)), []byte(parts[4])) != 1 {
		return "", "", time.Time{}, lanyard.Errorf(lanyard.CodeLinkUnknown, "")
	}
	unix, err := strconv.ParseInt(parts[3], 10, 64)
	if err != nil {
		return "", "", time.Time{}, lanyard.Errorf(lanyard.CodeLinkUnknown, "")
	}
	until := time.Unix(unix, 0)
	if time.Now().After(until) {
		return "", "", until, lanyard.Errorf(lanyard.CodeLinkExpired, "")
	}
	return lanyard.ProjectID(parts[1]), lanyard.ConnectionID(parts[2]), until, nil
}

func (s *Service) linkMAC(payload string) string {
	return base64.RawURLEncoding.EncodeToString(s.Vault.Digest("", "reconnect-link", payload))
}
