// Package systemd talks to the service manager systemd as a service of Type=notify does: it reports its
// state (sd_notify(3)), leaves descriptors for its next start, and gets them back
// (sd_listen_fds_with_names(3)), and keeps the watchdog from ending it (sd_watchdog_enabled(3)).
package systemd

import (
	"fmt"
	"net"
	"os"
	"strings"

	"upppoe/internal/process/passfd"
)

// socketEnv is the environment variable with the manager's socket.
const socketEnv = "NOTIFY_SOCKET"

// IsManager reports whether a service manager wants to be notified.
func IsManager() bool { return os.Getenv(socketEnv) != "" }

// Notify sends assignments, like READY=1, to the service manager, in one datagram. Without a manager it
// does nothing.
func Notify(assignments ...string) error { return notify(nil, assignments...) }

// MainPID returns the assignment that makes another process of the service its main one.
func MainPID(pid int) string { return fmt.Sprintf("MAINPID=%d", pid) }

// StoreFiles leaves files with the manager for the next start of the service, under a name. They take the
// place of those that were stored under that name before. The manager keeps as many files as the unit's
// FileDescriptorStoreMax= says.
func StoreFiles(name string, files ...*os.File) error {
	if err := RemoveFiles(name); err != nil {
		return err
	}
	for len(files) > 0 {
		n := min(passfd.MaxFiles, len(files))
		if err := notify(files[:n], "FDSTORE=1", "FDNAME="+name); err != nil {
			return err
		}
		files = files[n:]
	}
	return nil
}

// RemoveFiles removes the files of a name that the manager keeps.
func RemoveFiles(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return Notify("FDSTOREREMOVE=1", "FDNAME="+name)
}

// checkName checks the name of stored files: printable ASCII without a colon, of at most 255 characters
// (sd_pid_notify_with_fds(3)).
func checkName(name string) error {
	unusable := func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' }
	if name == "" || len(name) > 255 || strings.ContainsFunc(name, unusable) {
		return fmt.Errorf("systemd: %q is not a name for a stored descriptor", name)
	}
	return nil
}

func notify(files []*os.File, assignments ...string) error {
	path := os.Getenv(socketEnv)
	if path == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	return passfd.Send(conn, []byte(strings.Join(assignments, "\n")), files...)
}
