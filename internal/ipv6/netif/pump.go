package netif

import "fmt"

// Pump passes on what a socket receives, until the socket is closed or done is. The
// error that ends it goes to failures, which must have room for it.
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
