package tun

import (
	"errors"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/test/lab/labtest"
)

// makePersistent creates a device as `ip tuntap add` does.
func makePersistent(name string, mode netlink.TuntapMode, queues int) error {
	d := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: name}, Mode: mode, Queues: queues, Flags: netlink.TUNTAP_NO_PI}
	if queues > 0 {
		d.Flags = netlink.TUNTAP_MULTI_QUEUE_DEFAULTS
	}
	if err := netlink.LinkAdd(d); err != nil {
		return err
	}
	for _, fd := range d.Fds {
		fd.Close()
	}
	return nil
}

// TestPersistentDevice: a persistent device is opened, whatever its flags and whether it is up, by
// one program at a time, and remains after Close; a device that only looks like one is not.
func TestPersistentDevice(t *testing.T) {
	open := map[string]func(Config) (Device, error){
		"plain":   func(c Config) (Device, error) { return Open(c) },
		"offload": func(c Config) (Device, error) { return OpenGSO(c) },
	}
	labtest.InNamespace(t, func() error {
		for what, open := range open {
			for _, c := range []struct {
				existing, queues, opened int // number of queues
				up                       bool
			}{{0, 0, 1, false}, {0, 2, 1, true}, {2, 1, 1, true}, {2, 2, 2, false}} {
				if err := makePersistent("wan0", netlink.TUNTAP_MODE_TUN, c.existing); err != nil {
					return err
				}
				if !IsPersistent("wan0") || CheckName("wan0") != nil {
					t.Errorf("%s %+v: it cannot be opened: %v", what, c, CheckName("wan0"))
				}
				link, err := netlink.LinkByName("wan0")
				if err != nil {
					return err
				}
				if c.up {
					if err := netlink.LinkSetUp(link); err != nil {
						return err
					}
				}
				for again := range 2 {
					d, err := open(Config{Name: "wan0", Queues: c.queues})
					if err != nil {
						t.Errorf("%s %+v: opened for the %d. time: %v", what, c, again+1, err)
						continue
					}
					if o, ok := d.(*GSO); ok && len(o.Readers()) != c.opened {
						t.Errorf("%s %+v: it has %d queues", what, c, len(o.Readers()))
					}
					if _, err := open(Config{Name: "wan0", Queues: c.queues}); !errors.Is(err, ErrNameTaken) {
						t.Errorf("%s %+v: a second program got %v, want ErrNameTaken", what, c, err)
					}
					if c.existing > 0 && IsPersistent("wan0") {
						t.Errorf("%s %+v: it can be opened, though it is in use", what, c)
					}
					d.Close()
				}
				if err := netlink.LinkDel(link); err != nil {
					t.Errorf("%s %+v: it is not persistent: %v", what, c, err)
				}
			}
		}
		if err := makePersistent("tap0", netlink.TUNTAP_MODE_TAP, 0); err != nil {
			return err
		}
		if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "veth0"}, PeerName: "veth1"}); err != nil {
			return err
		}
		passing, err := OpenGSO(Config{Name: "gone0"})
		if err != nil {
			return err
		}
		defer passing.Close()
		for _, name := range []string{"tap0", "veth0", "gone0"} {
			if err := CheckName(name); !errors.Is(err, ErrNameTaken) || IsPersistent(name) {
				t.Errorf("%s: %v, want ErrNameTaken", name, err)
			}
		}
		for _, name := range []string{"", "nobody0"} {
			if IsPersistent(name) {
				t.Errorf("%q is there", name)
			}
		}
		return nil
	})
}

// TestCheckExclusive: of two programs that open a multi-queue device at once, both give up.
func TestCheckExclusive(t *testing.T) {
	labtest.InNamespace(t, func() error {
		if err := makePersistent("wan0", netlink.TUNTAP_MODE_TUN, 2); err != nil {
			return err
		}
		existing := findPersistent("wan0")
		first, second := &GSO{}, &GSO{}
		defer first.Close()
		defer second.Close()
		if queues, err := first.openPersistent(existing, 1); err != nil || queues != 1 {
			t.Errorf("the first: %d queues, %v", queues, err)
		}
		if _, err := second.openPersistent(existing, 1); !errors.Is(err, unix.EBUSY) {
			t.Errorf("the second: %v, want %v", err, unix.EBUSY)
		}
		return nil
	})
}
