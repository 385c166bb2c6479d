package pppoe

import (
	"errors"
	"fmt"
	"time"

	"upppoe/internal/tlv"
	"upppoe/pppoe/datapath"
)

// CounterRecord is what a session of a Server had carried at a moment. It is apart from the
// SessionRecord because it changes all the time.
type CounterRecord struct {
	Counters datapath.Counters
	At       time.Time // the moment, by the wall clock
	Active   time.Time // when a packet was last seen, if the session has an idle timeout
}

// counterRecordVersion is the version of CounterRecords.
const counterRecordVersion = 2

// Fields of a CounterRecord. The numbers do not change.
const (
	counterCounters byte = 1 + iota
	counterAt
	counterActive
)

func (r *CounterRecord) fields(c *tlv.Codec) {
	c.OmitZero()
	counterFields(c, counterCounters, &r.Counters)
	c.Time(counterAt, &r.At)
	c.Time(counterActive, &r.Active)
}

// AppendTo appends the record.
func (r CounterRecord) AppendTo(b []byte) []byte {
	return tlv.AppendVersion(b, counterRecordVersion, r.fields)
}

// ParseCounterRecord parses a record. The error wraps ErrRecord or ErrRecordVersion.
func ParseCounterRecord(b []byte) (r CounterRecord, err error) {
	switch err = tlv.ParseVersion(b, counterRecordVersion, r.fields); {
	case errors.Is(err, tlv.ErrVersion):
		return CounterRecord{}, fmt.Errorf("%w: its counters: %w", ErrRecordVersion, err)
	case err != nil:
		return CounterRecord{}, fmt.Errorf("%w: its counters: %w", ErrRecord, err)
	}
	return r, nil
}

// counterFields is a field with counters; without one they are all zero.
func counterFields(c *tlv.Codec, tag byte, v *datapath.Counters) {
	if !c.Optional(tag, *v != datapath.Counters{}) {
		*v = datapath.Counters{}
		return
	}
	fields := func(c *tlv.Codec) {
		c.OmitZero()
		for i, n := range []*uint64{
			&v.SentPackets, &v.SentBytes, &v.ReceivedPackets, &v.ReceivedBytes,
			&v.Dropped, &v.Spoofed, &v.Exceeded, &v.Isolated, // the numbers do not change
		} {
			tlv.Uint(c, byte(1+i), n)
		}
	}
	c.Part(tag, "counters",
		func(b []byte) []byte { return tlv.Append(b, fields) },
		func(b []byte) error { return tlv.Parse(b, fields) })
}
