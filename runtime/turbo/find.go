package turbo

import (
	"errors"
	"fmt"

	"github.com/seed45885407/saccade/runtime/turbo/library"
)

// Find opens the first library that will open of those that package library names,
// and returns its name too. The error tells of all of them.
func Find(named string) (*Library, string, error) {
	var faults []error
	for _, name := range library.Names(named) {
		l, err := Open(name)
		if err == nil {
			return l, name, nil
		}
		faults = append(faults, err)
	}
	return nil, "", fmt.Errorf("no libjpeg-turbo: `./task setup` fetches version %s, and SACCADE_TURBOJPEG names another place: %w",
		library.Version, errors.Join(faults...))
}
