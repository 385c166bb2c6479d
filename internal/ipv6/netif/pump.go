package netif

import "fmt"

// Pump sends what a socket receives to a channel, until the socket or done is closed. The error
// that ends it is sent to failures, which must have room for it.
func Pump[T any](receive func() (T, error), to chan<- T, failures chan<- error, done <-chan struct{}) {
	for {
		x, err := receive()
		if err != nil {
			failures <- fmt.Errorf("receive: %w", err)
			return
		}
		select {
		case to <- x:
		case <-done:
			return
		}
	}
}
