package sysctl

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func path4(device, name string) string {
	return filepath.Join("/proc/sys/net/ipv4/conf", device, name)
}

// Read4 returns the value of an IPv4 setting (net.ipv4.conf) of an interface, or of "all"; empty: it
// does not exist.
func Read4(device, name string) string {
	text, _ := os.ReadFile(path4(device, name))
	return strings.TrimSpace(string(text))
}

// Set4 sets an IPv4 setting of an interface. A setting that is already right is not written, as in a
// container it may be read-only.
func Set4(device, name, value string) error {
	if Read4(device, name) == value {
		return nil
	}
	if err := os.WriteFile(path4(device, name), []byte(value), 0); err != nil {
		return fmt.Errorf("set net.ipv4.conf.%s.%s=%s: %w", device, name, value, err)
	}
	return nil
}
