package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// token is what readers must give. It is kept as its hash, so that comparing takes the same time whatever
// is given.
type token struct{ hash [sha256.Size]byte }

func newToken(text []byte) *token { return &token{sha256.Sum256(text)} }

// is reports whether a text is the token, in constant time.
func (t *token) is(text string) bool {
	given := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(given[:], t.hash[:]) == 1
}

// cookieLife is how long a login lasts.
const cookieLife = 12 * time.Hour

// cookie returns a proof that its owner has given the token, until a time: the time and its MAC. It needs no
// memory of logins, is valid at a successor of the program, and ends with the token.
func (t *token) cookie(until time.Time) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(until.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(b, t.mac(b)...))
}

// hasCookie reports whether a cookie is valid.
func (t *token) hasCookie(text string, now time.Time) bool {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != 8+sha256.Size || !hmac.Equal(b[8:], t.mac(b[:8])) {
		return false
	}
	return now.Unix() < int64(binary.BigEndian.Uint64(b))
}

func (t *token) mac(of []byte) []byte {
	m := hmac.New(sha256.New, t.hash[:])
	m.Write([]byte("upppoe web login\x00"))
	m.Write(of)
	return m.Sum(nil)
}
