package tun_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"upppoe/tun"
)

// onMultiQueueDevice is onGSODevice for a device with several queues and GSO enabled.
func onMultiQueueDevice(t *testing.T, queues int, f func(*tun.GSO) error) {
	t.Helper()
	onGSODevice(t, tun.Config{Queues: queues}, func(d *tun.GSO) error {
		if err := d.EnableGSO(); err != nil {
			return err
		}
		return f(d)
	})
}

// TestQueues: the packets of each flow come out of one queue, in order, even if those in the other
// direction are written by another; and all queues are used.
func TestQueues(t *testing.T) {
	const queues, flows, rounds = 4, 64, 8
	onMultiQueueDevice(t, queues, func(d *tun.GSO) error {
		if r, w := len(d.Readers()), len(d.Writers()); r != queues || w != queues {
			t.Fatalf("there are %d readers and %d writers, want %d each", r, w, queues)
		}
		var conns [flows]net.PacketConn
		for i := range conns {
			var err error
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
	onMultiQueueDevice(t, 1, func(d *tun.GSO) error {
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
	onMultiQueueDevice(t, 3, func(d *tun.GSO) error {
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
		checkRemoved(t, d)
		return nil
	})
}
