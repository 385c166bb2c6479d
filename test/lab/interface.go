package lab

import (
	"fmt"

	"github.com/vishvananda/netlink"
)

// MoveInterface moves an interface to another namespace and sets it up there.
func (n *Namespace) MoveInterface(name string, to *Namespace) error {
	err := n.Do(func() error {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		return netlink.LinkSetNsFd(link, int(to.handle))
	})
	if err != nil {
		return fmt.Errorf("move %s: %w", name, err)
	}
	return to.Do(func() error { return setUp(name) })
}
