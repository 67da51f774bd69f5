package webhook

import (
	"net/http"
	"time"

	"lanyard"
)

// NewSecret makes what calls are signed with: to an endpoint, or to a runner of bots.
func NewSecret() lanyard.Secret { return newSecret() }

// Shown is the secret as a receiver of Standard Webhooks takes it: "whsec_…".
func Shown(s lanyard.Secret) lanyard.Secret { return shown(lanyard.FormatStandard, s) }

// Sign sets the headers of Standard Webhooks on a call: that it is this message, sent at
// this time, with this body. Who gets a message twice knows it by its id.
func Sign(h http.Header, id string, at time.Time, body []byte, s lanyard.Secret) {
	sign(h, id, at, body, []lanyard.Secret{s})
}
