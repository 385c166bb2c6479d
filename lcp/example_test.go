package lcp_test

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"upppoe/lcp"
	"upppoe/ppp"
)

// open has a link negotiate over a pipe until it is open: frames come in by one channel and go out
// by the other.
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
	send() // our Configure-Ack may be among what the other side waits for
}

// Two links negotiate over a pipe. A link does no I/O and reads no clock: whoever owns it gives it
// packets and the time, and sends what it queues.
func Example() {
	ours, theirs := lcp.New(&lcp.Config{}), lcp.New(&lcp.Config{MRU: 1400})
	there, back := make(chan []byte, 8), make(chan []byte, 8)
	var both sync.WaitGroup
	both.Go(func() { open(ours, back, there) })
	both.Go(func() { open(theirs, there, back) })
	both.Wait()
	fmt.Println("we may send", ours.PeerMRU(), "octets, they", theirs.PeerMRU())
	// Output:
	// we may send 1400 octets, they 1492
}
