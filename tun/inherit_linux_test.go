package tun_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"upppoe/internal/process/passfd"
	"upppoe/test/lab/labtest"
	"upppoe/tun"
)

// passOn returns other descriptors of a device, as another program gets them.
func passOn(t *testing.T, descriptors []syscall.Conn) (files []*os.File) {
	t.Helper()
	for _, c := range descriptors {
		f, err := passfd.Duplicate(c, "passed on")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// TestInheritQueues: packets that wait in the queues of a device come out of those of its successor, all
// queues are used in both directions, and the device is removed with the last descriptor.
func TestInheritQueues(t *testing.T) {
	const queues, flows = 3, 64
	onMultiQueueDevice(t, queues, func(d *tun.GSO) error {
		var conns [flows]net.PacketConn
		for i := range conns {
			var err error
			if conns[i], err = net.ListenPacket("udp4", fmt.Sprintf("192.0.2.10:%d", 4000+i)); err != nil {
				return err
			}
			defer conns[i].Close()
			if _, err := conns[i].WriteTo(binary.BigEndian.AppendUint32(nil, 1), remote); err != nil {
				return err
			}
		}
		files := passOn(t, d.Descriptors())
		if len(files) != 2*queues {
			t.Errorf("%d descriptors", len(files))
		}
		if err := d.Close(); err != nil {
			return err
		}
		heir, err := tun.FileGSO(files, "")
		if err != nil {
			return err
		}
		defer heir.Close()
		if r, w := len(heir.Readers()), len(heir.Writers()); r != queues || w != queues || heir.Name() != d.Name() || heir.SupportsUDPGSO() != d.SupportsUDPGSO() {
			t.Errorf("%s has %d readers and %d writers, want %d each of %s", heir.Name(), r, w, queues, d.Name())
		}
		var at [flows]int
		if err := takeAll(heir, &at, 1, flows); err != nil {
			return err
		}
		if err := heir.Close(); err != nil {
			return err
		}
		checkRemoved(t, heir)
		return nil
	})
}

// TestInheritPlain: a device without GSO, and with one queue of GSO, goes on in another program.
func TestInheritPlain(t *testing.T) {
	onDevice(t, func(d *tun.Plain, link netlink.Link) error {
		if err := addAddress(link); err != nil {
			return err
		}
		conn, err := net.ListenPacket("udp4", "192.0.2.10:4000")
		if err != nil {
			return err
		}
		defer conn.Close()
		files := passOn(t, d.Descriptors())
		if _, err := tun.FileGSO(files, ""); !errors.Is(err, tun.ErrInherited) {
			t.Errorf("as a GSO device: %v", err)
		}
		if err := d.Close(); err != nil {
			return err
		}
		heir, err := tun.FilePlain(files[0], "")
		if err != nil {
			return err
		}
		defer heir.Close()
		if heir.Name() != d.Name() {
			t.Errorf("the device is %s, want %s", heir.Name(), d.Name())
		}
		return checkPacketsCross(t, heir, conn, headroom)
	})
}

// TestInheritOthers: descriptors that are not of one GSO device are errors.
func TestInheritOthers(t *testing.T) {
	onMultiQueueDevice(t, 2, func(d *tun.GSO) error {
		other, err := tun.OpenGSO(tun.Config{})
		if err != nil {
			return err
		}
		defer other.Close()
		if _, err := tun.FileGSO(passOn(t, append(d.Descriptors(), other.Descriptors()...)), ""); !errors.Is(err, tun.ErrInherited) {
			t.Errorf("two devices: %v", err)
		}
		if _, err := tun.FilePlain(passOn(t, other.Descriptors())[0], ""); !errors.Is(err, tun.ErrInherited) {
			t.Errorf("as a device without GSO: %v", err)
		}
		null, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		defer null.Close()
		for _, files := range [][]*os.File{nil, {null}} {
			if _, err := tun.FileGSO(files, ""); !errors.Is(err, tun.ErrInherited) {
				t.Errorf("%d descriptors: %v", len(files), err)
			}
		}
		return nil
	})
}

// TestInheritOwned: a device with an owner stays after Leave of its successor, and is removed by Close.
func TestInheritOwned(t *testing.T) {
	const owner = "server"
	labtest.InNamespace(t, func() error {
		d, err := tun.OpenGSO(tun.Config{Name: "pppoe0", Queues: 2, Owner: owner})
		if err != nil {
			return err
		}
		files := passOn(t, d.Descriptors())
		if err := d.Leave(); err != nil {
			return err
		}
		heir, err := tun.FileGSO(files, owner)
		if err != nil {
			return err
		}
		if err := heir.Leave(); err != nil {
			return err
		}
		if !tun.IsOwned("pppoe0", owner) {
			t.Error("Leave has removed the device")
		}
		if heir, err = tun.OpenGSO(tun.Config{Name: "pppoe0", Queues: 2, Owner: owner}); err != nil {
			return err
		}
		files = passOn(t, heir.Descriptors())
		if err := heir.Leave(); err != nil {
			return err
		}
		if heir, err = tun.FileGSO(files, owner); err != nil {
			return err
		}
		if err := heir.Close(); err != nil {
			return err
		}
		checkRemoved(t, heir)
		return nil
	})
}

// TestStopReading: readers end, and packets can still be written.
func TestStopReading(t *testing.T) {
	onMultiQueueDevice(t, 2, func(d *tun.GSO) error {
		results := make(chan error)
		for _, r := range d.Readers() {
			go func() {
				var err error
				for err == nil {
					if err = r.Wait(); err == nil {
						_, _, err = r.ReadGSO(make([]byte, headroom+tun.MaxGSOPacket), headroom)
					}
				}
				results <- err
			}()
		}
		d.StopReading()
		for range d.Readers() {
			if err := <-results; !errors.Is(err, os.ErrClosed) {
				t.Errorf("a reader returned %v", err)
			}
		}
		packet := make([]byte, headroom+20) // the kernel drops it
		packet[headroom] = 0x45
		return d.Writers()[0].WriteGSO(&tun.GSOPacket{Parts: [][]byte{packet}, Headers: 20}, headroom)
	})
}
