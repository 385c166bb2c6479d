package reader

import (
	"time"

	"github.com/gopacket/gopacket/pcapgo"
)

// maxBinaryExponent bounds the resolutions that exactTime corrects. From 2^-30 s on, pcapgo's fraction of a
// second may be longer than a second, and no longer says which tick it was.
const maxBinaryExponent = 29

// exactTime corrects a time of pcapgo in a resolution of a negative power of two (if_tsresol with the highest
// bit: draft-ietf-opsawg-pcapng section 4.2). pcapgo multiplies ticks by whole nanoseconds: it loses up to half
// of each second.
func exactTime(t time.Time, resolution pcapgo.NgResolution) time.Time {
	exponent := resolution.Exponent()
	if t.IsZero() || !resolution.Binary() || exponent > maxBinaryExponent {
		return t
	}
	ticks := t.Nanosecond() / (int(time.Second) >> exponent)
	return time.Unix(t.Unix(), int64(ticks)*int64(time.Second)>>exponent).In(t.Location())
}
