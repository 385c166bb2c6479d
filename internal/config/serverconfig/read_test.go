package serverconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestErrors: each error has file, line, key, what was found and what is valid; all are reported at once.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"[server]\nac-name = \"x\"", `f: interface: no interface is served: give a section [[interface]] with name = "eth1"`},
		{"[server]\nac-nam = \"x\"\nforeground = 1\n[[interface]]\nname=\"eth1\"\nvlans = \"9999\"\n[[interface]]\n",
			"f:2: server.ac-nam: unknown key: give the key ac-name, if you mean that\n" +
				"f:3: server.foreground: 1 is not valid: give true or false, without quotes\n" +
				"f:6: interface[1].vlans: VLAN \"9999\": a VLAN identifier is a number from 0 to 4094 (4095 is reserved; 0 is a priority tag): give VLANs like \"100-199\", \"50,60-69\", \"100-199.1-4094\", \"untagged,10-20\" or \"any\"\n" +
				"f:7: interface[2]: the key name is missing: give the name of an Ethernet interface like \"eth1\""},
		{"[[interface]]\nname = eth1\n[sever]\nx = 1\n", "f:2: not valid TOML: "},
		{"[[interface]]\nname = eth1\n[sever]\nx = 1\n", "f:3: sever: unknown section: give [server], if you mean that"},
		{"[interface]\nname = \"eth1\"\n", "f:1: interface: one pair of brackets: give [[interface]], as there may be several"},
		{"ac-name = \"x\"\n[[interface]]\nname = \"eth1\"\n", "f:1: ac-name: unknown key: give it in [server]"},
		{"server = 5\n[[interface]]\nname = \"eth1\"\n", "f:1: server: found 5: give a section: [server] alone on a line, and its keys after it"},
	} {
		_, problems := Parse("f", c.text)
		if got := problems.Error(); !strings.Contains(got, c.want) {
			t.Errorf("%s\n%s\nwant\n%s", c.text, got, c.want)
		}
	}
}

// TestRoundTrip: a configuration is read from what is written of it.
func TestRoundTrip(t *testing.T) {
	c, problems := Parse("f", "[server]\nac-name = \"a\\\"b\\\\c\"\nforeground=true\n[[interface]]\nname='eth1'\nvlans='any'\n[[interface]]\nname='eth2'\n")
	if problems != nil || c.Server.ACName != `a"b\c` || !c.Interfaces[0].VLANs.IsAny() || c.Interfaces[1].VLANs.String() != "untagged" {
		t.Fatalf("%+v, %v", c, problems)
	}
	text := string(c.encode(false))
	again, problems := Parse("f", text)
	if problems != nil || string(again.encode(false)) != text {
		t.Errorf("%v\n%s\nbecomes\n%s", problems, text, again.encode(false))
	}
}

// TestSecretsOpenToOthers: a secret in a file that others can read is a warning.
func TestSecretsOpenToOthers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	text := "[[interface]]\nname = \"eth1\"\n[[radius-server]]\naddress = \"192.0.2.1\"\nsecret = \"radius\"\n[coa]\nlisten = \"192.0.2.2:3799\"\n[[coa-client]]\naddress = \"192.0.2.1\"\nsecret = \"coa\"\n"
	for _, c := range []struct {
		mode os.FileMode
		want []string
	}{{0o600, nil}, {0o644, []string{":5: warning: radius-server[1].secret: ", ":10: warning: coa-client[1].secret: "}}, {0o640, []string{":5: ", ":10: "}}} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, c.mode); err != nil {
			t.Fatal(err)
		}
		_, problems := Read(file)
		lines := problems.Warnings()
		if problems.Err() != nil || len(lines) != len(c.want) {
			t.Fatalf("%v: %v", c.mode, problems)
		}
		for i, want := range c.want {
			if !strings.HasPrefix(lines[i], file+want) {
				t.Errorf("%v: %s", c.mode, lines[i])
			}
		}
	}
}
