package provider

import (
	"fmt"
	"slices"
	"strings"

	"lanyard"
)

// verdictOutcomes are the outcomes an error code can mean.
var verdictOutcomes = []lanyard.Outcome{lanyard.OutcomeRejected, lanyard.OutcomeInteraction, lanyard.OutcomeAppError, lanyard.OutcomeThrottled, lanyard.OutcomeUnknown}

// UnmarshalText reads "rejected" or "rejected user_revoked".
func (v *Verdict) UnmarshalText(b []byte) error {
	outcome, reason, _ := strings.Cut(string(b), " ")
	*v = Verdict{Outcome: lanyard.Outcome(outcome), Reason: lanyard.Code(reason)}
	return v.check()
}

// MarshalText is the opposite of UnmarshalText.
func (v Verdict) MarshalText() ([]byte, error) {
	return []byte(strings.TrimSpace(string(v.Outcome) + " " + string(v.Reason))), nil
}

func (v Verdict) check() error {
	if !slices.Contains(verdictOutcomes, v.Outcome) {
		return fmt.Errorf("%q is not one of rejected, interaction, app_error, throttled, unknown", v.Outcome)
	}
	if v.Reason != "" && lanyard.RowOf(v.Reason).Code != v.Reason {
		return fmt.Errorf("reason %q is not a code of docs/errors.md", v.Reason)
	}
	return nil
}
