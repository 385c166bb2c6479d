package main

import (
	"fmt"
	"strings"
	"testing"

	"upppoe/internal/config/serverconfig"
	"upppoe/pppoe/linux"
	"upppoe/pppoe/wire"
)

// TestListenerNameBound: thousands of ranges do not make a line of the log as long.
func TestListenerNameBound(t *testing.T) {
	var vlans []string
	for vid := 1; vid < 4094; vid += 2 {
		vlans = append(vlans, fmt.Sprint(vid))
	}
	f, err := parseFlags([]string{"--vlan", strings.Join(vlans, ",")})
	if err != nil {
		t.Fatal(err)
	}
	name := listenerName(listenerOf(serverconfig.Interface{Name: "eth7", VLANs: f.vlans}, wire.Addr{}, &linux.Opener{}, nil))
	if len(name) > 250 || !strings.HasPrefix(name, "eth7, VLANs 1,3,5,") || !strings.HasSuffix(name, "...,") {
		t.Errorf("%d octets: %q", len(name), name)
	}
}

// TestListeners: one VLAN has ports of its own; several share a trunk, named by its interface.
func TestListeners(t *testing.T) {
	for args, want := range map[string]struct{ name, described, widest string }{
		"-I eth7":                                  {"eth7", "eth7", "untagged"},
		"-I eth7 --vlan untagged":                  {"eth7", "eth7", "untagged"},
		"-I eth7 --vlan 50":                        {"eth7.50", "eth7.50", "50"},
		"-I eth7 --vlan 50.100":                    {"eth7.50.100", "eth7.50.100", "50.100"},
		"-I eth7 --vlan 0":                         {"eth7.0", "eth7.0", "0"},
		"-I eth7 --vlan untagged,10-20":            {"eth7", "eth7, VLANs untagged,10-20,", "10"},
		"-I eth7 --vlan 5,0x88a8:7,100-199.1-4094": {"eth7", "eth7, VLANs 5,0x88a8:7,100-199.1-4094,", "100.1"},
		"-I eth7 --vlan any":                       {"eth7", "eth7, any VLAN,", "untagged"},
	} {
		f, err := parseFlags(strings.Fields(args))
		if err != nil {
			t.Fatal(err)
		}
		l := listenerOf(serverconfig.Interface{Name: "eth7", VLANs: f.vlans}, wire.Addr{}, &linux.Opener{}, nil)
		if l.Interface != want.name || listenerName(l) != want.described || widestTags(f.vlans).String() != want.widest {
			t.Errorf("%s: %s, %q, widest %v; want %+v", args, l.Interface, listenerName(l), widestTags(f.vlans), want)
		}
		if l.Device != "" && l.Device != "eth7" {
			t.Errorf("%s: states of interface %q are its", args, l.Device)
		}
	}
}
