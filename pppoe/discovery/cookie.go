package discovery

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
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
	key      [32]byte
	lifetime time.Duration
}

// Lengths in octets: the time, and the truncated HMAC-SHA256.
const (
	cookieTime = 4
	cookieLen  = cookieTime + 20
)

func newCookieSigner(rand io.Reader, lifetime time.Duration) *cookieSigner {
	j := &cookieSigner{lifetime: lifetime}
	random.Fill(rand, j.key[:])
	return j
}

// newCookie makes the cookie for a client's packet.
func (j *cookieSigner) newCookie(now time.Time, f *wire.DiscoveryFrame) []byte {
	cookie := binary.BigEndian.AppendUint32(nil, uint32(now.Unix()))
	return append(cookie, j.mac(cookie, f)...)
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
// the same input.
func (j *cookieSigner) mac(timestamp []byte, f *wire.DiscoveryFrame) []byte {
	mac := hmac.New(sha256.New, j.key[:])
	mac.Write(timestamp)
	mac.Write(f.Src[:])
	mac.Write(vlanID(f.VLAN))
	for _, typ := range [...]wire.TagType{wire.TagHostUniq, wire.TagRelaySessionID} {
		v, ok := f.Tags.Find(typ)
		head := [5]byte{}
		if ok {
			head[0] = 1
		}
		binary.BigEndian.PutUint32(head[1:], uint32(len(v)))
		mac.Write(head[:])
		mac.Write(v)
	}
	return mac.Sum(nil)[:cookieLen-cookieTime]
}

// vlanID returns the tags of a VLAN in octets, which differ for different tags, and whose length is
// in them.
func vlanID(s vlan.Stack) []byte {
	return s.Append([]byte{byte(s.Depth())}, 0)
}
