package lcp_test

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"upppoe/lcp"
	"upppoe/ppp"
)

// open negotiates a link over a pipe until it is open: it receives frames from one channel and sends
// frames to the other.
func open(link *lcp.Link, in <-chan []byte, out chan<- []byte) {
	var queue ppp.Queue
	send := func() {
		for frame := range queue.All() {
			out <- bytes.Clone(frame)
		}
		queue.Reset()
	}
	link.Open(time.Now(), &queue)
	for link.State() != ppp.Opened {
		send()
		select {
		case frame := <-in:
			_, information, _ := ppp.ParseFrame(frame)
			if packet, err := ppp.ParseControl(information); err == nil {
				link.Receive(time.Now(), packet, &queue)
			}
		case <-time.After(time.Until(link.Deadline())):
			link.Advance(time.Now(), &queue)
		}
	}
	send() // the other side may be waiting for our Configure-Ack
}

// Two links negotiate over a pipe. A link does no I/O and reads no clock: its owner passes packets
// and the time to it, and sends the frames that it queues.
func Example() {
	ours, theirs := lcp.New(&lcp.Config{}, lcp.Peer{}), lcp.New(&lcp.Config{MRU: 1400}, lcp.Peer{})
	there, back := make(chan []byte, 8), make(chan []byte, 8)
	var both sync.WaitGroup
	both.Go(func() { open(ours, back, there) })
	both.Go(func() { open(theirs, there, back) })
	both.Wait()
	fmt.Println("we may send", ours.PeerMRU(), "octets, they", theirs.PeerMRU())
	// Output:
	// we may send 1400 octets, they 1492
}
