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

// Where the kernel lists packet sockets, and its own sessions, if it has a module for them:
// those of the thread's network namespace.
const (
	packetSockets  = "/proc/thread-self/net/packet"
	kernelSessions = "/proc/thread-self/net/pppoe"
)

// setShared tells ports whether they share their interface. With tags, or an address of their
// own, what others hear there is not theirs.
func setShared(a Attachment, ports *pppoe.Ports) error {
	if a.protocol(wire.EtherTypeSession) != wire.EtherTypeSession {
		return nil
	}
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
		return hasOtherSocket(iface, own) || hasKernelSession(a.Interface)
	}
	return nil
}

// inode is by what the kernel lists the socket.
func (p *Port) inode() (uint64, error) {
	var s unix.Stat_t
	var err error
	failed := p.raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &s) })
	return s.Ino, errors.Join(failed, err)
}

// hasOtherSocket reports whether there is a socket of PPPoE's session frames on an interface that
// is not one of our own.
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

// hasKernelSession reports whether the kernel has a session of its own on an interface.
func hasKernelSession(name string) bool {
	return anyLine(kernelSessions, func(words []string) bool {
		return len(words) == 3 && words[2] == name // Id Address Device
	})
}

// anyLine reports whether a test holds for the words of one of a file's lines. A file that is not
// there has none.
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
