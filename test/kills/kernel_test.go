package kills

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cilium/ebpf"

	"upppoe/pppoe/wire"
)

// checkKernel returns an error if the kernel has something that none of the sessions owns, or lacks something
// of one.
func (w *testbed) checkKernel(all []session) error {
	switch {
	case w.mode.device != "shared":
		return w.checkDevices(all)
	case w.mode.path == "plain": // nothing but the device
		return w.checkNothingPinned()
	}
	return w.checkMaps(all)
}

// checkDevices compares devices, and the routes to clients.
func (w *testbed) checkDevices(all []session) error {
	links, err := w.ns.Run("ip", "-brief", "link")
	if err != nil {
		return fmt.Errorf("%w: %s", err, links)
	}
	routes, err := w.ns.Run("ip", "-4", "route", "show", "table", "all")
	if err != nil {
		return fmt.Errorf("%w: %s", err, routes)
	}
	devices, wantDevices, wantRoutes := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	for _, name := range regexp.MustCompile(`(?m)^ppp\d+`).FindAllString(links, -1) {
		devices[name] = true
	}
	found := make(map[string]bool)
	for _, r := range regexp.MustCompile(`(?m)^(172\.16\.\S+) dev (ppp\d+)`).FindAllStringSubmatch(routes, -1) {
		found[r[1]+" "+r[2]] = true
	}
	for _, s := range all {
		wantDevices[s.Device], wantRoutes[s.IPv4.Remote+" "+s.Device] = true, true
	}
	if err := compare("devices", devices, wantDevices); err != nil {
		return err
	}
	return compare("routes", found, wantRoutes)
}

// checkMaps compares what is pinned: the keys of received frames, and the addresses behind the shared device.
func (w *testbed) checkMaps(all []session) error {
	keys, err := w.keys("received-*", func(key []byte) string {
		return fmt.Sprintf("%v %d", wire.Addr(key[:6]), binary.BigEndian.Uint16(key[6:]))
	})
	if err != nil {
		return err
	}
	addresses, err := w.keys("pppoe_prefixes4", func(key []byte) string {
		return netip.AddrFrom4([4]byte(key[8:12])).String()
	})
	if err != nil {
		return err
	}
	wantKeys, wantAddresses := make(map[string]bool), make(map[string]bool)
	for _, s := range all {
		wantKeys[fmt.Sprintf("%s %d", s.MAC, s.SessionID)], wantAddresses[s.IPv4.Remote] = true, true
	}
	if err := compare("keys of received frames", keys, wantKeys); err != nil {
		return err
	}
	return compare("addresses", addresses, wantAddresses)
}

// keys returns the keys of the only pinned map whose name matches.
func (w *testbed) keys(name string, text func(key []byte) string) (map[string]bool, error) {
	paths, err := filepath.Glob(filepath.Join(w.bpf(), "upppoe", "*", "layout*", name))
	if err != nil || len(paths) != 1 {
		return nil, fmt.Errorf("pinned as %s are %v, %v", name, paths, err)
	}
	m, err := ebpf.LoadPinnedMap(paths[0], nil)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	found := make(map[string]bool)
	key, value := make([]byte, m.KeySize()), make([]byte, m.ValueSize())
	all := m.Iterate()
	for all.Next(&key, &value) {
		found[text(key)] = true
	}
	return found, all.Err()
}

// checkNothingLeft returns an error if the kernel has anything of a server that has ended.
func (w *testbed) checkNothingLeft() error {
	if err := w.checkNothingPinned(); err != nil {
		return err
	}
	links, err := w.ns.Run("ip", "-brief", "link")
	if err != nil || strings.Contains(links, "ppp") {
		return fmt.Errorf("%w: %s", err, links)
	}
	return nil
}

func (w *testbed) checkNothingPinned() error {
	pinned, err := os.ReadDir(filepath.Join(w.bpf(), "upppoe"))
	if err == nil && len(pinned) > 0 {
		return fmt.Errorf("%s is pinned", pinned[0].Name())
	}
	return nil
}

// compare returns an error that names what two sets do not both have.
func compare[K comparable](what string, have, want map[K]bool) error {
	var lacks, more []K
	for k := range want {
		if !have[k] {
			lacks = append(lacks, k)
		}
	}
	for k := range have {
		if !want[k] {
			more = append(more, k)
		}
	}
	if len(lacks)+len(more) == 0 {
		return nil
	}
	return fmt.Errorf("%s: missing are %v, and of no session are %v", what, lacks, more)
}
