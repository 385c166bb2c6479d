package nic

import (
	"errors"
	"net"
	"reflect"
	"testing"

	"github.com/vishvananda/netlink"
)

// TestByName: it is what net.InterfaceByName returns.
func TestByName(t *testing.T) {
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range all {
		got, err := ByName(want.Name)
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: %+v, %v; want %+v", want.Name, got, err, want)
		}
	}
	for _, none := range []string{"no-such-one", "", "a name that is longer than fifteen", "a/b"} {
		if got, err := ByName(none); !errors.As(err, &netlink.LinkNotFoundError{}) {
			t.Errorf("%q: %+v, %v", none, got, err)
		}
	}
}
