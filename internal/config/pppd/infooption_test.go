package pppd

import (
	"strings"
	"testing"
)

// TestFindInfoOption: options count, values of options do not.
func TestFindInfoOption(t *testing.T) {
	for args, want := range map[string]InfoOption{
		"":                               NoInfo,
		"-h":                             InfoHelp,
		"--help":                         InfoHelp,
		"-v":                             InfoVersion,
		"--version":                      InfoVersion,
		"--man":                          InfoManual,
		"eth0 user alice -h":             InfoHelp,
		"call isp --version":             InfoVersion,
		"status --help":                  InfoHelp,
		"--version --help":               InfoVersion,
		"eth0 user -h":                   NoInfo,
		"eth0 --user -h":                 NoInfo,
		"eth0 password -v":               NoInfo,
		"eth0 --password=-v nodetach":    NoInfo,
		"eth0 --password=-v --man":       InfoManual,
		"eth0 user":                      NoInfo,
		"eth0 nodetach -v":               InfoVersion,
		"eth0 unknown -v":                InfoVersion,
		"eth0 pppoe-service --help -h":   InfoHelp,
		"eth0 pppoe-service --version x": NoInfo,
	} {
		if got := FindInfoOption(strings.Fields(args)); got != want {
			t.Errorf("%q: %v, want %v", args, got, want)
		}
	}
}
