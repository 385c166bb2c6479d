package control

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// PIDs returns the process IDs of the programs whose sockets in a directory accept connections.
// Sockets that ended programs have left are removed.
func PIDs(dir string) ([]int, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.sock"))
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, path := range files {
		pid, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".sock"))
		if err != nil {
			continue
		}
		conn, err := net.DialTimeout("unix", path, dialTimeout)
		switch {
		case err == nil:
			conn.Close()
			pids = append(pids, pid)
		case errors.Is(err, unix.ECONNREFUSED) && unix.Kill(pid, 0) == unix.ESRCH:
			os.Remove(path) // a running one is about to listen
		case errors.Is(err, os.ErrPermission):
			return nil, fmt.Errorf("%s: %w: run as the program's user", path, os.ErrPermission)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

const dialTimeout = 5 * time.Second

// Sockets returns the paths of the sockets in a directory that accept connections, of those whose name
// without .sock matches a pattern (path.Match).
func Sockets(dir, pattern string) (all []string, err error) {
	files, err := filepath.Glob(filepath.Join(dir, pattern+".sock"))
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		conn, err := net.DialTimeout("unix", path, dialTimeout)
		switch {
		case err == nil:
			conn.Close()
			all = append(all, path)
		case errors.Is(err, os.ErrPermission):
			return nil, fmt.Errorf("%s: %w: run as root or as a member of the socket's group", path, os.ErrPermission)
		}
	}
	return all, nil
}

// Request sends a request to a client, and copies its response to a writer until it ends. A
// program that does not respond completely within the timeout is given up; 0: no timeout.
func Request(dir string, pid int, request string, to io.Writer, timeout time.Duration) error {
	return RequestAt(filepath.Join(dir, fmt.Sprintf("%d.sock", pid)), request, to, timeout)
}

// RequestAt is Request to the program at a socket.
func RequestAt(path, request string, to io.Writer, timeout time.Duration) error {
	conn, err := net.DialTimeout("unix", path, dialTimeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	if timeout > 0 {
		conn.SetDeadline(time.Now().Add(timeout))
	}
	if _, err := fmt.Fprintln(conn, request); err != nil {
		return err
	}
	_, err = io.Copy(to, conn)
	if errors.Is(err, unix.ECONNRESET) {
		return nil // the program has ended
	}
	return err
}
