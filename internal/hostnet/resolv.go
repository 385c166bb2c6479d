package hostnet

import (
	"fmt"
	"net/netip"
	"os"
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
	mine, err := os.Stat(h.ResolvConf)
	if err != nil {
		return nil
	}
	return func() error {
		// Another line may have put its own in the place of ours.
		now, err := os.Stat(h.ResolvConf)
		if err != nil || !os.SameFile(now, mine) || !now.ModTime().Equal(mine.ModTime()) {
			return nil
		}
		return removeResolvConf(h.ResolvConf)
	}
}

func writeResolvConf(path string, names []netip.Addr) error {
	if err := replaceFile(path, lines(names), 0o644); err != nil {
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
