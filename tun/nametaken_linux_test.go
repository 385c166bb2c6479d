package tun

import (
	"errors"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/test/lab/labtest"
)

// TestNameTakenMeanwhile: of two programs that open the same free name at once, the second does not
// become another queue of the first one's device.
func TestNameTakenMeanwhile(t *testing.T) {
	labtest.InNamespace(t, func() error {
		first, err := OpenGSO(Config{Name: "wan0", Queues: 2})
		if err != nil {
			return err
		}
		defer first.Close()
		for _, queues := range []int{1, 2} {
			second := &GSO{}
			if err := second.open("wan0", queues, nil); !errors.Is(err, unix.EBUSY) {
				t.Errorf("%d queues: %v, want %v", queues, err, unix.EBUSY)
				second.Close()
			}
		}
		return nil
	})
}

// TestNew: a device that must be new does not use a persistent one, and Close removes it by its function
// only if it is new.
func TestNew(t *testing.T) {
	labtest.InNamespace(t, func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "wan0"
		if err := netlink.LinkAdd(&netlink.Tuntap{LinkAttrs: attrs, Mode: netlink.TUNTAP_MODE_TUN, Flags: netlink.TUNTAP_NO_PI | netlink.TUNTAP_VNET_HDR}); err != nil {
			return err
		}
		removed := ""
		for _, cfg := range []Config{{Name: "wan0"}, {Name: "wan1", New: true}} {
			cfg.Remove = func() { removed += cfg.Name }
			d, err := OpenGSO(cfg)
			if err != nil {
				return err
			}
			d.Close()
		}
		if removed != "wan1" {
			t.Errorf("removed: %q", removed)
		}
		for name, want := range map[string]error{"wan0": ErrNameTaken, "": ErrName, "wan%d": ErrName} {
			if _, err := OpenGSO(Config{Name: name, New: true}); !errors.Is(err, want) {
				t.Errorf("%q: %v, want %v", name, err, want)
			}
		}
		return nil
	})
}

// TestAlternativeNameTaken: an alternative name of an interface cannot be used either.
func TestAlternativeNameTaken(t *testing.T) {
	labtest.InNamespace(t, func() error {
		if err := CheckName("wan1"); err != nil {
			t.Errorf("a free name: %v", err)
		}
		first, err := Open(Config{Name: "wan0"})
		if err != nil {
			return err
		}
		defer first.Close()
		link, err := netlink.LinkByName("wan0")
		if err != nil {
			return err
		}
		if err := netlink.LinkAddAltName(link, "wan1"); err != nil {
			return err
		}
		for _, name := range []string{"wan0", "wan1"} {
			if err := CheckName(name); !errors.Is(err, ErrNameTaken) {
				t.Errorf("%s: %v, want %v", name, err, ErrNameTaken)
			}
		}
		return nil
	})
}
