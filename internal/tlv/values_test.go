package tlv_test

import (
	"errors"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"upppoe/internal/tlv"
)

// values has a field of each kind that OmitZero concerns.
type values struct {
	number   uint32
	signed   int64
	flag     bool
	octets   [2]byte
	text     string
	at       time.Time
	addr     netip.Addr
	prefix   netip.Prefix
	addrs    []netip.Addr
	prefixes []netip.Prefix
}

func (v *values) fields(c *tlv.Codec) {
	c.OmitZero()
	tlv.Uint(c, 1, &v.number)
	tlv.Int(c, 2, &v.signed)
	c.Bool(3, &v.flag)
	c.Octets(4, v.octets[:])
	tlv.Bytes(c, 5, &v.text)
	c.Time(6, &v.at)
	c.Addr(7, &v.addr)
	c.Prefix(8, &v.prefix)
	c.Addrs(9, &v.addrs)
	c.Prefixes(10, &v.prefixes)
}

func someValues() values {
	a4, a6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	return values{
		math.MaxUint32, math.MinInt64, true, [2]byte{0, 1}, "text", time.UnixMilli(1_780_000_000_123), a6, netip.MustParsePrefix("2001:db8::/56"),
		[]netip.Addr{a4, a6}, []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("2001:db8::/32")},
	}
}

// TestOmitZero: what is zero has no field, and is zero where there was another value.
func TestOmitZero(t *testing.T) {
	got, zero := someValues(), values{}
	b := tlv.Append(nil, zero.fields)
	if err := tlv.Parse(b, got.fields); err != nil || len(b) > 0 || !reflect.DeepEqual(got, zero) {
		t.Errorf("%d octets for values that are zero; %+v, %v", len(b), got, err)
	}
	want := someValues()
	if err := tlv.Parse(tlv.Append(nil, want.fields), got.fields); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func TestInt(t *testing.T) {
	for _, n := range []int64{0, 1, -1, math.MaxInt64, math.MinInt64} {
		got := int64(5)
		b := tlv.Append(nil, func(c *tlv.Codec) { tlv.Int(c, 1, &n) })
		if err := tlv.Parse(b, func(c *tlv.Codec) { tlv.Int(c, 1, &got) }); err != nil || got != n || n == -1 && len(b) != 3 {
			t.Errorf("%d is %d, in %d octets: %v", n, got, len(b), err)
		}
	}
}

// TestParseValues: a value that its type cannot have is an error that says where.
func TestParseValues(t *testing.T) {
	for _, c := range []struct{ fields, want string }{
		{"\x06\x01a", "field 6: not a time"},
		{"\x07\x03abc", "field 7: not an IP address"},
		{"\x07\x00", "field 7: not an IP address"},
		{"\x08\x05abcd\x21", "field 8: not a prefix of IP addresses"},
		{"\x08\x00", "field 8: not a prefix of IP addresses"},
		{"\x09\x06\x04abcd\x01", "the list of field 9 is truncated"},
		{"\x09\x02\x01a", "field 9: not an IP address"},
		{"\x0a\x06\x05abcd\x18", ""},
		{"\x0b\x00\x0b\x00", ""}, // not known
		{"\x02\x01\x03\x02\x01\x03", "field 2 occurs twice"},
	} {
		var v values
		err := tlv.Parse([]byte(c.fields), v.fields)
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, tlv.ErrFormat) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%x: error %v, want %q", c.fields, err, c.want)
		}
	}
}

func FuzzParseValues(f *testing.F) {
	v := someValues()
	f.Add(tlv.Append(nil, v.fields))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v, again values
		if tlv.Parse(b, v.fields) != nil {
			return
		}
		if err := tlv.Parse(tlv.Append(nil, v.fields), again.fields); err != nil || !reflect.DeepEqual(again, v) {
			t.Errorf("%+v, then %+v: %v", v, again, err)
		}
	})
}
