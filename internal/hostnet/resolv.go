package hostnet

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
)

// writeServers makes the file that pppd's scripts look for, and returns how to take
// that back.
func (h *Host) writeServers(names []netip.Addr) (undo func() error) {
	if h.ResolvConf == "" {
		return nil
	}
	if err := writeResolvConf(h.ResolvConf, names); err != nil {
		h.Log.Warn(err.Error())
		return nil
	}
	if h.KeepResolvConf {
		return nil
	}
	return func() error { return removeResolvConf(h.ResolvConf) }
}

// writeResolvConf writes the file whole or not at all.
func writeResolvConf(path string, names []netip.Addr) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".resolv.conf.*")
	if err != nil {
		return fmt.Errorf("usepeerdns: %w", err)
	}
	defer os.Remove(f.Name()) // in vain once it is renamed
	_, err = f.WriteString(lines(names))
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
