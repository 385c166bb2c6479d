package linux

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/ebpf"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
)

// TestQueues: an attachment has as many ports for session frames as configured; with the plain data
// path one.
func TestQueues(t *testing.T) {
	for want, more := range map[datapath.Kind]int{
		datapath.KindPlain: 0, datapath.KindGSO: 2, datapath.KindAuto: 2,
	} {
		p := open(t, want)
		p.Queues = 3
		p.openEngine = func(ebpf.Config) (*ebpf.Engine, error) { return nil, ebpf.ErrUnavailable }
		err := p.ns.Do(func() error {
			ports, err := p.Open(afpacket.Attachment{Interface: "eth0"})
			if err != nil {
				return err
			}
			if len(ports.Fanout) != more {
				t.Errorf("%v: %d ports more, want %d", want, len(ports.Fanout), more)
			}
			return ports.Close()
		})
		if err != nil {
			t.Errorf("%v: %v", want, err)
		}
	}
}

// TestEngineConfig: the configuration that the engine is opened with, by each data path; Prepare
// opens it exactly where Open would.
func TestEngineConfig(t *testing.T) {
	for want, own := range map[datapath.Kind]bool{
		datapath.KindPlain: false, datapath.KindGSO: false, datapath.KindAuto: false, datapath.KindKernel: true,
	} {
		p := open(t, want)
		var log bytes.Buffer
		p.Log = slog.New(slog.NewTextHandler(&log, nil))
		var configs []ebpf.Config
		p.openEngine = func(c ebpf.Config) (*ebpf.Engine, error) {
			configs = append(configs, c)
			return nil, ebpf.ErrUnavailable
		}
		if err := p.ns.Do(func() error { p.Prepare("eth0"); return nil }); err != nil {
			t.Fatal(err)
		}
		if want == datapath.KindPlain || want == datapath.KindGSO {
			if len(configs) != 0 {
				t.Errorf("%v: the engine is opened with %+v", want, configs)
			}
			continue
		}
		if len(configs) != 1 || configs[0].Sessions != 4 || configs[0].Exclusive != own {
			t.Fatalf("%v: the engine is opened with %+v", want, configs)
		}
		if configs[0].Notify("something changed"); !strings.Contains(log.String(), "something changed") {
			t.Errorf("%v: a notice is not in the log: %s", want, &log)
		}
	}
}

// TestNoInterface: the error is that of the interface, and there are no ports.
func TestNoInterface(t *testing.T) {
	for _, want := range []datapath.Kind{datapath.KindPlain, datapath.KindAuto, datapath.KindKernel} {
		p := open(t, want)
		err := p.ns.Do(func() error {
			ports, err := p.Open(afpacket.Attachment{Interface: "none0"})
			if ports.Session != nil || ports.Offload != nil {
				t.Errorf("%v: a nonexistent interface has ports", want)
			}
			return err
		})
		if err == nil {
			t.Errorf("%v: a nonexistent interface is opened", want)
		}
		if _, err := p.attach("none0"); err == nil {
			t.Errorf("%v: a nonexistent interface is attached", want)
		}
	}
}

// TestMissingCapabilitiesAreShortened: the error for missing capabilities is short; others are
// unchanged.
func TestMissingCapabilitiesAreShortened(t *testing.T) {
	detail := fmt.Errorf("%w: load a program: %w", ebpf.ErrUnavailable, unix.EPERM)
	if err := shortened(detail); !errors.Is(err, ebpf.ErrUnavailable) || strings.Contains(err.Error(), "load a program") {
		t.Errorf("without capabilities: %v", err)
	}
	other := fmt.Errorf("%w: load a program: %w", ebpf.ErrUnavailable, unix.EINVAL)
	if err := shortened(other); err != other {
		t.Errorf("something else: %v", err)
	}
}

// TestIsTemporary: errors after which the kernel may succeed at the next try are not remembered.
func TestIsTemporary(t *testing.T) {
	for err, want := range map[unix.Errno]bool{
		unix.ENOMEM: true, unix.ENOBUFS: true, unix.EAGAIN: true, unix.EINTR: true, unix.EBUSY: true, unix.EMFILE: true,
		unix.ENFILE: true, unix.ENODEV: true, unix.EPERM: false, unix.EOPNOTSUPP: false, unix.EINVAL: false, unix.ENOSYS: false,
	} {
		if got := isTemporary(fmt.Errorf("open: %w", err)); got != want {
			t.Errorf("%v is temporary: %v, want %v", err, got, want)
		}
	}
}
