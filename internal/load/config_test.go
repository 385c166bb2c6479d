package load

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"upppoe/pppoe/wire"
)

// parse returns the configuration of a command line.
func parse(args []string) (*Config, error) {
	c, f := &Config{}, pflag.NewFlagSet("load", pflag.ContinueOnError)
	c.AddFlags(f)
	if err := f.Parse(args); err != nil {
		return c, err
	}
	return c, c.Check()
}

// TestClients: templates and VLANs make each client's identity, and the ports' prefix has all
// addresses.
func TestClients(t *testing.T) {
	c, err := parse(strings.Fields("-I eth0 -n 300 --mac 02:4c:00:00:00:f0 --user u%d@isp --password p%d --vlan 7,9.1-2 --circuit-id olt/%d"))
	if err != nil {
		t.Fatal(err)
	}
	first, last := c.Client(0), c.Client(299)
	if first.User != "u0@isp" || first.AccessLine.CircuitID != "olt/0" || first.AccessLine.RemoteID != "" || first.Password != "p0" || first.VLAN.String() != "7" || first.Addr != (wire.Addr{2, 0x4c, 0, 0, 0, 0xf0}) {
		t.Errorf("the first client is %+v", first)
	}
	if last.User != "u299@isp" || last.VLAN.String() != "9.2" || last.Addr != (wire.Addr{2, 0x4c, 0, 0, 2, 0x1b}) {
		t.Errorf("the last client is %+v", last)
	}
	if n := c.addressPrefix(); n != 38 {
		t.Errorf("the addresses up to %v have a prefix of %d bits, want 38", addr(number(c.base)+uint64(c.Addresses()-1)), n)
	}
}

// TestErrors: an error names the flag.
func TestErrors(t *testing.T) {
	for flag, line := range map[string]string{
		"--interface":   "-n 10",
		"--sessions 0":  "-I eth0 -n 0",
		"--sessions 70": "-I eth0 -n 70000000",
		"--rate":        "-I eth0 --rate -1",
		"--churn":       "-I eth0 --churn many",
		"--in-progress": "-I eth0 --in-progress 0",
		"--hold":        "-I eth0 --hold -1s",
		"--user":        "-I eth0 --user %s",
		"--password":    "-I eth0 --password %d%d",
		"--circuit-id":  "-I eth0 --circuit-id 0123456789012345678901234567890123456789012345678901234567890%d",
		"--mac":         "-I eth0 --mac 03:00:00:00:00:00",
		"--vlan":        "-I eth0 --vlan 4095",
		"--traffic":     "-I eth0 --traffic 10,5",
		"--target":      "-I eth0 --target nowhere",
		"--flood":       "-I eth0 --flood arp",
		"--flood-rate":  "-I eth0 --flood padi --flood-rate 0",
		"--flood-from":  "-I eth0 --flood padi --flood-from all",
		"needs --hold":  "-I eth0 --flood padi",
		"--prefix":      "-I eth0 --prefix --no-ipv6",
	} {
		if _, err := parse(strings.Fields(line)); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v, want an error that names %s", line, err, flag)
		}
	}
}

// TestChurn: a number, or a share of the sessions, per second.
func TestChurn(t *testing.T) {
	for text, want := range map[string]float64{"20": 20, "2%": 6, "0": 0, "0.5": 0.5} {
		if c, err := parse(strings.Fields("-I eth0 -n 300 --churn " + text)); err != nil || c.churn != want {
			t.Errorf("%s: %v, %v per second, want %v", text, err, c.churn, want)
		}
	}
}
