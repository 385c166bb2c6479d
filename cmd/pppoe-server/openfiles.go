package main

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"

	"upppoe/internal/config/serverconfig"
	"upppoe/pppoe/datapath"
)

// Open files of a server in addition to those of its sessions, with room for scripts: of the process,
// and of each interface.
const (
	filesOfServer   = 64
	filesOfListener = 16
)

// openFiles returns how many files a server with all its sessions may have open.
func openFiles(c *serverconfig.Config) uint64 {
	all := len(c.Interfaces)*filesOfListener + filesOfServer
	s := c.Options
	if c.Device.Shared {
		queues := s.Queues
		if queues == 0 {
			queues = runtime.GOMAXPROCS(0)
		}
		return uint64(all + 2*queues + 1)
	}
	each := 2 // a queue of the TUN device, and the descriptor that wakes its reader
	switch queues := s.Queues; {
	case s.DataPath == datapath.KindPlain:
		each = 1
	case queues > 1:
		each = 2*queues + 1
	}
	if len(c.IPv6.Prefixes()) > 0 {
		each += 3 // sockets of router advertisements and DHCPv6
	}
	return uint64(all + c.Sessions.Max*each)
}

// openFilesOfUpgrade returns how many files it may have open while it passes on the devices of its sessions.
func openFilesOfUpgrade(c *serverconfig.Config) uint64 {
	all := openFiles(c)
	if !c.Device.Shared {
		all += uint64(c.Sessions.Max * max(1, 2*c.Options.Queues-1))
	}
	return all
}

// raiseOpenFileLimit raises the limit of open files to what all sessions need, as far as permitted. It
// returns a warning if that does not suffice, else an empty string.
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
	return fmt.Sprintf("-N %d: this many sessions need up to %d open files, but the limit of this process is %d: "+
		"some sessions will fail. Raise the limit (`ulimit -n %d`, or LimitNOFILE=%d in a systemd unit), or give a smaller -N",
		sessions, want, raised.Cur, want, want)
}
