package shared

import (
	"errors"
	"sync"
)

// Bounds of the queue of received packets. One session must not displace the others.
const (
	maxQueuedOctets = 1 << 20
	maxQueuedShare  = 4         // packets of a session
	queueOverhead   = 64        // octets that a packet takes beside its own, about
	maxPacket       = 4096 + 48 // octets: the largest DHCPv6 message and its headers
)

// Reasons for which a packet is not queued.
var (
	ErrQueueFull  = errors.New("queue of link-local packets is full")
	ErrQueueShare = errors.New("session has too many packets in the queue of link-local packets")
	ErrTooLarge   = errors.New("packet is too large")
)

// received is a packet from a session's peer.
type received[K comparable] struct {
	key    K
	packet []byte
}

// work is what the loop has to do.
type work[K comparable] struct {
	keys    []K         // of changes, in their order
	changes map[K]*Link // nil: the session is down
	packets []received[K]
}

// inbox is the queue from all callers to the loop. Changes are never dropped: the last one of each
// session is kept.
type inbox[K comparable] struct {
	wake chan struct{}

	mu     sync.Mutex
	work   work[K]
	octets int
	queued map[K]uint8
}

func newInbox[K comparable]() *inbox[K] {
	return &inbox[K]{wake: make(chan struct{}, 1), queued: map[K]uint8{}}
}

// change queues that a session is up, or down (nil).
func (in *inbox[K]) change(key K, link *Link) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.work.changes == nil {
		in.work.changes = map[K]*Link{}
	}
	if _, queued := in.work.changes[key]; !queued {
		in.work.keys = append(in.work.keys, key)
	}
	in.work.changes[key] = link
	in.notify()
}

// put queues a copy of a packet. The error is the reason for dropping it.
func (in *inbox[K]) put(key K, packet []byte) error {
	if len(packet) > maxPacket {
		return ErrTooLarge
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	switch size := len(packet) + queueOverhead; {
	case in.octets+size > maxQueuedOctets:
		return ErrQueueFull
	case in.queued[key] == maxQueuedShare:
		return ErrQueueShare
	default:
		in.octets += size
	}
	in.queued[key]++
	in.work.packets = append(in.work.packets, received[K]{key, append([]byte(nil), packet...)})
	in.notify()
	return nil
}

func (in *inbox[K]) notify() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// take returns all that is queued.
func (in *inbox[K]) take() work[K] {
	in.mu.Lock()
	defer in.mu.Unlock()
	w := in.work
	in.work, in.octets = work[K]{}, 0
	clear(in.queued)
	return w
}
