package grant

import (
	"errors"
	"sync"
	"time"

	"lanyard"
)

const (
	outageLeast = 5 * time.Second  // what is shorter is no outage: no class is so impatient
	settleFor   = 10 * time.Second // two rounds of Offer, on every node
)

// outage is what this process has noticed of the database being away. When it comes
// back, everybody comes at once: those who have received an answer meanwhile, and
// those who would take over from them, since the patience of the class (MayTryAt) has
// passed while nobody could have stored anything. The former go first.
type outage struct {
	settle time.Duration

	mu   sync.Mutex
	from time.Time // zero: it is there
	back time.Time // from the last outage; zero: there was none
}

// failed notes an error of the database, if it is one that says that it is away.
func (o *outage) failed(err error) {
	if errors.Is(err, lanyard.CodeStoreUnavailable) {
		o.asked(time.Now(), err)
	}
}

// asked notes how it went when it was asked, then, whether it is there. A slow answer
// says that it was not.
func (o *outage) asked(began time.Time, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.from.IsZero() {
		o.from = began
	}
	if err != nil {
		return
	}
	if time.Since(o.from) >= outageLeast {
		o.back = time.Now()
	}
	o.from = time.Time{}
}

// is says whether it is away, as far as is known.
func (o *outage) is() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.from.IsZero()
}

// lasts says whether it is away, or was until a moment ago.
func (o *outage) lasts() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.from.IsZero() && time.Since(o.from) >= outageLeast || !o.back.IsZero() && time.Since(o.back) < o.settle
}
