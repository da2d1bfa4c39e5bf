package render

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strconv"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// seconds is d rounded up to whole ones, as Knative counts.
func seconds(d functions.Duration) time.Duration {
	return (time.Duration(d) + time.Second - 1).Truncate(time.Second)
}

// number is v as an annotation has it.
func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func hexSum(r io.Reader) (string, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
