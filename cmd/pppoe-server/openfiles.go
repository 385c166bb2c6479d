package main

import (
	"fmt"

	"golang.org/x/sys/unix"

	"upppoe/internal/config/pppd"
	"upppoe/pppoe/datapath"
)

// Open files that a server takes beside its sessions': so many, and of each place where it
// listens; and those of scripts, which come and go.
const (
	filesOfServer   = 64
	filesOfListener = 16
)

// openFiles is how many files a server with all its sessions may have open at once.
func openFiles(f *flags, s *pppd.Settings) uint64 {
	each := 2 // a TUN device's queue, and what wakes its reader
	switch queues := s.Queues; {
	case s.DataPath == datapath.KindPlain:
		each = 1
	case queues > 1:
		each = 2*queues + 1
	}
	if f.ipv6.wanted() {
		each += 3 // sockets of router advertisements and DHCPv6
	}
	return uint64(f.max*each + len(f.attachments())*filesOfListener + filesOfServer)
}

// raiseOpenFileLimit raises the limit of open files to what all sessions take, as far as that is allowed,
// and returns what to tell if it is not; empty: all is well.
func raiseOpenFileLimit(want uint64, sessions int) string {
	var is unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &is); err != nil || is.Cur >= want {
		return ""
	}
	raised := unix.Rlimit{Cur: want, Max: max(is.Max, want)}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &raised) == nil {
		return ""
	}
	raised = unix.Rlimit{Cur: min(want, is.Max), Max: is.Max}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &raised) == nil && raised.Cur >= want {
		return ""
	}
	return fmt.Sprintf("-N %d: so many sessions take up to %d open files, and this process may have %d: "+
		"later ones will fail. Raise the limit (`ulimit -n %d`, or LimitNOFILE=%d in a systemd unit), or give a smaller -N",
		sessions, want, raised.Cur, want, want)
}
