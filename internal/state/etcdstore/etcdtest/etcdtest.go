// Package etcdtest starts etcd's server, as Debian's etcd-server installs it, for a test.
package etcdtest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/internal/state/etcdstore"
)

// Server is a server of one member, on a Unix socket in a temporary directory.
type Server struct {
	t       testing.TB
	dir     string
	process *os.Process
	ended   chan struct{} // closed at the end of the process
}

// socket is the name of the socket: etcd wants an address with a port.
const socket = "client:1"

// Start starts a server, and stops it at the end of the test. It skips the test where etcd is not
// installed.
func Start(t testing.TB) *Server {
	t.Helper()
	roottest.NeedPrograms(t, "etcd")
	dir, err := os.MkdirTemp("", "etcd") // t.TempDir's names may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &Server{t: t, dir: dir}
	s.Restart()
	t.Cleanup(s.Kill)
	return s
}

// Restart starts a server that was killed, with the data that it had, and waits until it answers.
func (s *Server) Restart() {
	s.t.Helper()
	for _, name := range []string{socket, "peer:1"} {
		os.Remove(filepath.Join(s.dir, name))
	}
	cmd := exec.Command("etcd", "--data-dir", "data", "--listen-client-urls", "unix://"+socket, "--advertise-client-urls", "unix://"+socket,
		"--listen-peer-urls", "unix://peer:1", "--initial-advertise-peer-urls", "http://peer:1", "--initial-cluster", "default=http://peer:1",
		"--log-level", "error", "--logger", "zap")
	cmd.Dir = s.dir
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.process, s.ended = cmd.Process, make(chan struct{})
	// Ends with the server.
	go func(ended chan struct{}) { cmd.Wait(); close(ended) }(s.ended)
	client := s.Dial()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		_, err := client.Get(ctx, "x")
		if err == nil || errors.Is(err, rpctypes.ErrUserEmpty) {
			return
		}
		if ctx.Err() != nil {
			s.t.Fatalf("etcd does not answer: %v", err)
		}
	}
}

// Config returns how to reach the server.
func (s *Server) Config() etcdstore.Config {
	return etcdstore.Config{Endpoints: []string{"unix://" + filepath.Join(s.dir, socket)}}
}

// Dial returns a client of the server until the end of the test.
func (s *Server) Dial() *clientv3.Client {
	s.t.Helper()
	client, err := etcdstore.Dial(context.Background(), s.Config())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { client.Close() })
	return client
}

// Kill kills the server, and waits until it has ended: it answers nothing any more, and its files are free. It may be
// called again.
func (s *Server) Kill() {
	s.process.Signal(unix.SIGKILL)
	<-s.ended
}

// Freeze stops the server without ending its connections, and Thaw lets it go on.
func (s *Server) Freeze() { s.process.Signal(unix.SIGSTOP) }

// Thaw ends Freeze.
func (s *Server) Thaw() { s.process.Signal(unix.SIGCONT) }
