package datapath

import (
	"math"
	"testing"
	"time"
)

// A TCP connection through a bucket, in virtual time. The sender always has data, and behaves as
// Linux by default: slow start, CUBIC (RFC 9438), loss detection by RACK with SACK (RFC 8985,
// including lost retransmissions), proportional rate reduction (RFC 6937), and a retransmission
// timer of at least 200 ms. Each segment is acknowledged. Only the bucket loses segments.
const (
	tcpPacket = 1492                 // octets, including IP and TCP headers
	tcpWindow = 32 << 20 / tcpPacket // receive window, in segments
	tcpLeast  = 200 * time.Millisecond
	tcpLink   = tcpPacket * 8 / 10 * time.Nanosecond // time of a packet on the sender's link of 10 Gbit/s
)

// stream is the sender, with the path to the receiver and back.
type stream struct {
	bucket *bucket
	delay  time.Duration // in each direction
	now    time.Duration
	free   time.Duration // when the link is idle again
	acks   []ack         // in transit, in order

	window, threshold float64 // in segments
	peak, left        float64 // CUBIC: the windows before and after the last loss
	epoch             time.Duration

	next     int   // first segment never sent
	lost     []int // to be retransmitted
	flight   []int // in the order of sending
	acked    int   // all segments before this are acknowledged
	apart    map[int]bool
	recovery int // recovery lasts until all segments before this are acknowledged; 0: not in recovery

	delivered, out, from int // proportional rate reduction
	timer                time.Duration
	probed               bool // the timer is the retransmission timer
	backoff              int
	received             int
}

type ack struct {
	at      time.Duration
	segment int
}

// run sends for a time, and returns the number of segments that arrived after "from".
func (s *stream) run(from, until time.Duration) int {
	s.window, s.threshold, s.apart, s.timer = 10, math.MaxInt32, map[int]bool{}, tcpLeast
	before := -1
	for s.now < until {
		if s.now >= from && before < 0 {
			before = s.received
		}
		switch {
		case s.sendable() && (len(s.acks) == 0 || s.free <= s.acks[0].at):
			s.now = max(s.now, s.free)
			s.send()
		case len(s.acks) > 0 && s.acks[0].at <= s.timer:
			a := s.acks[0]
			s.now, s.acks = a.at, s.acks[1:]
			s.receive(a.segment)
		default:
			if s.now = s.timer; s.probed {
				s.timeOut()
			} else {
				s.probe()
			}
		}
	}
	return s.received - before
}

func (s *stream) sendable() bool {
	return len(s.flight) < int(s.window) && (len(s.lost) > 0 || s.next-s.acked < tcpWindow)
}

func (s *stream) send() {
	segment := s.next
	if len(s.lost) > 0 {
		segment, s.lost = s.lost[0], s.lost[1:]
	} else {
		s.next++
	}
	if s.free = s.now + tcpLink; len(s.flight) == 0 {
		s.arm()
	}
	s.flight = append(s.flight, segment)
	s.out++
	if s.bucket.take(instant(s.now+s.delay), tcpPacket) {
		s.received++
		s.acks = append(s.acks, ack{s.now + 2*s.delay + 50*time.Microsecond, segment})
	}
}

// arm sets the timer: first for a tail loss probe, if several segments are in flight.
func (s *stream) arm() {
	s.timer = s.now + (2*s.delay+tcpLeast)<<s.backoff
	if s.probed = len(s.flight) < 2 || s.backoff > 0; !s.probed {
		s.timer = s.now + 4*s.delay + 2*time.Millisecond
	}
}

// probe sends one more segment, whose acknowledgment shows which are lost (RFC 8985 section 7).
func (s *stream) probe() {
	s.send()
	s.probed, s.timer = true, s.now+2*s.delay+tcpLeast
}

// receive handles the acknowledgment of a segment. Segments sent earlier that are not acknowledged
// are lost, since nothing is reordered here.
func (s *stream) receive(segment int) {
	s.apart[segment] = true
	for s.apart[s.acked] {
		delete(s.apart, s.acked)
		s.acked++
	}
	place := 0
	for place < len(s.flight) && s.flight[place] != segment {
		place++
	}
	if place == len(s.flight) {
		return // it was considered lost
	}
	before := len(s.flight)
	gone := place
	s.lost = append(s.lost, s.flight[:place]...)
	s.flight = s.flight[place+1:]
	s.backoff = 0
	s.arm()
	if s.recovery > 0 && s.acked >= s.recovery {
		s.recovery = 0
		s.window = s.threshold
	}
	if gone > 0 && s.recovery == 0 {
		s.reduce()
		s.from, s.delivered, s.out = before, 0, 0
	}
	if s.recovery > 0 {
		s.reduceRate()
	} else {
		s.grow()
	}
}

// reduce handles a loss: RFC 9438 sections 4.6 and 4.7.
func (s *stream) reduce() {
	s.recovery = s.next
	if s.peak > s.window {
		s.peak = s.window * 0.85
	} else {
		s.peak = s.window
	}
	s.threshold = max(s.window*0.7, 2)
	s.left, s.epoch = s.threshold, 0
}

// reduceRate returns how many segments may be sent in recovery: RFC 6937 section 3.
func (s *stream) reduceRate() {
	s.delivered++
	pipe := len(s.flight)
	may := 0
	if float64(pipe) > s.threshold {
		may = int(math.Ceil(float64(s.delivered)*s.threshold/float64(s.from))) - s.out
	} else {
		may = min(int(s.threshold)-pipe, max(s.delivered-s.out, 1)+1)
	}
	s.window = float64(pipe + max(may, 0))
	if s.out == 0 {
		s.window = max(s.window, float64(pipe+1))
	}
}

// grow implements slow start, and RFC 9438 section 4.2.
func (s *stream) grow() {
	if s.window < s.threshold {
		s.window++
		return
	}
	if s.epoch == 0 {
		s.epoch = s.now
	}
	k := math.Cbrt(max(s.peak-s.left, 0) / 0.4)
	t := (s.now - s.epoch + 2*s.delay).Seconds() - k
	target := min(max(0.4*t*t*t+s.peak, s.window), 1.5*s.window)
	reno := s.left + 0.53*(s.now-s.epoch).Seconds()/max(2*s.delay, time.Millisecond).Seconds()
	s.window += (max(target, reno) - s.window) / s.window
}

// timeOut considers all segments in flight lost, and restarts with one segment.
func (s *stream) timeOut() {
	if s.recovery == 0 {
		s.reduce()
	}
	s.lost = append(append([]int(nil), s.flight...), s.lost...)
	s.flight, s.recovery, s.window = nil, 0, 1
	s.backoff = min(s.backoff+1, 6)
	s.arm()
}

// reached returns the share of its rate that a connection reaches in the long run, in IP packets.
func reached(rate Rate, delay time.Duration) float64 {
	const from, until = 5 * time.Second, 30 * time.Second
	s := stream{bucket: newBucket(rate), delay: delay}
	return float64(s.run(from, until)*tcpPacket*8) / (until - from).Seconds() / float64(rate.Bits)
}

// TestRateOfOneStream: with the default burst one TCP connection reaches 90 % of its rate, in a LAN
// and with round-trip times of 10 and 100 ms.
func TestRateOfOneStream(t *testing.T) {
	for _, bits := range []uint64{512e3, 2e6, 10e6, 100e6, 1e9} {
		for _, delay := range []time.Duration{0, 5 * time.Millisecond, 50 * time.Millisecond} {
			if share := reached(Rate{Bits: bits}, delay); share < 0.9 {
				t.Errorf("%d bit/s, %v each way: %.2f of it, want 0.9", bits, delay, share)
			}
		}
	}
}

// TestRateOfShortBurst: with a bucket of less than the retransmission timer's 200 ms, a connection
// in a LAN waits for the timer with the bucket full, again and again. It shows that the model
// detects a rate that is too low.
func TestRateOfShortBurst(t *testing.T) {
	if share := reached(Rate{Bits: 10e6, Burst: 100 * time.Millisecond}, 0); share > 0.6 {
		t.Errorf("with a burst of 100 ms: %.2f of the rate, want about half", share)
	}
}
