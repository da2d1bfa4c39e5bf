package recall

// CacheStatus is how an answer was come by, given as its [How.Word], as the header
// Cache-Status says it (RFC 9211); "" where there is nothing to tell.
func CacheStatus(word string) string {
	switch word {
	case Shared.Word():
		return "saccade; fwd=miss; collapsed"
	case Hit.Word():
		return "saccade; hit"
	}
	return ""
}
