package afpacket

import (
	"bufio"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// The kernel's lists of packet sockets, and of PPPoE sessions of its own module, in the network
// namespace of the thread.
const (
	packetSockets  = "/proc/thread-self/net/packet"
	kernelSessions = "/proc/thread-self/net/pppoe"
)

// setSharedUnlessTagged is setShared, except for ports with tags or an address of their own: other
// programs do not receive their frames.
func setSharedUnlessTagged(a Attachment, ports *pppoe.Ports) error {
	if a.protocol(wire.EtherTypeSession) != wire.EtherTypeSession {
		return nil
	}
	return setShared(a.Interface, ports)
}

// setShared sets Ports.Shared, which reports whether other programs receive untagged session frames
// on the interface.
func setShared(name string, ports *pppoe.Ports) error {
	var own []uint64
	var iface int
	for _, port := range append([]datapath.Port{ports.Session}, ports.Fanout...) {
		p := port.(*Port)
		inode, err := p.inode()
		if err != nil {
			return err
		}
		own, iface = append(own, inode), p.iface.Index
	}
	ports.Shared = func() bool {
		return hasOtherSocket(iface, own) || hasKernelSession(name)
	}
	return nil
}

// inode returns the inode by which the kernel lists the socket.
func (p *Port) inode() (uint64, error) {
	var s unix.Stat_t
	var err error
	failed := p.raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &s) })
	return s.Ino, errors.Join(failed, err)
}

// hasOtherSocket reports whether an interface has a socket for session frames that is not one of
// our own.
func hasOtherSocket(iface int, own []uint64) bool {
	return anyLine(packetSockets, func(words []string) bool {
		// sk RefCnt Type Proto Iface R Rmem User Inode
		if len(words) < 9 || words[3] != strconv.FormatUint(wire.EtherTypeSession, 16) || words[4] != strconv.Itoa(iface) {
			return false
		}
		inode, err := strconv.ParseUint(words[8], 10, 64)
		return err == nil && !slices.Contains(own, inode)
	})
}

// hasKernelSession reports whether the kernel has a PPPoE session of its own on an interface.
func hasKernelSession(name string) bool {
	return anyLine(kernelSessions, func(words []string) bool {
		return len(words) == 3 && words[2] == name // Id Address Device
	})
}

// anyLine reports whether a test holds for the words of any line of a file. A missing file has
// none.
func anyLine(path string, test func(words []string) bool) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if test(strings.Fields(lines.Text())) {
			return true
		}
	}
	return false
}
