package pppd

import (
	"strings"
	"testing"
)

// TestAsked: a question counts where an option could stand, and not as an option's value.
func TestAsked(t *testing.T) {
	for args, want := range map[string]Question{
		"":                               NoQuestion,
		"-h":                             AsksHelp,
		"--help":                         AsksHelp,
		"-v":                             AsksVersion,
		"--version":                      AsksVersion,
		"--man":                          AsksManual,
		"eth0 user alice -h":             AsksHelp,
		"call isp --version":             AsksVersion,
		"status --help":                  AsksHelp,
		"--version --help":               AsksVersion,
		"eth0 user -h":                   NoQuestion,
		"eth0 --user -h":                 NoQuestion,
		"eth0 password -v":               NoQuestion,
		"eth0 --password=-v nodetach":    NoQuestion,
		"eth0 --password=-v --man":       AsksManual,
		"eth0 user":                      NoQuestion,
		"eth0 nodetach -v":               AsksVersion,
		"eth0 unknown -v":                AsksVersion,
		"eth0 pppoe-service --help -h":   AsksHelp,
		"eth0 pppoe-service --version x": NoQuestion,
	} {
		if got := Asked(strings.Fields(args)); got != want {
			t.Errorf("%q asks %v, want %v", args, got, want)
		}
	}
}
