package datapath

import (
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"upppoe/tun"
)

// fakeMultiQueue is a tun.MultiQueue in memory.
type fakeMultiQueue struct {
	*fakeGSODevice
	queues []*fakeQueue
	idle   sync.WaitGroup // all queues have been read empty
}

// fakeQueue is one of its queues.
type fakeQueue struct {
	*fakeGSODevice
	idle func()
}

func newFakeMultiQueue(queues int) *fakeMultiQueue {
	w := &fakeMultiQueue{fakeGSODevice: &fakeGSODevice{closed: make(chan struct{})}}
	for range queues {
		w.idle.Add(1)
		w.queues = append(w.queues, &fakeQueue{&fakeGSODevice{closed: w.closed}, sync.OnceFunc(w.idle.Done)})
	}
	return w
}

func (q *fakeQueue) Wait() error {
	q.idle()
	<-q.closed
	return os.ErrClosed
}

func (w *fakeMultiQueue) Readers() (all []tun.GSOReader) {
	for _, q := range w.queues {
		all = append(all, q)
	}
	return all
}

func (w *fakeMultiQueue) Writers() (all []tun.GSOWriter) {
	for _, q := range w.queues {
		all = append(all, q)
	}
	return all
}

// TestMultiQueue: each queue of a device is sent by a port of its own, and the frames of each port
// are written by a writer of their own; the writer of a device with fewer queues is shared.
func TestMultiQueue(t *testing.T) {
	const ports = 4
	m := &packetMaker{Rand: rand.New(rand.NewPCG(3, 4))}
	for _, queues := range []int{1, 2, ports, ports + 1} {
		var wires []*fakePort
		var all []Port
		for range ports {
			wires = append(wires, &fakePort{})
			all = append(all, fakeGatherer{wires[len(wires)-1]})
		}
		p := newGSOPath(all, func([]byte) { t.Error("a packet went to the control plane") }, func(SessionConfig) {})
		device := newFakeMultiQueue(queues)
		for _, q := range device.queues {
			q.toRead = []gsoPacket{m.transport(0, false, false, 100, 1000)}
		}
		f := openEntry(p, device)
		var receivers sync.WaitGroup
		for i, l := range p.workers {
			in := sessionFrame(acAddr, 7, 0x21, m.network(i, 1, false, make([]byte, 30)), 0)
			receivers.Go(func() { l.receive([]Frame{*in}) })
		}
		receivers.Wait()
		device.idle.Wait()
		n := f.Remove()
		if n.SentPackets != uint64(queues*10) || n.ReceivedPackets != ports || n.Dropped != 0 {
			t.Errorf("%d queues: counted as %+v", queues, n)
		}
		for i, w := range wires {
			want := 0
			for q := range queues {
				if p.portFor(f, q) == i {
					want += 10
				}
			}
			if len(w.frames) != want {
				t.Errorf("%d queues: %d frames went out by port %d, want %d", queues, len(w.frames), i, want)
			}
		}
		for i, q := range device.queues {
			want := 0
			switch {
			case queues < ports && i == 0:
				want = ports
			case queues >= ports && i < ports:
				want = 1
			}
			if len(q.written) != want {
				t.Errorf("%d queues: %d packets were written at place %d, want %d", queues, len(q.written), i, want)
			}
		}
	}
}

// openEntry adds a session with both families open.
func openEntry(p *gsoPath, d tun.GSODevice) *entry {
	f := newEntry(&p.plainPath, SessionConfig{Key: Key{Local: hostAddr, Peer: acAddr, SessionID: 7}, Device: d}, newGSOIO(d, len(p.workers)))
	f.ipv4.Store(true)
	p.add(f, p.transmitQueues)
	return f
}
