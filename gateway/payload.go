package gateway

import (
	"github.com/seed45885407/saccade/functions"
)

// fits refuses a payload of more than most bytes; 0 is no bound. Some styles of
// functions bound what goes in and out of an instance, however large a picture the
// gateway takes.
func fits(what string, bytes int, most int64) error {
	if most > 0 && int64(bytes) > most {
		return functions.Errorf(functions.TooLarge, "%s has %d bytes; a function of this style takes and answers %d at most", what, bytes, most)
	}
	return nil
}

// answerFits is fits for an answer: the picture drawn, in base64 as it is sent, is all
// that can be large of it.
func answerFits(a functions.Answer, most int64) error {
	if a.Annotated == nil {
		return nil
	}
	return fits("the picture drawn", (len(a.Annotated.Data)+2)/3*4, most)
}
