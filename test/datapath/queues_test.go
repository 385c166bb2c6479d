package datapath

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"upppoe/internal/roottest"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/test/lab"
)

// counted are ports that count frames.
type counted []*countedPort

type countedPort struct {
	datapath.Gatherer
	received, sent atomic.Int64
}

// all wraps all session ports.
func (c *counted) all(p *pppoe.Ports) {
	*c = nil
	count := func(p datapath.Port) datapath.Port {
		counting := &countedPort{Gatherer: p.(datapath.Gatherer)}
		*c = append(*c, counting)
		return counting
	}
	p.Session = count(p.Session)
	for i := range p.Fanout {
		p.Fanout[i] = count(p.Fanout[i])
	}
}

func (p *countedPort) ReadBatch(frames []datapath.Frame) (int, error) {
	n, err := p.Gatherer.ReadBatch(frames)
	p.received.Add(int64(n))
	return n, err
}

func (p *countedPort) WriteGather(frames [][2][]byte) (int, error) {
	n, err := p.Gatherer.WriteGather(frames)
	p.sent.Add(int64(n))
	return n, err
}

// TestQueues transfers many streams, and then many flows of datagrams, in both directions, with
// four queues at both ends: streams arrive unchanged, and each datagram exactly once. Where user
// space carries them, datagrams of a flow stay in order, and all queues are used.
func TestQueues(t *testing.T) {
	roottest.Need(t)
	const queues, streaming, flows = 4, 8, 16
	tags, err := vlan.Parse("50")
	must(t, err)
	for _, path := range []datapath.Kind{datapath.KindGSO, datapath.KindKernel} {
		for name, tags := range map[string]vlan.Stack{"untagged": {}, "in a VLAN": tags} {
			t.Run(fmt.Sprintf("%v, %s", path, name), func(t *testing.T) {
				e := dial(t, path, path, settings{queues: queues, vlan: tags, mtu: 1508})
				if path == datapath.KindGSO {
					e.keepOrder(t)
				}
				for _, to := range []string{serverIP, serverIP6} {
					var all sync.WaitGroup
					for range streaming {
						all.Go(func() { streams(t, e.client.Namespace, e.server.Namespace, to, 1<<20) })
					}
					all.Wait()
					e.echoes(t, to, flows, 200, path == datapath.KindGSO)
				}
				e.client.checkPortsUsed(t, queues, path)
				e.server.checkPortsUsed(t, queues, path)
			})
		}
	}
}

// keepOrder has each veth device queue received frames in one queue for all CPUs, as it does for GRO
// (veth_skb_is_eligible_for_gro in Linux): the device has GRO on, and its peer TSO off. Otherwise
// frames stay in order only if one CPU sends all of them (see lab.OneCPU).
func (e *ends) keepOrder(t *testing.T) {
	t.Helper()
	for _, d := range []struct {
		in   *lab.Namespace
		name string
	}{{e.client.Namespace, "eth0"}, {e.server.Namespace, "eth0"}, {e.wire, "0"}, {e.wire, "1"}} {
		must(t, d.in.Offload(d.name, true, lab.GRO))
		must(t, d.in.Offload(d.name, false, lab.TSO))
	}
}

// checkPortsUsed checks that all ports of an end have carried packets.
func (e *end) checkPortsUsed(t *testing.T, queues int, path datapath.Kind) {
	t.Helper()
	if len(e.count) != queues {
		t.Fatalf("there are %d ports, want %d", len(e.count), queues)
	}
	for i, p := range e.count {
		if r, s := p.received.Load(), p.sent.Load(); path == datapath.KindGSO && (r < 100 || s < 100) {
			t.Errorf("port %d received %d frames and sent %d", i, r, s)
		}
	}
}

// echoes sends numbered datagrams of several flows, a few ahead of their echoes. Both ends check
// that each arrives once, and in order if ordered is set.
func (e *ends) echoes(t *testing.T, to string, flows int, each uint32, ordered bool) {
	var server net.PacketConn
	err := e.server.Do(func() (err error) {
		server, err = net.ListenPacket("udp", net.JoinHostPort(to, "0"))
		return err
	})
	if err != nil {
		t.Error(err)
		return
	}
	defer server.Close()
	// Ends when the socket is closed.
	go echoServer(t, server, ordered)
	var all sync.WaitGroup
	for range flows {
		all.Go(func() {
			if err := e.echo(server.LocalAddr(), each, ordered); err != nil {
				t.Errorf("%s: %v", to, err)
			}
		})
	}
	all.Wait()
}

// echoServer returns datagrams until the socket is closed.
func echoServer(t *testing.T, server net.PacketConn, ordered bool) {
	flows := make(map[string]arrivals)
	for buf := make([]byte, 2000); ; {
		n, from, err := server.ReadFrom(buf)
		if err != nil {
			return
		}
		flow := flows[from.String()]
		if flow == nil {
			flow = make(arrivals)
			flows[from.String()] = flow
		}
		if err := flow.add(buf[:n], ordered); err != nil {
			t.Errorf("from %v: %v", from, err)
			return
		}
		server.WriteTo(buf[:n], from)
	}
}

// arrivals are the numbers of received datagrams.
type arrivals map[uint32]bool

// add records a datagram, which must not have arrived before.
func (a arrivals) add(datagram []byte, ordered bool) error {
	number := binary.BigEndian.Uint32(datagram)
	switch {
	case a[number]:
		return fmt.Errorf("datagram %d arrives twice", number)
	case ordered && int(number) != len(a):
		return fmt.Errorf("datagram %d arrives instead of %d", number, len(a))
	}
	a[number] = true
	return nil
}

// echo sends one flow, and receives its echoes.
func (e *ends) echo(to net.Addr, each uint32, ordered bool) error {
	var conn net.Conn
	err := e.client.Do(func() (err error) {
		conn, err = net.Dial("udp", to.String())
		return err
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	const ahead = 4
	send := func(number uint32) {
		if number < each {
			b := make([]byte, 200)
			binary.BigEndian.PutUint32(b, number)
			if _, failed := conn.Write(b); failed != nil {
				err = errors.Join(err, failed)
			}
		}
	}
	for number := range uint32(ahead) { // few enough to fit in every queue
		send(number)
	}
	come := make(arrivals)
	for count, buf := uint32(0), make([]byte, 2000); count < each; count++ {
		n, failed := conn.Read(buf)
		if err = errors.Join(err, failed); err != nil {
			return fmt.Errorf("after %d echoes: %w", count, err)
		}
		if err := come.add(buf[:n], ordered); err != nil {
			return fmt.Errorf("the echo of %w", err)
		}
		send(count + ahead)
	}
	return err
}
