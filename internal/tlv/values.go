package tlv

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"
)

// Int is a field with a number that may be negative.
func Int[T ~int | ~int64](c *Codec, tag uint8, v *T) {
	n := uint64(*v)<<1 ^ uint64(int64(*v)>>63)
	Uint(c, tag, &n)
	if c.reading {
		*v = T(n>>1) ^ -T(n&1)
	}
}

// Time is a field with a time of the wall clock, in milliseconds since 1970 in 8 octets; a zero time has no field.
func (c *Codec) Time(tag uint8, v *time.Time) {
	Value(c, tag, v, func(t time.Time) bool { return !t.IsZero() }, appendTime, parseTime)
}

// Addr is a field with an IP address without a zone; an invalid one has no field.
func (c *Codec) Addr(tag uint8, v *netip.Addr) {
	Value(c, tag, v, netip.Addr.IsValid, appendAddr, parseAddr)
}

// Prefix is a field with the address of a prefix, and an octet with its length; an invalid one has no field.
func (c *Codec) Prefix(tag uint8, v *netip.Prefix) {
	Value(c, tag, v, netip.Prefix.IsValid, appendPrefix, parsePrefix)
}

// Addrs is List of what is a field by Addr.
func (c *Codec) Addrs(tag uint8, v *[]netip.Addr) { List(c, tag, v, appendAddr, parseAddr) }

// Prefixes is List of what is a field by Prefix.
func (c *Codec) Prefixes(tag uint8, v *[]netip.Prefix) { List(c, tag, v, appendPrefix, parsePrefix) }

// Value is a field with what a function encodes, and another parses; a value that does not exist has no field.
func Value[T any](c *Codec, tag uint8, v *T, exists func(T) bool, appendTo func([]byte, T) []byte, parse func([]byte) (T, error)) {
	if !c.reading {
		if exists(*v) {
			c.write(tag, appendTo(nil, *v))
		}
		return
	}
	value, ok := c.find(tag)
	if *v = *new(T); ok {
		*v = parseOne(c, tag, value, parse)
	}
}

// List is a field with any number of values: of each the length of what a function encodes, as a uvarint, and
// that. An empty list has no field, and is read as nil.
func List[T any](c *Codec, tag uint8, v *[]T, appendTo func([]byte, T) []byte, parse func([]byte) (T, error)) {
	if !c.reading {
		if len(*v) > 0 {
			c.b = appendCounted(append(c.b, tag), func(b []byte) []byte { return appendList(b, *v, appendTo) })
		}
		return
	}
	rest, _ := c.find(tag)
	for *v = nil; len(rest) > 0 && c.err == nil; {
		n, size := binary.Uvarint(rest)
		if size <= 0 || n > uint64(len(rest)-size) {
			c.Fail("the list of field %d is truncated", tag)
			return
		}
		*v = append(*v, parseOne(c, tag, rest[size:][:n], parse))
		rest = rest[size:][n:]
	}
}

func appendList[T any](b []byte, all []T, appendTo func([]byte, T) []byte) []byte {
	for _, one := range all {
		b = appendCounted(b, func(b []byte) []byte { return appendTo(b, one) })
	}
	return b
}

func parseOne[T any](c *Codec, tag uint8, value []byte, parse func([]byte) (T, error)) T {
	v, err := parse(value)
	if err != nil {
		c.Fail("field %d: %w", tag, err)
	}
	return v
}

func appendTime(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMilli()))
}

func parseTime(b []byte) (time.Time, error) {
	if len(b) != 8 {
		return time.Time{}, errors.New("not a time")
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b))), nil
}

func appendAddr(b []byte, a netip.Addr) []byte { return append(b, a.AsSlice()...) }

func parseAddr(b []byte) (netip.Addr, error) {
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		return a, errors.New("not an IP address")
	}
	return a, nil
}

func appendPrefix(b []byte, p netip.Prefix) []byte {
	return append(appendAddr(b, p.Addr()), byte(p.Bits()))
}

func parsePrefix(b []byte) (p netip.Prefix, err error) {
	if n := len(b); n > 0 {
		a, _ := netip.AddrFromSlice(b[:n-1])
		p = netip.PrefixFrom(a, int(b[n-1]))
	}
	if !p.IsValid() {
		return p, errors.New("not a prefix of IP addresses")
	}
	return p, nil
}
