package control

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// checkPeer reports whether the process at the other end of a connection may send requests: one of
// root, of the program's user, or of a group (0: none). The socket's mode says the same, but may have
// been changed, and a connection may have been passed on.
func checkPeer(conn net.Conn, group int) error {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return nil // of a test
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	var groups []uint32
	controlErr := raw.Control(func(fd uintptr) {
		if peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			groups = append(peerGroups(fd), peer.Gid)
		}
	})
	switch {
	case controlErr != nil:
		return controlErr
	case err != nil:
		return fmt.Errorf("credentials of the peer: %w", err)
	case peer.Uid == 0 || int(peer.Uid) == os.Geteuid():
		return nil
	case group != 0 && slices.Contains(groups, uint32(group)):
		return nil
	}
	return fmt.Errorf("user %d may not control this program: run as root or as a member of the socket's group", peer.Uid)
}

// maxPeerGroups bounds the groups that are looked at.
const maxPeerGroups = 1024

// peerGroups returns the supplementary groups of the peer (SO_PEERGROUPS, Linux 4.13); none if the
// kernel does not say.
func peerGroups(fd uintptr) (groups []uint32) {
	buf := make([]byte, 4*maxPeerGroups)
	size := uint32(len(buf))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_PEERGROUPS,
		uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return nil
	}
	for b := buf[:size]; len(b) >= 4; b = b[4:] {
		groups = append(groups, binary.NativeEndian.Uint32(b))
	}
	return groups
}
