//go:build !linux

package local

import (
	"errors"
	"time"
)

// cpuTime is not known here.
func cpuTime(int) (time.Duration, error) { return 0, errors.ErrUnsupported }
