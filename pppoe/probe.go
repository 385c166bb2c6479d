package pppoe

import (
	"context"
	"errors"
	"net"
	"time"
)

// Probe asks which concentrators there are, and tells of each offer as it comes,
// with the time since it was last asked for. It asks again while nobody has
// answered, and returns when a whole timeout has passed after that, or the context
// ends. It closes the port. Unmatched are those whose answers were dropped. The error says
// that the port was lost, or names the field of cfg that is wrong.
func Probe(ctx context.Context, port Port, cfg HostConfig, found func(o Offer, after time.Duration)) (unmatched []Unmatched, err error) {
	cfg.Probe = true
	wrong := cfg.check("HostConfig")
	if found == nil {
		wrong = errors.New("pppoe: Probe needs a function that is told of each offer")
	}
	err = overPort(port, wrong, func(frames <-chan []byte, lost <-chan error) error {
		p := &probe{port: port, host: NewHostDiscovery(port.Addr(), cfg), found: found, seen: make(map[Addr]bool)}
		err := p.run(ctx, frames, lost)
		unmatched = p.host.Unmatched()
		return err
	})
	return unmatched, err
}

// overPort has run told the frames of a port, and why it was lost, and then closes it. Of a
// configuration that is wrong, the error is returned instead.
func overPort(port Port, wrong error, run func(frames <-chan []byte, lost <-chan error) error) error {
	defer port.Close()
	if wrong != nil {
		return wrong
	}
	frames, lost := make(chan []byte, inboxSize), make(chan error, 1)
	// Ends when the port is closed.
	go func() { lost <- receive(port, frames) }()
	return run(frames, lost)
}

type probe struct {
	port  Port
	host  *HostDiscovery
	queue Queue
	found func(Offer, time.Duration)
	seen  map[Addr]bool
	asked time.Time
}

func (p *probe) run(ctx context.Context, frames <-chan []byte, lost <-chan error) error {
	p.host.Start(time.Now(), &p.queue)
	p.send()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-lost:
			return err
		case frame := <-frames:
			p.receive(time.Now(), frame)
		case <-time.After(time.Until(p.host.Deadline())):
			if len(p.seen) > 0 {
				return nil
			}
			if f := p.host.Advance(time.Now(), &p.queue); f.GaveUp != 0 {
				return nil
			}
			p.send()
		}
	}
}

func (p *probe) send() {
	for _, f := range p.queue.All() {
		p.asked = time.Now()                         // the answer may be there before WriteBatch returns
		p.port.WriteBatch([][]byte{f.AppendTo(nil)}) // what is lost is repeated
	}
	p.queue.Reset()
}

// maxSeen bounds how many concentrators are told of: a forger has more addresses
// than anybody wants to read.
const maxSeen = 4096

func (p *probe) receive(now time.Time, frame []byte) {
	f, err := ParseDiscoveryFrame(frame)
	if err != nil {
		return
	}
	got, err := p.host.Receive(now, f, &p.queue)
	if err != nil || got.Offer == nil || p.seen[got.Offer.AC] || len(p.seen) >= maxSeen {
		return
	}
	p.seen[got.Offer.AC] = true
	p.found(*got.Offer, now.Sub(p.asked))
}

// receive moves copies of a port's frames to a channel, or drops them if nobody
// takes them, until the port is closed.
func receive(port Port, to chan<- []byte) error {
	err := read(port, batch, func(frames []Frame) {
		for _, f := range frames {
			select {
			case to <- append([]byte(nil), f.Data...):
			default:
			}
		}
	})
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
