// Package zoom is what the catalogue's data cannot say about Zoom: the tokens its meetings take, and its links.
package zoom

import (
	"context"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// Zoom has the abilities. The zero value is ready.
type Zoom struct{}

func (Zoom) JoinTokens() []provider.JoinToken { return nil }
func (Zoom) OnBehalfToken(ctx context.Context, t *provider.Target, tokens lanyard.TokenSet, meeting string) (lanyard.Secret, time.Time, error) {
	return lanyard.Secret{}, time.Time{}, nil
}
func (Zoom) ZAK(ctx context.Context, t *provider.Target, tokens lanyard.TokenSet) (lanyard.Secret, time.Time, error) {
	return lanyard.Secret{}, time.Time{}, nil
}
func (Zoom) LocalRecordingToken(ctx context.Context, t *provider.Target, tokens lanyard.TokenSet, meeting string) (lanyard.Secret, time.Time, error) {
	return lanyard.Secret{}, time.Time{}, nil
}
func (Zoom) ParseMeetingLink(text string) (provider.Meeting, error) { return provider.Meeting{}, nil }
