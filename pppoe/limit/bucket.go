package limit

import "time"

// bucket limits a rate by GCRA (ITU-T I.371): it is the theoretical arrival time of the next
// packet, in ns since the start. The zero value is that of nobody who has sent anything. A burst
// may be what the rate allows in a second. A rate of 0 is no limit.
type bucket int64

const burst = int64(time.Second)

// conforms reports whether a packet may come at now.
func (b bucket) conforms(now int64, rate int) bool {
	return rate == 0 || int64(b)-now <= burst-burst/int64(rate)
}

// take counts a packet.
func (b *bucket) take(now int64, rate int) {
	if rate > 0 {
		*b = max(*b, bucket(now)) + bucket(burst/int64(rate))
	}
}

// class is a class of packets: each can use at most three quarters of a shared bucket, so that
// a flood in one leaves a quarter to the other.
type class uint8

const (
	unknown   class = iota
	preferred       // of a client that was refused shortly before, or is known
	classes
)

// shared is a bucket that several clients share.
type shared struct {
	all bucket
	by  [classes]bucket
}

// part returns the rate of one class.
func part(rate int) int { return rate - rate/4 }

func (s *shared) conforms(now int64, rate int, c class) bool {
	return s.all.conforms(now, rate) && s.by[c].conforms(now, part(rate))
}

func (s *shared) take(now int64, rate int, c class) {
	s.all.take(now, rate)
	s.by[c].take(now, part(rate))
}
