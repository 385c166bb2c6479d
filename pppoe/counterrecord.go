package pppoe

import (
	"encoding/binary"
	"fmt"
	"time"

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
const counterRecordVersion = 1

// Fields of a CounterRecord. The numbers do not change.
const (
	counterCounters byte = 1 + iota
	counterAt
	counterActive
)

// AppendTo appends the record.
func (r CounterRecord) AppendTo(b []byte) []byte {
	var memory [128]byte
	fields := memory[:0]
	if r.Counters != (datapath.Counters{}) {
		var counters [counterCount * binary.MaxVarintLen64]byte
		fields = appendField(fields, counterCounters, appendCounters(counters[:0], r.Counters))
	}
	fields = appendTime(fields, counterAt, r.At)
	return appendRecord(b, counterRecordVersion, appendTime(fields, counterActive, r.Active))
}

// ParseCounterRecord parses a record. The error wraps ErrRecord or ErrRecordVersion.
func ParseCounterRecord(b []byte) (r CounterRecord, err error) {
	version, f, err := recordFields(b)
	switch {
	case err != nil:
		return r, err
	case version > counterRecordVersion:
		return r, fmt.Errorf("%w: version %d of its counters, known is %d", ErrRecordVersion, version, counterRecordVersion)
	case version == 0:
		return r, fmt.Errorf("%w: version 0 of its counters", ErrRecord)
	}
	for f.next() {
		switch f.tag {
		case counterCounters:
			r.Counters = f.counters()
		case counterAt:
			r.At = f.time()
		case counterActive:
			r.Active = f.time()
		}
	}
	if f.err != nil {
		return CounterRecord{}, f.err
	}
	return r, nil
}

// counterCount is the number of counters in a record.
const counterCount = 8

// countersOf returns the counters in the order of a record.
func countersOf(c *datapath.Counters) [counterCount]*uint64 {
	return [...]*uint64{
		&c.SentPackets, &c.SentBytes, &c.ReceivedPackets, &c.ReceivedBytes,
		&c.Dropped, &c.Spoofed, &c.Exceeded, &c.Isolated,
	}
}

func appendCounters(b []byte, c datapath.Counters) []byte {
	for _, n := range countersOf(&c) {
		b = binary.AppendUvarint(b, *n)
	}
	return b
}

// counters reads counters. A newer version may have more of them.
func (r *fieldReader) counters() (c datapath.Counters) {
	rest := r.value
	for _, n := range countersOf(&c) {
		value, size := binary.Uvarint(rest)
		if size <= 0 {
			r.fail()
			return datapath.Counters{}
		}
		*n, rest = value, rest[size:]
	}
	return c
}
