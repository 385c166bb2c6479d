package tun

import (
	"errors"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"

	"upppoe/test/lab/labtest"
)

// TestOwned: a device with an owner stays after Leave, for that owner's next program, with its addresses;
// Close removes it, also in the next. Nobody else takes or removes it.
func TestOwned(t *testing.T) {
	open := map[string]func(Config) (Leaver, error){
		"plain":   func(c Config) (Leaver, error) { return Open(c) },
		"offload": func(c Config) (Leaver, error) { return OpenGSO(c) },
	}
	labtest.InNamespace(t, func() error {
		for what, open := range open {
			first, err := open(Config{Name: "own0", Owner: "here", Queues: 2})
			if err != nil {
				return err
			}
			link, err := netlink.LinkByName("own0")
			if err != nil {
				return err
			}
			if RemoveOwned("own0", "here"); findError("own0") != nil || link.Attrs().Alias != "" {
				t.Errorf("%s: in use: alias %q, %v", what, link.Attrs().Alias, findError("own0"))
			}
			if err := netlink.AddrAdd(link, &netlink.Addr{IPNet: netlink.NewIPNet([]byte{192, 0, 2, 1})}); err != nil {
				return err
			}
			first.Leave()
			if names, err := Owned("here", func(_ string, index int) bool { return index == link.Attrs().Index }); err != nil || names != nil {
				t.Errorf("%s: in use: %v, %v", what, names, err)
			}
			if names, err := Owned("here", func(string, int) bool { return false }); err != nil || !slices.Equal(names, []string{"own0"}) || IsOwned("own0", "there") || IsOwned("own0", "") {
				t.Errorf("%s: left: %v, %v", what, names, err)
			}
			if RemoveOwned("own0", "there"); !IsOwned("own0", "here") {
				t.Errorf("%s: another owner has removed it", what)
			}
			second, err := open(Config{Name: "own0", Owner: "here", Queues: 2})
			if err != nil {
				return err
			}
			if all, err := netlink.AddrList(link, netlink.FAMILY_V4); err != nil || len(all) != 1 {
				t.Errorf("%s: addresses in the next program: %v, %v", what, all, err)
			}
			second.Close()
			if missing := (netlink.LinkNotFoundError{}); !errors.As(findError("own0"), &missing) {
				t.Errorf("%s: it is there after Close", what)
			}
		}
		return nil
	})
}

func findError(name string) error {
	_, err := netlink.LinkByName(name)
	return err
}

// TestOwnedByAnother: a persistent device without an owner, or with another, stays after Close.
func TestOwnedByAnother(t *testing.T) {
	labtest.InNamespace(t, func() error {
		if err := makePersistent("wan0", netlink.TUNTAP_MODE_TUN, 0); err != nil {
			return err
		}
		d, err := OpenGSO(Config{Name: "wan0", Owner: "here"})
		if err != nil {
			return err
		}
		d.Close()
		if !IsPersistent("wan0") || IsOwned("wan0", "here") {
			t.Error("the administrator's device was removed, or taken")
		}
		return RemoveOwned("wan0", "here")
	})
}
