package netif

import (
	"fmt"

	"github.com/vishvananda/netlink"
)

// Watch returns a channel that reports changes of addresses or interfaces in the calling thread's
// network namespace, until done is closed. Several changes may be reported as one.
func Watch(done <-chan struct{}) (<-chan struct{}, error) {
	changed := make(chan struct{}, 1)
	links, addresses := make(chan netlink.LinkUpdate, 16), make(chan netlink.AddrUpdate, 16)
	if err := netlink.LinkSubscribe(links, done); err != nil {
		return nil, fmt.Errorf("watch interfaces: %w", err)
	}
	if err := netlink.AddrSubscribe(addresses, done); err != nil {
		return nil, fmt.Errorf("watch addresses: %w", err)
	}
	// Both end when done is closed, which closes their channels.
	go notify(links, changed)
	go notify(addresses, changed)
	return changed, nil
}

func notify[T any](updates <-chan T, changed chan<- struct{}) {
	for range updates {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}
