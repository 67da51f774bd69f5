package chaostest_test

import (
	"fmt"
	"slices"
	"time"
)

// issue makes the family's next tokens. h.mu is held.
func (h *hostile) issue(f *family) tokens {
	t := tokens{access: newToken("a"), refresh: newToken("r")}
	h.owner[t.access] = f.person
	if h.class == static && f.newest != nil {
		t.refresh = f.newest.value
		return t
	}
	f.newest = &refreshToken{value: t.refresh, family: f, number: len(h.refresh)}
	h.refresh[t.refresh] = f.newest
	return t
}

// lives says whether the last refresh token that reached the product still renews.
func (h *hostile) lives(person string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := h.last(person)
	return last != nil && h.renews(last)
}

// last is a person's newest refresh token that reached the product. h.mu is held.
func (h *hostile) last(person string) (last *refreshToken) {
	for _, rt := range h.refresh {
		if rt.family.person == person && rt.given && (last == nil || rt.number > last.number) {
			last = rt
		}
	}
	return last
}

// renews says what using a refresh token would come to. h.mu is held.
func (h *hostile) renews(rt *refreshToken) bool {
	switch {
	case rt.family.dead || rt.family.revoked:
		return false
	case h.class == static || h.class == overlap || rt.spentAt.IsZero():
		return true
	case h.class == grace:
		return time.Since(rt.spentAt) < graceFor
	}
	return false
}

// revoke is the person withdrawing access at the provider.
func (h *hostile) revoke(person string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, rt := range h.refresh {
		if rt.family.person == person {
			rt.family.revoked = true
		}
	}
}

// personOf is whose an access token is; "": nobody's.
func (h *hostile) personOf(access string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.owner[access]
}

// count is how many renewals came so far, and faults what the product did that it must not.
func (h *hostile) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.calls)
}

// questions is how many renewals and probes of the client's secret came so far.
func (h *hostile) questions() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked
}

// faults is what the product did that it must not.
func (h *hostile) faults() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.wrong)
}

// tokens are what one answer brings.
type tokens struct{ access, refresh string }

func (t tokens) json(withRefresh bool) string {
	if !withRefresh {
		return fmt.Sprintf(`{"access_token":"%s","token_type":"Bearer","expires_in":3600}`, t.access)
	}
	return fmt.Sprintf(`{"access_token":"%s","token_type":"Bearer","refresh_token":"%s","expires_in":3600}`, t.access, t.refresh)
}
