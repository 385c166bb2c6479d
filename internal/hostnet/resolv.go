package hostnet

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"upppoe/ipcp"
)

// servers are the name servers that a peer gave, each once.
func servers(a ipcp.Agreement) (names []netip.Addr) {
	for _, s := range a.DNS {
		if s.IsValid() && (len(names) == 0 || names[0] != s) {
			names = append(names, s)
		}
	}
	return names
}

// setServers makes the file of name servers fit. Without name servers the line still
// carries, so that what fails is only logged.
func (h *Host) setServers(have, want []netip.Addr) {
	if h.ResolvConf == "" || slices.Equal(have, want) {
		return
	}
	var err error
	if len(want) > 0 {
		err = writeResolvConf(h.ResolvConf, want)
	} else {
		err = removeResolvConf(h.ResolvConf)
	}
	if err != nil {
		h.Log.Warn(err.Error())
	}
}

// writeResolvConf writes the file that pppd's scripts look for, whole or not at
// all.
func writeResolvConf(path string, names []netip.Addr) error {
	var text strings.Builder
	for _, s := range names {
		fmt.Fprintf(&text, "nameserver %v\n", s)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".resolv.conf.*")
	if err != nil {
		return fmt.Errorf("usepeerdns: %w", err)
	}
	defer os.Remove(f.Name()) // in vain once it is renamed
	_, err = f.WriteString(text.String())
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("usepeerdns: %s: %w", path, err)
	}
	return nil
}

func removeResolvConf(path string) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("usepeerdns: %w", err)
	}
	return nil
}
