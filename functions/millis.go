package functions

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// MarshalJSON writes milliseconds with three decimals at most: 12.345.
func (m Millis) MarshalJSON() ([]byte, error) {
	us := time.Duration(m).Round(time.Microsecond).Microseconds()
	return strconv.AppendFloat(nil, float64(us)/1000, 'f', -1, 64), nil
}

// UnmarshalJSON reads milliseconds.
func (m *Millis) UnmarshalJSON(text []byte) error {
	ms, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsNaN(ms) || math.Abs(ms) > math.MaxInt64/1e6 {
		return fmt.Errorf("%q is no number of milliseconds", text)
	}
	*m = Millis(ms * float64(time.Millisecond))
	return nil
}
