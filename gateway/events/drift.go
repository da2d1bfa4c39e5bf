package events

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// Drifted is the event that tells of a change: drifted where signals began to drift,
// settled where they came back. Its subject is the function. What is told twice has
// one id.
func Drifted(source string, change functions.DriftChange) (Event, error) {
	data, err := json.Marshal(change)
	if err != nil {
		return Event{}, fmt.Errorf("writing the change: %w", err)
	}
	kind := TypeDrifted
	if !change.Drifted {
		kind = TypeSettled
	}
	sum := sha256.Sum256(data)
	return Event{
		ID: hex.EncodeToString(sum[:16]), Source: strings.TrimSuffix(source, "/") + "/functions/" + url.PathEscape(change.Function), Type: kind,
		Subject: change.Function, Time: change.At, DataContentType: "application/json", Data: data,
	}, nil
}
