package main

import (
	"strings"
	"testing"
)

// TestOptionErrors: an error names the flag.
func TestOptionErrors(t *testing.T) {
	for flag, line := range map[string]string{
		"--interface": "-n 10",
		"--self":      "-I eth0 --self",
		"--sessions":  "-I eth0 -n 0",
		"--kill":      "-I eth0 --hold 5s --kill 1s",
		"unexpected":  "-I eth0 more",
	} {
		if _, err := parseOptions(strings.Fields(line)); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v, want an error that names %s", line, err, flag)
		}
	}
}
