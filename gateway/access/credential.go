package access

import (
	"net/http"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// maxTokenBytes bounds a credential. Azure's tokens with many groups reach 8 KiB.
const maxTokenBytes = 16 << 10

// credential is what a request's header shows: a key, taken apart, or the text of
// a token.
type credential struct {
	via        Via // ViaNothing where there is none
	id, secret string
	text       string
}

// secretHeaders are the fields that may hold a secret of the caller's.
var secretHeaders = []string{"Authorization", "X-Api-Key", "Proxy-Authorization", "Cookie"}

// Strip takes credentials out of a header, so that it can be forwarded.
func Strip(h http.Header) {
	for _, name := range secretHeaders {
		h.Del(name)
	}
}

// readCredential finds the one credential of a header. What two readers could
// understand in two ways is refused.
func readCredential(h http.Header) (credential, error) {
	bearer, keys := h.Values("Authorization"), h.Values("X-Api-Key")
	switch {
	case len(bearer)+len(keys) == 0:
		return credential{via: ViaNothing}, nil
	case len(bearer)+len(keys) > 1:
		return credential{via: ViaNothing}, functions.Errorf(functions.Unauthenticated, "the request shows more than one credential; send one")
	case len(keys) == 1:
		if id, secret, ok := splitKey(keys[0]); ok {
			return credential{via: ViaKey, id: id, secret: secret}, nil
		}
		return credential{via: ViaKey}, errKey()
	}
	scheme, text, _ := strings.Cut(bearer[0], " ")
	text = strings.Trim(text, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return credential{via: ViaNothing}, functions.Errorf(functions.Unauthenticated, "credentials are taken as \"Authorization: Bearer\"")
	}
	if strings.HasPrefix(text, keyPrefix) {
		if id, secret, ok := splitKey(text); ok {
			return credential{via: ViaKey, id: id, secret: secret}, nil
		}
		return credential{via: ViaKey}, errKey()
	}
	// A JWS in its compact form has three parts; an encrypted token has five, and
	// is none of ours.
	if len(text) > maxTokenBytes || strings.Count(text, ".") != 2 || !isVisible(text) {
		return credential{via: ViaToken}, errToken()
	}
	return credential{via: ViaToken, text: text}, nil
}

// errKey and errToken are all that is told of a credential that is not genuine:
// what exactly is wrong helps only who made it up.
func errKey() *functions.Error {
	return functions.Errorf(functions.Unauthenticated, "the key is not valid")
}

func errToken() *functions.Error {
	return functions.Errorf(functions.Unauthenticated, "the token is not valid")
}

// isVisible says that text is of visible ASCII alone, without spaces.
func isVisible(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
