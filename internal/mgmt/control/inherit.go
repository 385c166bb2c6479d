package control

import (
	"net"
	"os"
	"path/filepath"

	"upppoe/internal/process/passfd"
)

// inherit returns the listener of Config.Inherited; nil: there is none, or another socket's.
func inherit(cfg Config) net.Listener {
	if cfg.Inherited == nil {
		return nil
	}
	defer cfg.Inherited.Close()
	l, err := net.FileListener(cfg.Inherited)
	if err != nil {
		return nil
	}
	if u, ok := l.(*net.UnixListener); ok && u.Addr().String() == cfg.Path {
		u.SetUnlinkOnClose(true)
		return u
	}
	l.Close()
	return nil
}

// InheritedPath returns the path of Config.Inherited, if the socket is in a directory; empty: it is not, or
// there is none.
func InheritedPath(f *os.File, dir string) string {
	if f == nil {
		return ""
	}
	l, err := net.FileListener(f)
	if err != nil {
		return ""
	}
	defer l.Close()
	if path := l.Addr().String(); filepath.Dir(path) == filepath.Clean(dir) {
		return path
	}
	return ""
}

// Listener returns another descriptor of the socket, for Config.Inherited of a successor. Connections that
// wait are the successor's.
func (s *Server) Listener() (*os.File, error) {
	l, ok := s.listener.(*net.UnixListener)
	if !ok {
		return nil, os.ErrInvalid
	}
	return passfd.Duplicate(l, "control socket")
}

// Leave stops to accept connections, and leaves the socket to a successor. Requests go on.
func (s *Server) Leave() error {
	if l, ok := s.listener.(*net.UnixListener); ok {
		l.SetUnlinkOnClose(false)
	}
	return s.listener.Close()
}
