package life

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"upppoe/test/lab"
)

// A program that serves takes each packet at once.
const (
	everyMillisecond = time.Millisecond
	whileNoneServes  = 5 * time.Millisecond
)

// maxUnderway is how many datagrams of a stream may be on their way. While no program serves they wait, in a TUN device that
// holds 500, or in a socket: more would be lost on a machine where it takes long until the next program serves.
const maxUnderway = 200

// datagramStream is numbered datagrams from one machine to another.
type datagramStream struct {
	from, to *net.UDPConn
	every    time.Duration
	stop     chan struct{}
	running  sync.WaitGroup
	sent     uint64
	received atomic.Uint64
	gap      time.Duration // the longest time between two that arrived
}

// startStream starts a stream between two addresses of machines.
func startStream(t *testing.T, every time.Duration, in *lab.Namespace, from netip.Addr, out *lab.Namespace, to netip.Addr) *datagramStream {
	t.Helper()
	s := &datagramStream{every: every, stop: make(chan struct{})}
	listen := func(in *lab.Namespace, at netip.Addr) (conn *net.UDPConn) {
		check(t, in.Do(func() (err error) {
			conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)))
			return err
		}))
		check(t, lab.SetReadBuffer(conn, 4<<20))
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	s.from, s.to = listen(in, from), listen(out, to)
	s.running.Go(s.send)
	go s.receive() // ends with the socket
	await(t, "the stream flows", func() bool { return s.received.Load() > 100 })
	return s
}

func (s *datagramStream) send() {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	to := s.to.LocalAddr().(*net.UDPAddr).AddrPort()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		if s.sent-s.received.Load() >= maxUnderway {
			continue
		}
		s.from.WriteToUDPAddrPort(binary.BigEndian.AppendUint64(make([]byte, 0, 100), s.sent)[:100], to)
		s.sent++
	}
}

func (s *datagramStream) receive() {
	last, b := time.Now(), make([]byte, 2000)
	for {
		if _, err := s.to.Read(b); err != nil {
			return
		}
		now := time.Now()
		if s.received.Load() > 0 {
			s.gap = max(s.gap, now.Sub(last))
		}
		last = now
		s.received.Add(1)
	}
}

// lateBound is when a datagram that has not arrived is lost.
const lateBound = 5 * time.Second

// end ends the stream, and returns how many datagrams were sent and lost, and the longest gap.
func (s *datagramStream) end() (sent, lost uint64, gap time.Duration) {
	close(s.stop)
	s.running.Wait()
	for end := time.Now().Add(lateBound); s.received.Load() < s.sent && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	return s.sent, s.sent - s.received.Load(), s.gap
}
