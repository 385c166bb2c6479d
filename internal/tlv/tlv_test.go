package tlv_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"upppoe/internal/tlv"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

// example has a field of each kind.
type example struct {
	small    uint8
	large    uint64
	flag     bool
	four     [4]byte
	text     string
	deadline time.Time
	optional string // empty: absent
	part     []byte
}

func (e *example) fields(c *tlv.Codec) {
	tlv.Uint(c, 1, &e.small)
	tlv.Uint(c, 2, &e.large)
	c.Bool(3, &e.flag)
	c.Octets(4, e.four[:])
	tlv.Bytes(c, 5, &e.text)
	c.Deadline(6, epoch, time.Hour, &e.deadline)
	if c.Optional(7, e.optional != "") {
		tlv.Bytes(c, 7, &e.optional)
	}
	c.Part(8, "the part",
		func(b []byte) []byte { return append(b, e.part...) },
		func(b []byte) error {
			if e.part = bytes.Clone(b); len(b) > 3 {
				return errors.New("too long")
			}
			return nil
		})
}

func TestRoundTrip(t *testing.T) {
	for _, e := range []example{
		{part: []byte("abc")},
		{255, math.MaxUint64, true, [4]byte{1, 2, 3, 4}, strings.Repeat("x", 1000), epoch.Add(-time.Minute), "y", []byte("z")},
	} {
		b := tlv.AppendVersion([]byte("before"), 7, e.fields)[len("before"):]
		var got example
		if err := tlv.ParseVersion(b, 7, got.fields); err != nil {
			t.Fatal(err)
		}
		if again := tlv.AppendVersion(nil, 7, got.fields); !bytes.Equal(again, b) {
			t.Errorf("encoded %x, then %x", b, again)
		}
		for n := range b {
			if err := tlv.ParseVersion(b[:n], 7, got.fields); !errors.Is(err, tlv.ErrFormat) {
				t.Errorf("error %v for the first %d octets", err, n)
			}
		}
		if err := tlv.ParseVersion(b, 8, got.fields); !errors.Is(err, tlv.ErrVersion) {
			t.Errorf("error %v for another version", err)
		}
	}
}

// TestParse: fields that are unknown are skipped; what else is wrong is an error that says where.
func TestParse(t *testing.T) {
	const start = "\x01\x00\x02\x00\x03\x00\x04\x04abcd\x05\x00"
	for _, c := range []struct{ fields, want string }{
		{start + "\x08\x00", ""},
		{start + "\x08\x00\xc8\x02ab", ""},
		{start, "field 8 is missing"},
		{start + "\x08\x04abcd", "the part: too long"},
		{start + "\x08\x00\x01\x00", "field 1 occurs twice"},
		{start + "\x08\x01", "field 8 is truncated"},
		{start + "\x08", "field 8 is truncated"},
		{start + "\x08\x80", "field 8 is truncated"},
		{start + "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "field 8 is truncated"},
		{start + "\x08\x00\x06\x01a", "field 6 has 1 octets, not 8"},
		{"\x01\x02\x01\x00", "the number 256 of field 1 is too large"},
		{"\x01\x00\x02\x09123456789", "field 2 is too long for a number"},
		{"\x01\x00\x02\x00\x03\x01\x02", "the number 2 of field 3 is neither 0 nor 1"},
		{"\x01\x00\x02\x00\x03\x00\x04\x03abc", "field 4 has 3 octets, not 4"},
		{"\x01\x00\x02\x00\x03\x00\x04\x05abcde", "field 4 has 5 octets, not 4"},
	} {
		var e example
		err := tlv.Parse([]byte(c.fields), e.fields)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%x: error %v, want %q", c.fields, err, c.want)
		}
	}
}

// TestDeadline: a deadline that is too late comes after the longest time.
func TestDeadline(t *testing.T) {
	for _, c := range []struct{ from, want time.Duration }{{time.Minute, time.Minute}, {-time.Hour, -time.Hour}, {2 * time.Hour, time.Hour}} {
		e := example{deadline: epoch.Add(c.from)}
		var got example
		if err := tlv.Parse(tlv.Append(nil, e.fields), got.fields); err != nil || !got.deadline.Equal(epoch.Add(c.want)) {
			t.Errorf("%v: deadline after %v, error %v", c.from, got.deadline.Sub(epoch), err)
		}
	}
}

func FuzzParse(f *testing.F) {
	e := example{optional: "x", deadline: epoch}
	f.Add(tlv.AppendVersion(nil, 1, e.fields))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e, again example
		if tlv.ParseVersion(b, 1, e.fields) != nil {
			return
		}
		if err := tlv.ParseVersion(tlv.AppendVersion(nil, 1, e.fields), 1, again.fields); err != nil {
			t.Errorf("encoded again: %v", err)
		}
	})
}
