package pppoe

import (
	"context"
	"errors"
	"time"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// Probe sends PADIs and calls found with each concentrator's first offer and the time since the
// last PADI. It repeats the PADI while no concentrator answers, and returns one full Timeout after
// the last PADI, or when the context ends. It closes the port. unmatched are the concentrators
// whose answers were not acceptable. The error is that of a lost port, or names the field of cfg
// that is wrong. found is called by one goroutine at a time.
func Probe(ctx context.Context, port datapath.Port, cfg discovery.ClientConfig, found func(o discovery.Offer, after time.Duration)) (unmatched []discovery.Unmatched, err error) {
	if err = checkProbe(&cfg, found); err != nil {
		port.Close()
		return nil, err
	}
	p := newProbe(port, cfg, found)
	err = runSearch(ctx, port, p)
	return p.client.Unmatched(), err
}

func checkProbe(cfg *discovery.ClientConfig, found func(discovery.Offer, time.Duration)) error {
	if found == nil {
		return errors.New("pppoe: Probe needs a function to call with each offer")
	}
	return cfg.Check("ClientConfig")
}

type probe struct {
	port   datapath.Port
	client *discovery.Client
	queue  wire.Queue
	report func(discovery.Offer, time.Duration)
	seen   seenSet
	sentAt time.Time // zero: not yet
}

var _ searcher = (*probe)(nil)

func newProbe(port datapath.Port, cfg discovery.ClientConfig, found func(discovery.Offer, time.Duration)) *probe {
	cfg.Probe = true
	return &probe{port: port, client: discovery.NewClient(port.Addr(), cfg), report: found, seen: make(seenSet)}
}

func (p *probe) advance(now time.Time) (next time.Time, more bool) {
	switch {
	case p.sentAt.IsZero():
		p.client.Start(now, &p.queue)
	case len(p.seen) > 0:
		return time.Time{}, false
	case p.client.Advance(now, &p.queue).TimedOut != 0:
		return time.Time{}, false
	}
	p.send()
	return p.client.Deadline(), true
}

func (p *probe) send() {
	for _, f := range p.queue.All() {
		p.sentAt = time.Now()                        // the answer may arrive before WriteBatch returns
		p.port.WriteBatch([][]byte{f.AppendTo(nil)}) // lost packets are repeated
	}
	p.queue.Reset()
}

// maxProbeResults is how many concentrators are reported.
const maxProbeResults = 4096

func (p *probe) receive(now time.Time, frame []byte) {
	f, err := wire.ParseDiscoveryFrame(frame)
	if err != nil {
		return
	}
	result, err := p.client.Receive(now, f, &p.queue)
	if err != nil || result.Offer == nil || !p.seen.add(seenKey{ac: result.Offer.AC}, maxProbeResults) {
		return
	}
	p.report(*result.Offer, now.Sub(p.sentAt))
}
