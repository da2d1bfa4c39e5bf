package store

import "time"

// SetNow sets the clock that tells how old a file is.
func (s *Store) SetNow(now func() time.Time) { s.now = now }
