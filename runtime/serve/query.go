package serve

import (
	"net/url"
	"strconv"

	"github.com/seed45885407/saccade/functions"
)

// parameters reads the query of a detection. It refuses what it does not know:
// a misspelt parameter must not be one that was not given.
func parameters(query string) (ask functions.Parameters, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return ask, functions.Errorf(functions.Invalid, "the query cannot be understood").Because(err)
	}
	for name, list := range values {
		value := list[len(list)-1]
		switch name {
		case "min_score":
			score, err := strconv.ParseFloat(value, 64)
			if err != nil || !(score >= 0 && score <= 1) { // NaN is neither
				return ask, functions.Errorf(functions.Invalid, "min_score is a number between 0 and 1")
			}
			ask.MinScore = &score
		case "draw":
			if value != "" && value != "png" && value != "jpeg" {
				return ask, functions.Errorf(functions.Invalid, "draw is png or jpeg")
			}
			ask.Draw = value
		default:
			return ask, functions.Errorf(functions.Invalid, "there is no parameter %.64q; there are min_score and draw", name)
		}
	}
	return ask, nil
}
