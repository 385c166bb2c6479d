package control

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// listenGrace is more than a program needs from creating its socket's file to listening.
const listenGrace = 10 * time.Second

// removeStale removes the sockets of programs that were killed, at which none listens.
func removeStale(dir string) {
	all, _ := filepath.Glob(filepath.Join(dir, "*.sock")) // the pattern is valid
	for _, path := range all {
		is, err := os.Lstat(path)
		if err == nil && is.Mode()&os.ModeSocket != 0 && time.Since(is.ModTime()) > listenGrace && !isListening(path) {
			os.Remove(path)
		}
	}
}

// isListening reports whether a program listens at a socket, or may.
func isListening(path string) bool {
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		c.Close()
	}
	return !errors.Is(err, unix.ECONNREFUSED)
}
