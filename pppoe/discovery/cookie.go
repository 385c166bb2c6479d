package discovery

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
	"time"

	"upppoe/internal/random"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// cookieSigner makes and verifies AC-Cookies without storing any, so that forged PADIs cost no
// memory (RFC 2516 section 9). A cookie is the second at which it was made, and a MAC over that
// time, the client's address and VLAN, and the tags that the client must repeat.
type cookieSigner struct {
	lifetime time.Duration
	hmac     hash.Hash
	sum      [sha256.Size]byte // scratch, as are the following: packets do not allocate
	input    []byte
	cookie   []byte
}

// Lengths in octets: the time, and the truncated HMAC-SHA256.
const (
	cookieTime = 4
	cookieLen  = cookieTime + 20
)

// CookieKeyLen is the length of the key of AC-Cookies, in octets.
const CookieKeyLen = 32

// newCookieSigner returns a signer with a key, or with a random one if that is empty.
func newCookieSigner(key []byte, rand io.Reader, lifetime time.Duration) *cookieSigner {
	if len(key) == 0 {
		key = random.Fill(rand, make([]byte, CookieKeyLen))
	}
	return &cookieSigner{lifetime: lifetime, hmac: hmac.New(sha256.New, key)}
}

// newCookie makes the cookie for a client's packet. It is valid until the next call.
func (j *cookieSigner) newCookie(now time.Time, f *wire.DiscoveryFrame) []byte {
	j.cookie = binary.BigEndian.AppendUint32(j.cookie[:0], uint32(now.Unix()))
	j.cookie = append(j.cookie, j.mac(j.cookie, f)...)
	return j.cookie
}

// verify reports whether a PADR has a cookie that was made for it and has not expired.
func (j *cookieSigner) verify(now time.Time, f *wire.DiscoveryFrame) bool {
	cookie, _ := f.Tags.Find(wire.TagACCookie)
	if len(cookie) != cookieLen {
		return false
	}
	age := time.Duration(uint32(now.Unix())-binary.BigEndian.Uint32(cookie)) * time.Second
	return hmac.Equal(cookie[cookieTime:], j.mac(cookie[:cookieTime], f)) && age <= j.lifetime
}

// mac returns the MAC over a cookie's time, its client and VLAN, and what must be the same in PADI
// and PADR: Host-Uniq and Relay-Session-Id. Lengths are included, so that different tags never give
// the same input. The MAC is valid until the next call.
func (j *cookieSigner) mac(timestamp []byte, f *wire.DiscoveryFrame) []byte {
	b := append(j.input[:0], timestamp...)
	b = append(b, f.Src[:]...)
	b = appendVLANID(b, f.VLAN)
	for _, typ := range [...]wire.TagType{wire.TagHostUniq, wire.TagRelaySessionID} {
		v, ok := f.Tags.Find(typ)
		present := byte(0)
		if ok {
			present = 1
		}
		b = binary.BigEndian.AppendUint32(append(b, present), uint32(len(v)))
		b = append(b, v...)
	}
	j.input = b
	j.hmac.Reset()
	j.hmac.Write(b)
	return j.hmac.Sum(j.sum[:0])[:cookieLen-cookieTime]
}

// appendVLANID appends the tags of a VLAN in octets, which differ for different tags, and whose
// length is in them.
func appendVLANID(b []byte, s vlan.Stack) []byte {
	return s.Append(append(b, byte(s.Depth())), 0)
}
