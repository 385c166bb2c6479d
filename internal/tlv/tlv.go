// Package tlv encodes state as fields of tag, length and value: what a program stores, and another
// version of it reads. A reader skips fields with tags that it does not know.
//
// A field is its tag in one octet, the length of its value as a uvarint, and the value. Numbers are in
// network byte order, without leading zero octets. One function lists the fields of a type, for both
// directions: see Append and Parse.
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
	b       []byte // to append to, or the fields
	reading bool
	err     error // the first one of reading
}

// Append appends the fields that the function writes.
func Append(b []byte, fields func(*Codec)) []byte {
	c := Codec{b: b}
	fields(&c)
	return c.b
}

// Parse calls the function to read the fields. It returns an error for octets that are not fields, for a
// tag that occurs twice, and what the function found wrong.
func Parse(b []byte, fields func(*Codec)) error {
	c := Codec{b: b, reading: true}
	c.check()
	if c.err == nil {
		fields(&c)
	}
	return c.err
}

// check checks that b is fields.
func (c *Codec) check() {
	var seen [256]bool
	for rest := c.b; len(rest) > 0; {
		tag, _, after, ok := next(rest)
		switch {
		case !ok:
			c.Fail("field %d is truncated", tag)
			return
		case seen[tag]:
			c.Fail("field %d occurs twice", tag)
			return
		}
		seen[tag], rest = true, after
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
func (c *Codec) find(tag uint8) (value []byte, ok bool) {
	for rest := c.b; len(rest) > 0; {
		t, value, after, ok := next(rest)
		if !ok || t == tag {
			return value, ok
		}
		rest = after
	}
	return nil, false
}

// required returns the value of a field that must be there.
func (c *Codec) required(tag uint8) (value []byte, ok bool) {
	if value, ok = c.find(tag); !ok {
		c.Fail("field %d is missing", tag)
	}
	return value, ok
}

func (c *Codec) write(tag uint8, value []byte) {
	c.b = append(binary.AppendUvarint(append(c.b, tag), uint64(len(value))), value...)
}

// Reading reports whether fields are read.
func (c *Codec) Reading() bool { return c.reading }

// Fail records, while reading, what is wrong with a value, as fmt.Errorf formats it.
func (c *Codec) Fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
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
		c.write(tag, b[i:])
		return
	}
	value, ok := c.required(tag)
	if !ok {
		return
	}
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
	*v = n == 1
}

// Octets is a field whose length is that of v.
func (c *Codec) Octets(tag uint8, v []byte) {
	if !c.reading {
		c.write(tag, v)
		return
	}
	value, ok := c.required(tag)
	if ok && len(value) != len(v) {
		c.Fail("field %d has %d octets, not %d", tag, len(value), len(v))
	}
	copy(v, value)
}

// Bytes is a field of any length. What is read is a copy.
func Bytes[T ~[]byte | ~string](c *Codec, tag uint8, v *T) {
	if !c.reading {
		c.write(tag, []byte(*v))
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
