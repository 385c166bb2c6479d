package tun

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A device with an owner outlives the program: it is persistent, keeps its addresses and routes, and the
// kernel data path goes on. Its alias (`ip link show`) names the owner, so that a successor with the same
// owner can take it over or remove it, and no other program's device.

var (
	_ Leaver = (*GSO)(nil)
	_ Leaver = (*Plain)(nil)
)

// aliasPrefix is the beginning of the alias of a device with an owner.
const aliasPrefix = "upppoe:"

// IsOwned reports whether an interface is a device that a program of the owner has made, and that can be
// opened. Whether a program uses it at present is known only of one with several queues.
func IsOwned(name, owner string) bool {
	existing := findPersistent(name)
	return existing != nil && isOwnedBy(existing, owner)
}

func isOwnedBy(existing *netlink.Tuntap, owner string) bool {
	return owner != "" && existing.Alias == aliasPrefix+owner
}

// Owned returns the names of all devices that IsOwned reports.
func Owned(owner string) (names []string, err error) {
	all, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	for _, link := range all {
		if existing := asPersistent(link, link.Attrs().Name); existing != nil && isOwnedBy(existing, owner) {
			names = append(names, existing.Name)
		}
	}
	return names, nil
}

// RemoveOwned removes a device that IsOwned reports, unless a program uses it.
func RemoveOwned(name, owner string) error {
	if !IsOwned(name, owner) {
		return nil
	}
	d, err := OpenGSO(Config{Name: name, Owner: owner})
	switch {
	case err == nil:
		return d.Close()
	case errors.Is(err, ErrNameTaken):
		return nil
	}
	return err
}

// own makes a device persistent. It gets its alias before: a program that is killed in between leaves
// nothing.
func own(fd uintptr, name, owner string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetAlias(link, aliasPrefix+owner); err != nil {
		return fmt.Errorf("set the alias: %w", err)
	}
	return setPersist(fd, true)
}

// setPersist sets whether a device outlives its descriptors.
func setPersist(fd uintptr, persist bool) error {
	value := 0
	if persist {
		value = 1
	}
	if err := unix.IoctlSetInt(int(fd), unix.TUNSETPERSIST, value); err != nil {
		return fmt.Errorf("TUNSETPERSIST: %w", err)
	}
	return nil
}
