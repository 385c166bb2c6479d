package control

import (
	"bufio"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener to which a test gives connections in memory.
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

// connect is a new connection to the server.
func (p pipes) connect() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// TestIdleConnections: who connects and says nothing is given up after five seconds, and of such there
// are 32 at a time: the next one waits until one has gone.
func TestIdleConnections(t *testing.T) {
	for silent, want := range map[int]time.Duration{31: 0, 32: 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			l := pipes{conns: make(chan net.Conn)}
			s := &Server{listener: l, handler: &fakeHandler{}, log: NewLogRing(), closed: make(chan struct{})}
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
				t.Errorf("beside %d who say nothing: %q, %v, after %v; want the answer after %v", silent, line, err, took, want)
			}
			time.Sleep(5 * time.Second)
			for _, c := range conns {
				if _, err := c.Read(make([]byte, 1)); err == nil {
					t.Error("one who says nothing is answered")
				}
			}
			close(l.conns)
		})
	}
}
