package load

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"upppoe/ppp"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// floodKinds are the kinds of --flood.
var floodKinds = []string{"padi", "padr", "padt", "lcp", "chap", "echo"}

// flood sends frames that a concentrator must withstand, during the hold.
type flood struct {
	kind     string
	rate     float64 // frames per second
	from     floodSource
	port     frameWriter
	rand     *rand.Rand
	sent     atomic.Uint64
	payload  []byte // scratch
	buf      []byte // scratch
	frames   [][]byte
	started  time.Time
	took     time.Duration
	finished chan struct{}
}

// floodSource is who seems to send a flood.
type floodSource struct {
	ac      wire.Addr
	tags    vlan.Stack
	session bool // frames have the address and the ID of one session
	own     wire.Addr
	id      uint16
}

// openFlood opens the port of a flood, through which it only sends.
func openFlood(iface string) (datapath.Port, error) {
	return afpacket.Open(afpacket.Attachment{Interface: iface, Source: wire.Addr{2, 0x46}}, wire.EtherTypeDiscovery)
}

func newFlood(c *Config, port frameWriter, from floodSource) *flood {
	return &flood{kind: c.Flood, rate: c.FloodRate, from: from, port: port, rand: rand.New(rand.NewPCG(1, 2)), finished: make(chan struct{})}
}

// floodInterval is the interval between bursts.
const floodInterval = time.Millisecond

// run sends frames until the context ends.
func (f *flood) run(ctx context.Context) {
	defer close(f.finished)
	tick := time.NewTicker(floodInterval)
	defer tick.Stop()
	f.started = time.Now()
	for {
		select {
		case <-ctx.Done():
			f.took = time.Since(f.started)
			return
		case now := <-tick.C:
			due := uint64(now.Sub(f.started).Seconds() * f.rate)
			sent := f.sent.Load()
			// What was missed while the machine was busy is not made up for.
			f.send(int(min(due-min(due, sent), uint64(5*f.rate*floodInterval.Seconds())+1)))
		}
	}
}

// send sends n frames.
func (f *flood) send(n int) {
	f.buf, f.frames = f.buf[:0], f.frames[:0]
	ends := make([]int, 0, n)
	for range n {
		start := len(f.buf)
		f.buf = f.appendFrame(f.buf)
		if f.from.tags.Depth() > 0 {
			f.buf = append(f.buf[:start], f.from.tags.Insert(f.buf[start:], 0)...)
		}
		ends = append(ends, len(f.buf))
	}
	start := 0
	for _, end := range ends {
		f.frames = append(f.frames, f.buf[start:end])
		start = end
	}
	sent, _ := f.port.WriteBatch(f.frames) // what the kernel refuses is not sent again
	f.sent.Add(uint64(sent))
}

// source returns the address and the session ID of the next frame.
func (f *flood) source() (wire.Addr, uint16) {
	if f.from.session {
		return f.from.own, f.from.id
	}
	n := f.rand.Uint32()
	return wire.Addr{2, 0x46, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, uint16(n%0xfffe) + 1
}

func (f *flood) appendFrame(b []byte) []byte {
	src, id := f.source()
	switch f.kind {
	case "padi":
		return appendDiscovery(b, wire.Broadcast, src, wire.PADI, 0, f.tags(0))
	case "padr":
		const cookie = 24
		return appendDiscovery(b, f.from.ac, src, wire.PADR, 0, f.tags(cookie))
	case "padt":
		if f.from.session { // for the sessions of others
			id = uint16(f.rand.Uint32()%0xfffe) + 1
			if id == f.from.id {
				id++
			}
		}
		return appendDiscovery(b, f.from.ac, src, wire.PADT, id, nil)
	}
	return wire.AppendSessionFrame(b, f.from.ac, src, id, f.packet())
}

// tags returns the tags of a PADI or PADR, with a random Host-Uniq and a random cookie, if any.
func (f *flood) tags(cookie int) wire.Tags {
	tags := wire.Tags(f.payload[:0]).Append(wire.TagServiceName, nil)
	tags = tags.Append(wire.TagHostUniq, f.random(8))
	if cookie > 0 {
		tags = tags.Append(wire.TagACCookie, f.random(cookie))
	}
	f.payload = tags
	return tags
}

func (f *flood) random(n int) []byte {
	b := make([]byte, 0, n+7)
	for len(b) < n {
		b = binary.NativeEndian.AppendUint64(b, f.rand.Uint64())
	}
	return b[:n]
}

func appendDiscovery(b []byte, dst, src wire.Addr, code wire.Code, id uint16, tags wire.Tags) []byte {
	b = append(append(b, dst[:]...), src[:]...)
	b = binary.BigEndian.AppendUint16(b, wire.EtherTypeDiscovery)
	return wire.Discovery{Code: code, SessionID: id, Tags: tags}.AppendTo(b)
}

// packet returns the PPP frame of a session frame.
func (f *flood) packet() []byte {
	c, protocol := ppp.Control{ID: uint8(f.rand.Uint32())}, ppp.LCP
	switch f.kind {
	case "lcp": // a Configure-Request with a Magic-Number
		c.Code, c.Data = ppp.ConfigureRequest, append([]byte{5, 6}, f.random(4)...)
	case "chap": // a Response with a random value
		const response = 2
		protocol, c.Code = ppp.CHAP, response
		c.Data = append(append([]byte{16}, f.random(16)...), "user0"...)
	case "echo":
		c.Code, c.Data = ppp.EchoRequest, []byte{0, 0, 0, 0}
	}
	f.payload = c.AppendTo(binary.BigEndian.AppendUint16(f.payload[:0], uint16(protocol)))
	return f.payload
}

// checkFlood checks the flags of floods.
func (c *Config) checkFlood() error {
	switch {
	case c.Flood == "":
		return nil
	case !slices.Contains(floodKinds, c.Flood):
		return fmt.Errorf("--flood %q: give one of %v", c.Flood, floodKinds)
	case c.FloodRate <= 0:
		return fmt.Errorf("--flood-rate %v: give frames per second, like 100000", c.FloodRate)
	case c.FloodFrom != "forged" && c.FloodFrom != "session":
		return fmt.Errorf("--flood-from %q: give forged or session", c.FloodFrom)
	case c.Hold == 0:
		return fmt.Errorf("--flood needs --hold: it lasts as long as the sessions are held")
	}
	return nil
}

// frameWriter is what a flood needs of a datapath.Port.
type frameWriter interface {
	WriteBatch(frames [][]byte) (int, error)
}
