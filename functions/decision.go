package functions

import "time"

// Decision is one change of how many instances of a function are wanted, with its
// reason.
type Decision struct {
	At       time.Time `json:"at"`
	Revision string    `json:"revision"`
	// From and To are how many instances were wanted before and after.
	From int `json:"from"`
	To   int `json:"to"`
	// Reason is a sentence with the numbers that decided.
	Reason string `json:"reason"`
}
