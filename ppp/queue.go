package ppp

import (
	"encoding/binary"
	"iter"
)

// Queue collects the frames to be sent, in order. Each begins with its Protocol field.
// The zero value is an empty queue; Reset allows its memory to be reused.
type Queue struct {
	buf  []byte
	ends []int
}

// Add appends a control packet of a protocol. It returns the Data in the queue, which the
// caller may change before the next call.
func (q *Queue) Add(p Protocol, c Control) (data []byte) {
	q.buf = binary.BigEndian.AppendUint16(q.buf, uint16(p))
	start := len(q.buf) + ControlHeaderLen
	q.buf = c.AppendTo(q.buf)
	q.ends = append(q.ends, len(q.buf))
	return q.buf[start:]
}

// Len returns the number of frames.
func (q *Queue) Len() int { return len(q.ends) }

// At returns the i-th frame, valid until Reset.
func (q *Queue) At(i int) []byte {
	start := 0
	if i > 0 {
		start = q.ends[i-1]
	}
	return q.buf[start:q.ends[i]:q.ends[i]]
}

// All yields the frames in order; they are valid until Reset.
func (q *Queue) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range q.ends {
			if !yield(q.At(i)) {
				return
			}
		}
	}
}

// Reset empties the queue and keeps its memory.
func (q *Queue) Reset() { q.buf, q.ends = q.buf[:0], q.ends[:0] }
