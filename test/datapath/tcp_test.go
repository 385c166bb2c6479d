package datapath

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"upppoe/pppoe/datapath"
	"upppoe/test/lab"
)

// tcp sends a stream in each direction at once, over IPv4 and IPv6. What arrives equals what was
// sent. Where the kernel carries packets, it carries all received ones, and all sent ones once the
// segmentation pair exists.
func (e *ends) tcp(t *testing.T) {
	const octets = 1 << 20
	for _, to := range []string{serverIP, serverIP6} {
		before := [2]datapath.Counters{e.client.kernelCounters(), e.server.kernelCounters()}
		cuts := e.client.hasPair() && e.server.hasPair()
		w := e.capture(t)
		streams(t, e.client.Namespace, e.server.Namespace, to, octets)
		w.check(t, 2*octets/1500)
		for i, one := range []*end{e.client, e.server} {
			if one.offload == nil {
				continue
			}
			after := one.kernelCounters()
			if n := after.ReceivedBytes - before[i].ReceivedBytes; n < octets {
				t.Errorf("%s: of %d received octets the kernel carried only %d", to, octets, n)
			}
			if n := after.SentBytes - before[i].SentBytes; cuts && n < octets {
				t.Errorf("%s: of %d sent octets the kernel carried only %d", to, octets, n)
			}
		}
	}
}

// kernelCounters returns the counters of the kernel data path.
func (e *end) kernelCounters() datapath.Counters {
	if e.offload == nil || e.offload.latest.Load() == nil {
		return datapath.Counters{}
	}
	return e.offload.latest.Load().Counters()
}

// streams sends octets in both directions at once.
func streams(t *testing.T, from, at *lab.Namespace, to string, octets int64) {
	t.Helper()
	listener := listen(t, at, to)
	defer listener.Close()
	results := make(chan error, 2)
	// Ends with the connection, or the listener.
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			err = exchange(conn, octets, 1, 2)
		}
		results <- err
	}()
	var conn net.Conn
	must(t, from.Do(func() (err error) {
		conn, err = net.DialTimeout("tcp", listener.Addr().String(), timeout)
		return err
	}))
	results <- exchange(conn, octets, 2, 1)
	for range 2 {
		if err := <-results; err != nil {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func listen(t *testing.T, in *lab.Namespace, to string) (l net.Listener) {
	t.Helper()
	must(t, in.Do(func() (err error) {
		l, err = net.Listen("tcp", net.JoinHostPort(to, "0"))
		return err
	}))
	return l
}

// exchange sends the octets of one seed and expects those of another.
func exchange(conn net.Conn, octets int64, send, expect uint64) error {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	sent := make(chan error, 1)
	// Ends when all octets are sent, or at the deadline.
	go func() {
		_, err := io.CopyN(conn, stream(send), octets)
		sent <- err
	}()
	got, want := sha256.New(), sha256.New()
	n, err := io.CopyN(got, conn, octets)
	if err != nil {
		return fmt.Errorf("after %d octets: %w", n, err)
	}
	io.CopyN(want, stream(expect), octets)
	if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		return errors.New("other octets arrived than were sent")
	}
	return <-sent
}

func stream(seed uint64) io.Reader {
	return rand.NewChaCha8([32]byte{byte(seed)})
}
