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
// FileDescriptorStoreMax= says, in no particular order: so each is stored with its number.
func StoreFiles(name string, files ...*os.File) error {
	if err := removeFiles(name, len(files)); err != nil {
		return err
	}
	for i, f := range files {
		if err := notify([]*os.File{f}, "FDSTORE=1", "FDNAME="+numbered(name, i)); err != nil {
			return err
		}
	}
	stored.set(name, len(files))
	return nil
}

// RemoveFiles removes the files of a name that the manager keeps.
func RemoveFiles(name string) error {
	err := removeFiles(name, 0)
	stored.set(name, 0)
	return err
}

// removeFiles removes the files that this process knows of, and at least those of the first numbers, which a
// process before it may have stored.
func removeFiles(name string, atLeast int) error {
	if err := checkName(name); err != nil {
		return err
	}
	for i := range max(stored.count(name), atLeast) {
		if err := Notify("FDSTOREREMOVE=1", "FDNAME="+numbered(name, i)); err != nil {
			return err
		}
	}
	return nil
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
