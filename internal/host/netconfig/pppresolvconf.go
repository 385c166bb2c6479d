package netconfig

import (
	"fmt"
	"net/netip"
	"os"

	"upppoe/internal/atomicfile"
)

// writePPPResolvConf writes the file that pppd's scripts look for, and returns how to undo that.
func (h *Configurer) writePPPResolvConf(names []netip.Addr) (undo func() error) {
	if h.ResolvConf == "" {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if now, err := os.Stat(h.ResolvConf); err == nil && h.resolvConfInfo != nil && !unmodified(now, h.resolvConfInfo) {
		return nil // a later session owns it
	}
	if err := writeResolvConf(h.ResolvConf, names); err != nil {
		h.Log.Warn(err.Error())
		return nil
	}
	if h.KeepResolvConf {
		return nil
	}
	mine, err := os.Stat(h.ResolvConf)
	if err != nil {
		return nil
	}
	h.resolvConfInfo = mine
	return func() error {
		if now, err := os.Stat(h.ResolvConf); err != nil || !unmodified(now, mine) {
			return nil
		}
		return removeResolvConf(h.ResolvConf)
	}
}

// unmodified reports whether a file has not been written meanwhile.
func unmodified(now, before os.FileInfo) bool {
	return os.SameFile(now, before) && now.ModTime().Equal(before.ModTime())
}

func writeResolvConf(path string, names []netip.Addr) error {
	if err := atomicfile.Write(path, nameserverLines(names), 0o644); err != nil {
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
