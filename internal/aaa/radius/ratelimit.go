package radius

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"upppoe/pppoe/datapath"
)

// errRate explains the text of rates.
var errRate = errors.New(`want rates like "10M/50M" (from the peer/to it), in bit/s with k, M or G`)

// errDownUp explains the text of rates in the other order.
var errDownUp = errors.New(`want rates like "50000/10000" (to the peer/from it)`)

// parseBits parses a number of bits per second, with a suffix of a power of 1000.
func parseBits(text string) (uint64, error) {
	digits, factor := text, uint64(1)
	if n := len(text); n > 0 {
		switch text[n-1] {
		case 'k', 'K':
			digits, factor = text[:n-1], 1e3
		case 'm', 'M':
			digits, factor = text[:n-1], 1e6
		case 'g', 'G':
			digits, factor = text[:n-1], 1e9
		}
	}
	bits, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || bits > math.MaxUint64/factor {
		return 0, errRate
	}
	return min(bits*factor, datapath.MaxRate), nil
}

// pair is a value for the direction from the peer, and one for that to it.
type pair struct{ up, down uint64 }

// parsePair parses UP/DOWN, or one value for both.
func parsePair(text string, parse func(string) (uint64, error)) (p pair, err error) {
	up, down, both := strings.Cut(text, "/")
	if !both {
		down = up
	}
	var bad error
	p.up, err = parse(up)
	p.down, bad = parse(down)
	return p, errors.Join(err, bad)
}

// mikrotikRate is a parsed Mikrotik-Rate-Limit.
type mikrotikRate struct{ rate, burst, threshold, seconds pair }

// parseMikrotik parses Mikrotik-Rate-Limit: rx/tx [burst rx/tx [threshold rx/tx [time rx/tx [priority
// [minimum rx/tx]]]]], where rx is from the peer. A burst of 0/0 is none. Priority and minimum have no
// effect, as no queue is shared.
func parseMikrotik(text string) (up, down datapath.Rate, err error) {
	fields := strings.Fields(text)
	if len(fields) == 0 || len(fields) > 6 {
		return up, down, errRate
	}
	var m mikrotikRate
	for i, to := range []*pair{&m.rate, &m.burst, &m.threshold} {
		if i < len(fields) {
			if *to, err = parsePair(fields[i], parseBits); err != nil {
				return up, down, errRate
			}
		}
	}
	if len(fields) < 3 {
		m.threshold = m.rate
	}
	m.seconds = pair{1, 1}
	if len(fields) > 3 {
		if m.seconds, err = parsePair(fields[3], parseSeconds); err != nil {
			return up, down, fmt.Errorf("%w: burst time %q is not in seconds", errRate, fields[3])
		}
	}
	up = datapath.Rate{Bits: m.rate.up, Burst: burst(m.rate.up, m.burst.up, m.threshold.up, m.seconds.up)}
	down = datapath.Rate{Bits: m.rate.down, Burst: burst(m.rate.down, m.burst.down, m.threshold.down, m.seconds.down)}
	return up, down, nil
}

// maxBurstSeconds bounds the burst time.
const maxBurstSeconds = 3600

func parseSeconds(text string) (uint64, error) {
	n, err := strconv.ParseUint(strings.TrimSuffix(text, "s"), 10, 64)
	if err != nil || n > maxBurstSeconds {
		return 0, errRate
	}
	return n, nil
}

// burst returns the size of the token bucket, as the time to fill it, that lets an idle session send as
// much above its rate as RouterOS does: at the burst rate until the average over a time exceeds the
// threshold, that is for threshold x time / burst rate. 0, the default, is the least.
func burst(rate, burst, threshold, seconds uint64) time.Duration {
	if rate == 0 || burst <= rate {
		return 0
	}
	extra := float64(burst-rate) * float64(threshold) * float64(seconds) / float64(burst)
	fill := time.Duration(min(extra/float64(rate), maxBurstSeconds) * float64(time.Second))
	if fill <= datapath.DefaultBurst {
		return 0
	}
	return fill
}
