//go:build !linux

package main

import "time"

// processStart is not known here.
func processStart() (time.Time, bool) { return time.Time{}, false }
