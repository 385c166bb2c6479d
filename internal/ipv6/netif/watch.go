package netif

import (
	"fmt"

	"github.com/vishvananda/netlink"
)

// Watch says, until done is closed, that addresses or interfaces of the calling thread's
// network namespace have changed. Of many changes it may tell once.
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
