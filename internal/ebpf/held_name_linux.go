package ebpf

import (
	"bytes"
	"fmt"
	"net"

	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// heldName is the name of a veth pair. The pair outlives its process, which therefore holds the name: an
// abstract Unix socket, which the kernel closes with the process. A pair whose name nobody holds and
// that has no program is left over, and is removed by the next process. One with a pinned program
// carries packets for a successor.
type heldName struct {
	socket int // 0: none
}

// receivingSuffix is added to the name of a pair for that of its other end.
const receivingSuffix = "rx"

// coalescingMAC is the address of the receiving end: any other would make its packets those of
// another host. It also marks our pairs.
var coalescingMAC = net.HardwareAddr{0x02, 0x50, 0x50, 0x50, 0x6f, 0x45}

// take takes a name, in the network namespace of the thread, unless a process has it.
func (h *heldName) take(name string) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: "@upppoe/" + name}); err != nil {
		unix.Close(fd)
		return fmt.Errorf("%s: %w", name, err)
	}
	h.socket = fd
	return nil
}

// hold is take, and removes the pair that an earlier process has left.
func (h *heldName) hold(handle *netlink.Handle, name string) error {
	if err := h.take(name); err != nil {
		return err
	}
	end, err := handle.LinkByName(name + receivingSuffix)
	if err == nil && !hasPrograms(handle, name) {
		deleteVeth(handle, end, err)
	}
	return nil
}

// release gives the name up.
func (h *heldName) release() {
	if h.socket != 0 {
		unix.Close(h.socket)
		h.socket = 0
	}
}

// removeLeft removes the pairs that killed processes have left, of names with a number.
func (h *heldName) removeLeft(handle *netlink.Handle, format string) {
	for n := range maxPairs {
		name := fmt.Sprintf(format, n)
		if _, err := handle.LinkByName(name); err != nil {
			break // the lowest free number is used
		}
		if h.hold(handle, name) == nil {
			h.release()
		}
	}
}

// hasPrograms reports whether a pair has one of our programs: at one of its ends.
func hasPrograms(handle *netlink.Handle, name string) bool {
	for _, at := range []struct {
		name  string
		where link.QueryOptions
	}{{name, link.QueryOptions{Attach: egress}}, {name + receivingSuffix, link.QueryOptions{Attach: ingress}}} {
		end, err := handle.LinkByName(at.name)
		if err != nil {
			continue
		}
		at.where.Target = end.Attrs().Index
		if r, err := link.QueryPrograms(at.where); err == nil && len(r.Programs) > 0 {
			return true
		}
	}
	return false
}

// deleteVeth deletes a pair by its receiving end, if it was found and is that of a pair.
func deleteVeth(handle *netlink.Handle, end netlink.Link, err error) {
	if err == nil && end.Type() == "veth" && bytes.Equal(end.Attrs().HardwareAddr, coalescingMAC) {
		handle.LinkDel(end)
	}
}
