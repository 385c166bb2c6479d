package pppoe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// A record is a version octet, the length of the rest as an unsigned varint of encoding/binary, and
// fields: a tag octet, the length of the value as such a varint, and the value. A reader skips fields
// with tags that it does not know; fields of empty values are left out. What an older program must not
// skip needs a new version.

// Errors of ParseSessionRecord and ParseCounterRecord, wrapped.
var (
	ErrRecord        = errors.New("the record of the session is damaged")
	ErrRecordVersion = errors.New("the record of the session was written by a newer version of the program")
)

// appendRecord appends a record with some fields.
func appendRecord(b []byte, version byte, fields []byte) []byte {
	return append(binary.AppendUvarint(append(b, version), uint64(len(fields))), fields...)
}

// recordFields returns the fields of a record.
func recordFields(b []byte) (version byte, fields fieldReader, err error) {
	if len(b) == 0 {
		return 0, fields, fmt.Errorf("%w: it is empty", ErrRecord)
	}
	n, size := binary.Uvarint(b[1:])
	if size <= 0 || n != uint64(len(b)-1-size) {
		return b[0], fields, fmt.Errorf("%w: %d octets, which is not the length that it begins with", ErrRecord, len(b))
	}
	return b[0], fieldReader{rest: b[1+size:]}, nil
}

// appendField appends a field, unless the value is empty.
func appendField[T string | []byte](b []byte, tag byte, value T) []byte {
	if len(value) == 0 {
		return b
	}
	return append(binary.AppendUvarint(append(b, tag), uint64(len(value))), value...)
}

// appendUint appends a number, unless it is zero.
func appendUint(b []byte, tag byte, n uint64) []byte {
	if n == 0 {
		return b
	}
	var value [binary.MaxVarintLen64]byte
	return appendField(b, tag, value[:binary.PutUvarint(value[:], n)])
}

// appendInt appends a number that may be negative, unless it is zero.
func appendInt(b []byte, tag byte, n int64) []byte {
	return appendUint(b, tag, uint64(n)<<1^uint64(n>>63))
}

func appendFlag(b []byte, tag byte, is bool) []byte {
	if !is {
		return b
	}
	return append(b, tag, 1, 1)
}

// appendTime appends a time of the wall clock, with the resolution of a millisecond.
func appendTime(b []byte, tag byte, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return appendInt(b, tag, t.UnixMilli())
}

func appendAddr(b []byte, tag byte, a netip.Addr) []byte { return appendField(b, tag, a.AsSlice()) }

// appendPrefix appends a prefix: the address, and an octet with its length.
func appendPrefix(b []byte, tag byte, p netip.Prefix) []byte {
	if !p.IsValid() {
		return b
	}
	return appendField(b, tag, append(p.Addr().AsSlice(), byte(p.Bits())))
}

func appendPrefixes(b []byte, tag byte, all []netip.Prefix) []byte {
	for _, p := range all {
		b = appendPrefix(b, tag, p)
	}
	return b
}

// fieldReader reads fields. err is the first error; after it there are no more fields, and all values
// are zero.
type fieldReader struct {
	rest  []byte
	tag   byte
	value []byte
	err   error
}

// next reads the next field, and reports whether there is one.
func (r *fieldReader) next() bool {
	if len(r.rest) == 0 || r.err != nil {
		return false
	}
	n, size := binary.Uvarint(r.rest[1:])
	if size <= 0 || n > uint64(len(r.rest)-1-size) {
		r.err = fmt.Errorf("%w: field %d is truncated", ErrRecord, r.rest[0])
		return false
	}
	r.tag, r.value, r.rest = r.rest[0], r.rest[1+size:][:n], r.rest[1+size+int(n):]
	return true
}

// fail records that the value of the field is not valid.
func (r *fieldReader) fail() {
	if r.err == nil {
		r.err = fmt.Errorf("%w: field %d is not valid", ErrRecord, r.tag)
	}
}

func (r *fieldReader) uint() uint64 {
	n, size := binary.Uvarint(r.value)
	if size <= 0 || size != len(r.value) {
		r.fail()
		return 0
	}
	return n
}

// uintUpTo reads a number that is not above a limit.
func (r *fieldReader) uintUpTo(limit uint64) uint64 {
	n := r.uint()
	if n > limit {
		r.fail()
		return 0
	}
	return n
}

func (r *fieldReader) int() int64 {
	n := r.uint()
	return int64(n>>1) ^ -int64(n&1)
}

func (r *fieldReader) duration() time.Duration { return time.Duration(r.int()) }

func (r *fieldReader) flag() bool { return r.uintUpTo(1) == 1 }

func (r *fieldReader) string() string { return string(r.value) }

// octets copies a value of len(to) octets.
func (r *fieldReader) octets(to []byte) {
	if len(r.value) != len(to) {
		r.fail()
		return
	}
	copy(to, r.value)
}

func (r *fieldReader) time() time.Time {
	if t := time.UnixMilli(r.int()); r.err == nil {
		return t
	}
	return time.Time{}
}

func (r *fieldReader) addr() netip.Addr {
	a, ok := netip.AddrFromSlice(r.value)
	if !ok {
		r.fail()
	}
	return a
}

func (r *fieldReader) prefix() (p netip.Prefix) {
	if n := len(r.value); n > 0 {
		a, _ := netip.AddrFromSlice(r.value[:n-1])
		p = netip.PrefixFrom(a, int(r.value[n-1]))
	}
	if !p.IsValid() {
		r.fail()
	}
	return p
}
