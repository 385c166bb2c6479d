package discovery

import (
	"bytes"
	"testing"
	"time"

	"upppoe/pppoe/wire"
)

// TestCookieAge: a cookie is valid for its lifetime, to the second, and not before it was made.
func TestCookieAge(t *testing.T) {
	c := NewConcentrator(acAddr, ConcentratorConfig{ACName: "ac", Rand: countingReader{}, CookieLifetime: 10 * time.Second})
	cookie := c.cookies.newCookie(epoch, &wire.DiscoveryFrame{Src: hostAddr})
	with := func(cookie []byte) *wire.DiscoveryFrame {
		return &wire.DiscoveryFrame{Src: hostAddr, Discovery: wire.Discovery{Tags: wire.Tags(nil).Append(wire.TagACCookie, cookie)}}
	}
	for after, want := range map[time.Duration]bool{-time.Second: false, 0: true, 10 * time.Second: true, 11 * time.Second: false, 1 << 40: false} {
		if got := c.cookies.verify(epoch.Add(after), with(cookie)); got != want {
			t.Errorf("after %v: valid %v, want %v", after, got, want)
		}
	}
	if len(cookie) != 24 {
		t.Errorf("a cookie has %d octets", len(cookie))
	}
	for _, other := range [][]byte{cookie[:23], append(cookie[:24:24], 0), {}} {
		if c.cookies.verify(epoch, with(other)) {
			t.Errorf("a cookie of %d octets is valid", len(other))
		}
	}
	if d := NewConcentrator(acAddr, ConcentratorConfig{ACName: "ac", Rand: countingReader{}}).cookies.lifetime; d != time.Minute {
		t.Errorf("by default a cookie is valid for %v", d)
	}
}

// TestCookieKey: a concentrator accepts the cookies of another one with the same key, and of no other.
func TestCookieKey(t *testing.T) {
	with := func(key []byte) *cookieSigner {
		return NewConcentrator(acAddr, ConcentratorConfig{ACName: "ac", CookieKey: key}).cookies
	}
	key, other := bytes.Repeat([]byte{1}, CookieKeyLen), bytes.Repeat([]byte{2}, CookieKeyLen)
	padr := &wire.DiscoveryFrame{Src: hostAddr}
	padr.Tags = wire.Tags(nil).Append(wire.TagACCookie, with(key).newCookie(epoch, padr))
	for _, c := range []struct {
		key  []byte
		want bool
	}{{key, true}, {other, false}, {nil, false}} {
		if got := with(c.key).verify(epoch, padr); got != c.want {
			t.Errorf("with key % x: valid %v, want %v", c.key, got, c.want)
		}
	}
}

// countingReader is a source of keys that are the same each time.
type countingReader struct{}

func (countingReader) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(i)
	}
	return len(b), nil
}
