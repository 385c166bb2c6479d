package pppd

import (
	"strings"
	"testing"
)

// TestMissingInterface: an unknown word may be a nonexistent interface rather than a misspelt option,
// unless another interface is given.
func TestMissingInterface(t *testing.T) {
	for line, want := range map[string]string{ // empty: an error
		"gone0":                               "gone0",
		"gone":                                "gone",
		"br-gone":                             "br-gone",
		"gone user a":                         "gone",
		"user a gone":                         "",
		"user a gone0":                        "gone0",
		"plugin rp-pppoe.so gone":             "gone",
		"plugin pppoe.so gone user a":         "gone",
		"plugin rp-pppoe.so user a gone":      "",
		"nic-gone":                            "gone",
		"gone0 eth0":                          "",
		"eth0 gone0":                          "",
		"user a gone0 nic-eth0":               "",
		"eth0 eth1":                           "eth1", // pppd: the last one
		"persit0 user a":                      "",     // persist
		"a=b0 user a":                         "",
		"some/thing0 user a":                  "",
		"--gone0 user a":                      "",
		"user a password a b0":                "", // a part of it
		strings.Repeat("x", 127) + " persist": strings.Repeat("x", 127),
		strings.Repeat("x", 128) + " persist": "",
	} {
		r := reader(Client, t.TempDir())
		r.IsInterface = func(name string) bool { return name == "eth0" || name == "eth1" }
		err := r.CommandLine(strings.Fields(line))
		if got := r.Settings.Interface; (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%q: interface %q, %v; want %q", line, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "b0") && strings.Contains(line, "password") {
			t.Errorf("the error shows a part of a password: %v", err)
		}
	}
}
