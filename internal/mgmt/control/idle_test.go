package control

import (
	"bufio"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of in-memory connections.
type pipes struct {
	net.Listener
	conns chan net.Conn
}

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

// connect connects to the server.
func (p pipes) connect() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// TestIdleConnections: a connection without a request is closed after five seconds, and 32 are
// handled at a time: another one waits until one is closed.
func TestIdleConnections(t *testing.T) {
	for silent, want := range map[int]time.Duration{31: 0, 32: 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			l := pipes{conns: make(chan net.Conn)}
			s := &Server{listener: l, cfg: Config{Handler: &fakeHandler{}, Log: NewLogRing()}, closed: make(chan struct{})}
			go s.accept()
			var conns []net.Conn
			for range silent {
				conns = append(conns, l.connect())
			}
			began := time.Now()
			last := l.connect()
			go last.Write([]byte("status\n"))
			line, err := bufio.NewReader(last).ReadString('\n')
			if took := time.Since(began); err != nil || line != `{"state":"online"}`+"\n" || took != want {
				t.Errorf("with %d idle connections: %q, %v, after %v; want the answer after %v", silent, line, err, took, want)
			}
			time.Sleep(5 * time.Second)
			for _, c := range conns {
				if _, err := c.Read(make([]byte, 1)); err == nil {
					t.Error("an idle connection gets a response")
				}
			}
			close(l.conns)
		})
	}
}
