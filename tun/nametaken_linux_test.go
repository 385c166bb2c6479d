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
