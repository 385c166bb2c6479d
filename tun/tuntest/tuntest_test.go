package tuntest_test

import (
	"errors"
	"os"
	"testing"
	"testing/synctest"

	"upppoe/tun/tuntest"
)

// TestBothWays: injected packets are read, and written packets are received, with headroom.
func TestBothWays(t *testing.T) {
	d := tuntest.New("ppp7")
	if d.Name() != "ppp7" {
		t.Errorf("the device is %s, want ppp7", d.Name())
	}
	sent := []byte("from the host")
	if !d.Inject(sent) {
		t.Fatal("no room for a packet")
	}
	sent[0] = 'X' // the device has a copy
	buf, sizes := make([]byte, 64), make([]int, 1)
	if n, err := d.Read([][]byte{buf}, sizes, 22); n != 1 || err != nil {
		t.Fatalf("Read gave %d packets: %v", n, err)
	}
	if got := string(buf[22 : 22+sizes[0]]); got != "from the host" {
		t.Errorf("read %q", got)
	}
	packet := []byte("..to the host")
	if n, err := d.Write([][]byte{packet, packet}, 2); n != 2 || err != nil {
		t.Errorf("Write took %d packets: %v", n, err)
	}
	for range 2 {
		if got := string(<-d.Received()); got != "to the host" {
			t.Errorf("received %q", got)
		}
	}
}

// TestBounded: neither direction blocks when the other side does not read.
func TestBounded(t *testing.T) {
	d := tuntest.New("ppp0")
	given, taken := 0, 0
	for range 10000 {
		if d.Inject([]byte{0x45}) {
			given++
		}
		n, _ := d.Write([][]byte{{0x45}}, 0)
		taken += n
	}
	if given == 0 || given == 10000 || taken != given {
		t.Errorf("of 10000 packets %d went in and %d out, want a bound, the same for both", given, taken)
	}
}

// TestClose ends a blocked Read, and all later ones.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := tuntest.New("ppp0")
		read := func() error {
			_, err := d.Read([][]byte{make([]byte, 64)}, make([]int, 1), 0)
			return err
		}
		result := make(chan error, 1)
		go func() { result <- read() }()
		synctest.Wait()
		d.Close()
		d.Close()
		if err := <-result; !errors.Is(err, os.ErrClosed) {
			t.Errorf("the Read that waited returned %v", err)
		}
		<-d.Closed()
		d.Inject([]byte{0x45})
		if err := read(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Read after Close returned %v", err)
		}
		if _, err := d.Write([][]byte{{0x45}}, 0); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Write after Close returned %v", err)
		}
	})
}
