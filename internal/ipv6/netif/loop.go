package netif

import (
	"context"
	"errors"
	"time"

	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/radv"
)

// Packet is a neighbor discovery message, and the interface on which it was received.
type Packet struct {
	Interface string
	radv.Packet
}

// Inputs are the events of a session. A nil channel never fires.
type Inputs struct {
	Packets   <-chan Packet
	Datagrams <-chan Datagram
	Changes   <-chan struct{} // of interfaces and addresses, see Watch
	Failures  <-chan error    // of sockets
}

// Handler handles the events of a session.
type Handler interface {
	// Step does what is due, and returns when to call it again at the latest; zero: after the next
	// event. It is called after every other method.
	Step(now time.Time) (next time.Time)
	ReceivePacket(now time.Time, p Packet)
	ReceiveDatagram(now time.Time, d Datagram)
	// Changed is called when interfaces or addresses have changed.
	Changed(now time.Time)
}

// Run calls a handler, always from the calling goroutine, until the context ends (nil) or a socket
// fails (its error).
func (in Inputs) Run(ctx context.Context, h Handler) error {
	timer := time.NewTimer(time.Hour) // set below
	defer timer.Stop()
	for {
		next := h.Step(time.Now())
		timer.Reset(lifetime.Remaining(time.Now(), next))
		select {
		case <-ctx.Done():
			return nil
		case err := <-in.Failures:
			return err
		case p := <-in.Packets:
			h.ReceivePacket(time.Now(), p)
		case d := <-in.Datagrams:
			h.ReceiveDatagram(time.Now(), d)
		case <-in.Changes:
			h.Changed(time.Now())
		case <-timer.C:
		}
	}
}

// ErrLinkGone is the cancellation cause of a context if the session has ended: nothing can be sent
// any more.
var ErrLinkGone = errors.New("the session has ended")
