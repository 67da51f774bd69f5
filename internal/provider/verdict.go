package provider

import (
	"fmt"
	"slices"
	"strings"

	"lanyard"
)

// Verdict is what an error means: an outcome and, after a space, the reason if it is known: "rejected user_revoked". The keys of
// Definition.Errors are, most telling first: "AADSTS50173", a number such as "4741", "invalid_grant/invalid_rapt" (error and
// subtype), "reason:Invalid Token!", "invalid_grant".
type Verdict string

// verdictOutcomes are the outcomes an error can mean.
var verdictOutcomes = []lanyard.Outcome{lanyard.OutcomeRejected, lanyard.OutcomeInteraction, lanyard.OutcomeAppError, lanyard.OutcomeThrottled, lanyard.OutcomeUnknown}

// Outcome is the first word.
func (v Verdict) Outcome() lanyard.Outcome {
	o, _, _ := strings.Cut(string(v), " ")
	return lanyard.Outcome(o)
}

// Reason is the second word, a code of docs/errors.md; "": the outcome's own.
func (v Verdict) Reason() lanyard.Code {
	_, r, _ := strings.Cut(string(v), " ")
	return lanyard.Code(r)
}

func (v Verdict) check() error {
	if !slices.Contains(verdictOutcomes, v.Outcome()) {
		return fmt.Errorf("%q is not one of rejected, interaction, app_error, throttled, unknown", v.Outcome())
	}
	if r := v.Reason(); r != "" && lanyard.RowOf(r).Code != r {
		return fmt.Errorf("reason %q is not a code of docs/errors.md", string(r))
	}
	return nil
}
