package tun

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// A device with an owner outlives the program: it is persistent, keeps its addresses and routes, and the
// kernel data path goes on. Its tag (net.ipv4.conf.NAME.tag, a number for whoever configures an interface)
// stands for the owner, so that a successor with the same owner can take it over or remove it, and no other
// program's device. An alias would change what `ip link show` prints.

var (
	_ Leaver = (*GSO)(nil)
	_ Leaver = (*Plain)(nil)
)

// tagOf returns the tag of an owner's devices. It is not 0, which other devices have.
func tagOf(owner string) uint32 {
	h := fnv.New32a()
	h.Write([]byte("upppoe:" + owner))
	return h.Sum32()>>1 | 1 // sysctl's are signed
}

// IsOwned reports whether an interface is a device that a program of the owner has made, and that can be
// opened. Whether a program uses it at present is known only of one with several queues.
func IsOwned(name, owner string) bool {
	existing := findPersistent(name)
	return existing != nil && isOwnedBy(name, owner)
}

// isOwnedBy reports whether a TUN device has an owner.
func isOwnedBy(name, owner string) bool {
	if owner == "" {
		return false
	}
	text, err := os.ReadFile("/proc/sys/net/ipv4/conf/" + name + "/tag")
	if err != nil {
		return false
	}
	tag, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
	return err == nil && uint32(tag) == tagOf(owner)
}

// Owned returns the names of all devices that IsOwned reports, except for those in use, by name and index.
func Owned(owner string, inUse func(name string, index int) bool) (names []string, err error) {
	all, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	for _, link := range all {
		name := link.Attrs().Name
		if asPersistent(link, name) != nil && !inUse(name, link.Attrs().Index) && isOwnedBy(name, owner) {
			names = append(names, name)
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

// own makes a device persistent. It gets its tag before: a program that is killed in between leaves
// nothing.
func own(fd uintptr, name, owner string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	if err := setTag(link.Attrs().Index, tagOf(owner)); err != nil {
		return fmt.Errorf("set the tag: %w", err)
	}
	return setPersist(fd, true)
}

// Attributes of an interface's IPv4 configuration (linux/if_link.h, linux/ip.h).
const (
	iflaInetConf = 1
	devconfTag   = 12
)

// setTag sets an interface's tag by rtnetlink, as /proc/sys is read-only in most containers.
func setTag(index int, tag uint32) error {
	request := nl.NewNetlinkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK)
	of := nl.NewIfInfomsg(unix.AF_UNSPEC)
	of.Index = int32(index)
	request.AddData(of)
	families := nl.NewRtAttr(unix.IFLA_AF_SPEC, nil)
	families.AddRtAttr(unix.AF_INET, nil).AddRtAttr(iflaInetConf, nil).AddRtAttr(devconfTag, nl.Uint32Attr(tag))
	request.AddData(families)
	_, err := request.Execute(unix.NETLINK_ROUTE, 0)
	return err
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
