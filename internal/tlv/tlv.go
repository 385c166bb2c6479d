// Package tlv encodes state as fields of tag, length and value: what a program stores, and another
// version of it reads. A reader skips fields with tags that it does not know.
//
// A field is its tag in one octet, the length of its value as a uvarint, and the value. Numbers are in
// network byte order, without leading zero octets; those that may be negative are 2n, or -2n-1. One function
// lists the fields of a type, for both directions: see Append and Parse. A field must be there to be read,
// except after OmitZero.
package tlv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrFormat reports octets that are not fields, or fields whose values cannot be those of their type.
var ErrFormat = errors.New("malformed state")

// Codec writes fields, or reads them.
type Codec struct {
	b        []byte // to append to, or the fields
	reading  bool
	omitZero bool
	there    tagSet // tags of the fields that are read
	twice    tagSet // of those, which occur twice
	at       int    // where the last field that was found ends: they are read in the order in which they are written
	err      error  // the first one of reading
}

// tagSet is a set of tags.
type tagSet [4]uint64

func (s *tagSet) add(tag uint8)      { s[tag/64] |= 1 << (tag % 64) }
func (s *tagSet) has(tag uint8) bool { return s[tag/64]>>(tag%64)&1 != 0 }

// Append appends the fields that the function writes. Values are only read, so others may read them as well.
func Append(b []byte, fields func(*Codec)) []byte {
	c := Codec{b: b}
	fields(&c)
	return c.b
}

// Parse calls the function to read the fields. It returns an error for octets that are not fields, for a
// field that is read and occurs twice, and what the function found wrong.
func Parse(b []byte, fields func(*Codec)) error {
	c := Codec{b: b, reading: true}
	c.check()
	if c.err == nil {
		fields(&c)
	}
	return c.err
}

// check checks that b is fields, and notes their tags.
func (c *Codec) check() {
	for rest := c.b; len(rest) > 0; {
		tag, _, after, ok := next(rest)
		if !ok {
			c.Fail("field %d is truncated", tag)
			return
		}
		if c.there.has(tag) {
			c.twice.add(tag)
		}
		c.there.add(tag)
		rest = after
	}
}

// next splits the first field off.
func next(b []byte) (tag uint8, value, rest []byte, ok bool) {
	tag, rest = b[0], b[1:]
	n, size := binary.Uvarint(rest)
	if size <= 0 || n > uint64(len(rest)-size) {
		return tag, nil, nil, false
	}
	rest = rest[size:]
	return tag, rest[:n], rest[n:], true
}

// find returns the value of a field.
func (c *Codec) find(tag uint8) (value []byte, found bool) {
	if !c.there.has(tag) {
		return nil, false
	}
	if c.twice.has(tag) {
		c.Fail("field %d occurs twice", tag)
	}
	for {
		if c.at == len(c.b) {
			c.at = 0
		}
		t, value, after, _ := next(c.b[c.at:])
		if c.at = len(c.b) - len(after); t == tag {
			return value, true
		}
	}
}

// required returns the value of a field that must be there.
func (c *Codec) required(tag uint8) (value []byte, ok bool) {
	if value, ok = c.find(tag); !ok && !c.omitZero {
		c.Fail("field %d is missing", tag)
	}
	return value, ok
}

func (c *Codec) write(tag uint8, value []byte) {
	c.b = append(binary.AppendUvarint(append(c.b, tag), uint64(len(value))), value...)
}

// OmitZero leaves fields out whose values are zero or empty, from now on; what is not there to be read is
// zero. It does not concern Part.
func (c *Codec) OmitZero() { c.omitZero = true }

// omits reports whether a field with a value is left out.
func (c *Codec) omits(isZero bool) bool { return c.omitZero && isZero }

// Reading reports whether fields are read.
func (c *Codec) Reading() bool { return c.reading }

// Fail records, while reading, what is wrong with a value, as fmt.Errorf formats it.
func (c *Codec) Fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %w", ErrFormat, fmt.Errorf(format, args...))
	}
}

// Failed reports whether something read so far was wrong.
func (c *Codec) Failed() bool { return c.err != nil }

// Optional reports whether a field is written, or is there to be read.
func (c *Codec) Optional(tag uint8, present bool) bool {
	if c.reading {
		_, present = c.find(tag)
	}
	return present
}

// Uint is a field with a number.
func Uint[T ~uint8 | ~uint16 | ~uint32 | ~uint64](c *Codec, tag uint8, v *T) {
	var b [8]byte
	if !c.reading {
		binary.BigEndian.PutUint64(b[:], uint64(*v))
		i := 0
		for ; i < len(b) && b[i] == 0; i++ {
		}
		if !c.omits(i == len(b)) {
			c.write(tag, b[i:])
		}
		return
	}
	value, _ := c.required(tag)
	if len(value) > len(b) {
		c.Fail("field %d is too long for a number", tag)
		return
	}
	copy(b[len(b)-len(value):], value)
	n := binary.BigEndian.Uint64(b[:])
	if *v = T(n); uint64(*v) != n {
		c.Fail("the number %d of field %d is too large", n, tag)
	}
}

// Bool is a field with a number that is 0 or 1.
func (c *Codec) Bool(tag uint8, v *bool) {
	var n uint8
	if *v {
		n = 1
	}
	Uint(c, tag, &n)
	if n > 1 {
		c.Fail("the number %d of field %d is neither 0 nor 1", n, tag)
	}
	if c.reading {
		*v = n == 1
	}
}

// Octets is a field whose length is that of v.
func (c *Codec) Octets(tag uint8, v []byte) {
	if !c.reading {
		if !c.omits(!slices.ContainsFunc(v, func(b byte) bool { return b != 0 })) {
			c.write(tag, v)
		}
		return
	}
	value, ok := c.required(tag)
	if ok && len(value) != len(v) {
		c.Fail("field %d has %d octets, not %d", tag, len(value), len(v))
	}
	clear(v[copy(v, value):])
}

// Bytes is a field of any length. What is read is a copy.
func Bytes[T ~[]byte | ~string](c *Codec, tag uint8, v *T) {
	if !c.reading {
		if !c.omits(len(*v) == 0) {
			c.write(tag, []byte(*v))
		}
		return
	}
	value, _ := c.required(tag)
	*v = T(slices.Clone(value))
}

// Deadline is a field with the time from now to a deadline, in nanoseconds, which may be past; a zero
// deadline has no field. One later than now + atMost is read as that: the clock of another program, or
// its configuration, was another.
func (c *Codec) Deadline(tag uint8, now time.Time, atMost time.Duration, v *time.Time) {
	if !c.reading {
		if !v.IsZero() {
			var b [8]byte
			binary.BigEndian.PutUint64(b[:], uint64(v.Sub(now)))
			c.write(tag, b[:])
		}
		return
	}
	if *v = (time.Time{}); !c.Optional(tag, false) {
		return
	}
	var b [8]byte
	c.Octets(tag, b[:])
	*v = now.Add(min(time.Duration(binary.BigEndian.Uint64(b[:])), atMost))
}

// Part is a field with what another package encodes. what names it, for errors.
func (c *Codec) Part(tag uint8, what string, appendTo func([]byte) []byte, parse func([]byte) error) {
	if !c.reading {
		c.b = appendCounted(append(c.b, tag), appendTo)
		return
	}
	value, ok := c.required(tag)
	if !ok {
		return
	}
	if err := parse(value); err != nil && c.err == nil {
		c.err = fmt.Errorf("%s: %w", what, err)
	}
}

// appendCounted appends the length of what a function appends, as a uvarint, and that.
func appendCounted(b []byte, appendTo func([]byte) []byte) []byte {
	at := len(b) + 1
	b = appendTo(append(b, 0))
	n := len(b) - at
	if n < 0x80 {
		b[at-1] = byte(n)
		return b
	}
	var length [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(length[:], uint64(n))
	b = append(b, length[:size-1]...)
	copy(b[at-1+size:], b[at:at+n])
	copy(b[at-1:], length[:size])
	return b
}
