package xsk

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/pppoe/datapath"
	"upppoe/test/lab"
)

// pair returns two ports, connected by a veth pair.
func pair(t *testing.T) (ports [2]*Port) {
	t.Helper()
	roottest.Need(t)
	var ends [2]lab.End
	for i := range ends {
		ns, err := lab.NewNamespace()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ns.Close() })
		ends[i] = lab.End{In: ns, Name: "eth0"}
	}
	if err := lab.Veth(ends[0], ends[1]); err != nil {
		t.Fatal(err)
	}
	for i, e := range ends {
		if err := e.In.Do(func() (err error) {
			ports[i], err = Open(e.Name)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ports[i].Close() })
	}
	return ports
}

// frames returns frames of different lengths, each in two parts.
func frames(from, to *Port, n int) (all [][2][]byte) {
	dst, src := to.Addr(), from.Addr()
	for i := range n {
		head := append(append(dst[:], src[:]...), 0x88, 0x64, 0x11, 0, 0, 1)
		all = append(all, [2][]byte{head, bytes.Repeat([]byte(fmt.Sprintf("%08d", i)), 6+i%170)})
	}
	return all
}

// TestFramesCross: more frames than the rings hold arrive unchanged, in both directions.
func TestFramesCross(t *testing.T) {
	ports := pair(t)
	read := make([]datapath.Frame, 64)
	for way := range ports {
		from, to := ports[way], ports[1-way]
		all := frames(from, to, 3*ringLen)
		for len(all) > 0 {
			some := all[:min(len(all), 64)]
			if n, err := from.WriteGather(some); n != len(some) || err != nil {
				t.Fatalf("sent %d of %d: %v", n, len(some), err)
			}
			for len(some) > 0 {
				n, err := to.ReadBatch(read)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range read[:n] {
					if want := append(bytes.Clone(some[0][0]), some[0][1]...); !bytes.Equal(f.Data, want) {
						t.Fatalf("%d octets arrive where %d were sent:\n% x\n% x", len(f.Data), len(want), f.Data[:24], want[:24])
					}
					some, all = some[1:], all[1:]
				}
			}
		}
	}
}

// TestFrameTooLong: a frame that is too long does not hold up the next.
func TestFrameTooLong(t *testing.T) {
	ports := pair(t)
	good := frames(ports[0], ports[1], 1)[0]
	whole := append(good[0], good[1]...)
	n, err := ports[0].WriteBatch([][]byte{make([]byte, frameLen+1), whole})
	if n != 1 || err != nil {
		t.Fatalf("sent %d: %v", n, err)
	}
	read := make([]datapath.Frame, 2)
	if n, err = ports[1].ReadBatch(read); n != 1 || err != nil || !bytes.Equal(read[0].Data, whole) {
		t.Errorf("%d frames arrive: %v", n, err)
	}
}

func TestCloseEndsReading(t *testing.T) {
	ports := pair(t)
	ended := make(chan error)
	// Ends with the port.
	go func() {
		_, err := ports[0].ReadBatch(make([]datapath.Frame, 1))
		ended <- err
	}()
	if err := ports[0].Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading ends with %v", err)
	}
	if err := ports[0].Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
}
