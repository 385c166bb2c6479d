package tun_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"upppoe/tun"
)

// openMultiQueue opens a device with several queues, sets an address, and brings it up.
func openMultiQueue(queues int) (*tun.GSO, error) {
	d, err := tun.OpenGSO(tun.Config{Queues: queues})
	if err != nil {
		return nil, err
	}
	link, err := netlink.LinkByName(d.Name())
	if err != nil {
		return nil, err
	}
	addr, _ := netlink.ParseAddr("192.0.2.10/24")
	return d, errors.Join(netlink.LinkSetMTU(link, 1492), netlink.LinkSetUp(link), netlink.AddrAdd(link, addr), d.EnableGSO())
}

// TestQueues: the packets of each flow come out of one queue, in order, even if those in the other
// direction are written by another; and all queues are used.
func TestQueues(t *testing.T) {
	const queues, flows, rounds = 4, 64, 8
	inNamespace(t, func() error {
		d, err := openMultiQueue(queues)
		if err != nil {
			return err
		}
		defer d.Close()
		if r, w := len(d.Readers()), len(d.Writers()); r != queues || w != queues {
			t.Fatalf("there are %d readers and %d writers, want %d each", r, w, queues)
		}
		var conns [flows]net.PacketConn
		for i := range conns {
			if conns[i], err = net.ListenPacket("udp4", fmt.Sprintf("192.0.2.10:%d", 4000+i)); err != nil {
				return err
			}
			defer conns[i].Close()
		}
		var at [flows]int // the queue of each flow, plus one
		for round := range uint32(rounds) {
			for _, c := range conns {
				if _, err := c.WriteTo(binary.BigEndian.AppendUint32(nil, round), remote); err != nil {
					return err
				}
			}
			if err := takeAll(d, &at, round, flows); err != nil {
				return fmt.Errorf("round %d: %w", round, err)
			}
			for i, c := range conns {
				var got [4]byte
				c.SetReadDeadline(time.Now().Add(5 * time.Second))
				if _, _, err := c.ReadFrom(got[:]); err != nil || binary.BigEndian.Uint32(got[:]) != round {
					t.Fatalf("flow %d: %v came back in round %d: %v", i, got, round, err)
				}
			}
		}
		used := make(map[int]bool)
		for _, q := range at {
			used[q] = true
		}
		if len(used) != queues {
			t.Errorf("%d queues are used, want %d", len(used), queues)
		}
		return nil
	})
}

// takeAll reads a packet of each flow in a round, and sends it back by another queue.
func takeAll(d *tun.GSO, at *[64]int, round uint32, flows int) error {
	buf := make([]byte, headroom+tun.MaxGSOPacket)
	writers := d.Writers()
	for i, r := range d.Readers() {
		for {
			n, p, err := r.ReadGSO(buf, headroom)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
			packet := buf[headroom : headroom+n]
			if packet[0]>>4 != 4 || packet[9] != 17 {
				continue // a multicast listener report
			}
			flow := int(binary.BigEndian.Uint16(packet[20:])) - 4000
			if at[flow] != 0 && at[flow] != i+1 {
				return fmt.Errorf("flow %d came out of queue %d, and then %d", flow, at[flow]-1, i)
			}
			at[flow] = i + 1
			flows--
			p.Complete(packet)
			swapAddresses(packet)
			s := tun.GSOPacket{Parts: [][]byte{buf[:headroom+n]}, Headers: n}
			if err := writers[(i+int(round))%len(writers)].WriteGSO(&s, headroom); err != nil {
				return err
			}
		}
	}
	if flows != 0 {
		return fmt.Errorf("%d flows are missing", flows)
	}
	return nil
}

// TestQueuesOfSingleQueueDevice: a device with one queue has one reader and one writer.
func TestQueuesOfSingleQueueDevice(t *testing.T) {
	inNamespace(t, func() error {
		d, err := openMultiQueue(1)
		if err != nil {
			return err
		}
		defer d.Close()
		if len(d.Readers()) != 1 || len(d.Writers()) != 1 {
			t.Errorf("there are %d readers and %d writers, want one each", len(d.Readers()), len(d.Writers()))
		}
		if _, err := tun.OpenGSO(tun.Config{Name: d.Name(), Queues: 4}); !errors.Is(err, tun.ErrNameTaken) {
			t.Errorf("opening its name again: %v, want %v", err, tun.ErrNameTaken)
		}
		return nil
	})
}

// TestQueuesClose: Close removes the interface with all its queues, and ends Wait.
func TestQueuesClose(t *testing.T) {
	inNamespace(t, func() error {
		d, err := openMultiQueue(3)
		if err != nil {
			return err
		}
		results := make(chan error)
		for _, r := range d.Readers() {
			go func() {
				for {
					if err := r.Wait(); err != nil {
						results <- err
						return
					}
					if _, _, err := r.ReadGSO(make([]byte, headroom+tun.MaxGSOPacket), headroom); err != nil {
						results <- err
						return
					}
				}
			}()
		}
		d.Close()
		for range d.Readers() {
			if err := <-results; !errors.Is(err, os.ErrClosed) {
				t.Errorf("a reader returned %v", err)
			}
		}
		if _, err := net.InterfaceByName(d.Name()); err == nil {
			t.Errorf("%s is still there", d.Name())
		}
		return nil
	})
}
