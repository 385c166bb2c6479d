package serverconfig

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestChecks: values that do not go together have an error, or a warning if they have no effect.
func TestChecks(t *testing.T) {
	const one = "[[interface]]\nname = \"eth1\"\n"
	for _, c := range []struct{ text, want string }{
		{one + one, `f:4: interface[2].name: "eth1" is given twice`},
		{one + "[ipv4]\nlocal-address = \"192.0.2.12\"\nfirst-address = \"192.0.2.10\"\n", "f:5: ipv4.first-address: the pool of 64 addresses from 192.0.2.10 has our own address 192.0.2.12"},
		{one + "[ipv4]\nlocal-address = \"127.0.0.1\"\n", "f:4: ipv4.local-address: 127.0.0.1 is a loopback address"},
		{one + "[ipv4]\nfirst-address = \"223.255.255.250\"\n", "f:4: ipv4.first-address: 224.0.0.0 is in the pool"},
		{one + "[ipv6]\nnetworks = \"2001:db8::/40\"\ndelegated-prefixes = \"2001:db8:1::/48\"\n", "f:5: ipv6.delegated-prefixes: 2001:db8:1::/48 and 2001:db8::/40 of ipv6.networks overlap"},
		{one + "[ipv6]\nnetworks = \"2001:db8::/65\"\n", "f:4: ipv6.networks: 2001:db8::/65 has no network of 64 bits"},
		{one + "[ipv6]\ndelegated-prefixes = \"2001:db8::/60\"\n", "f:3: ipv6.delegated-length: 2001:db8::/60 has no prefix of length 56: give a length from 60 to 128"},
		{one + "[device]\nisolate = true\n", "f:4: device.isolate: it needs a shared device"},
		{one + "[device]\nmode = \"shared\"\n[ipv6]\nlocal-address = \"2001:db8:1::1\"\nnetworks = \"2001:db8:1::/48\"\n", "f:6: ipv6.local-address: 2001:db8:1::1 is in 2001:db8:1::/48"},
		{one + "[[service]]\nname = \"a\"\n[[service]]\nname = \"a\"\n", `f:6: service[2].name: "a" is given twice`},
		{one + "[access]\nsession-limit = { client = 5 }\n", `f:4: access.session-limit: a table: there is no limit "client": give limits like`},
		{one + "[access]\npadi-limit = { vlan = 0 }\n", `f:4: access.padi-limit: a table: vlan = 0 is not valid: give limits like`},
		{one + "[device]\nmode = \"shared\"\n[policy]\nvrf = \"red\"\n", `f:6: policy.vrf: a session of a shared device cannot be in VRF "red": give mode = "per-session" in [device]`},
		{one + "[device]\nmode = \"shared\"\n[[service]]\nname = \"a\"\nvrf = \"red\"\n", `f:7: service[1].vrf: a session of a shared device cannot be in VRF "red"`},
		{one + "[policy]\nvrf = \"a/b\"\n", `f:4: policy.vrf: "a/b" is not valid: give the name of a VRF device`},
		{one + "[ipv6]\nenabled = false\nnetworks = \"2001:db8::/48\"\n", "f:5: warning: ipv6.networks: has no effect: IPv6 is disabled by ipv6.enabled"},
		{one + "[policy]\nrate-burst = \"1s\"\n", "f:4: warning: policy.rate-burst: has no effect: it needs rate-up or rate-down"},
		{one + "[policy]\nsource-allow = [\"198.51.100.0/24\", \"x\"]\n", `f:4: policy.source-allow: "x" is not valid: give a prefix`},
		{one + "[ppp]\necho-interval = \"1500ms\"\n", `f:4: ppp.echo-interval: "1500ms": not a multiple of 1s`},
		{one + "[authentication]\nmethods = \"chap\"\n", `f:4: authentication.methods: "chap" is not valid: give a list like ["chap", "pap"]`},
	} {
		_, problems := Parse("f", c.text)
		if !slices.ContainsFunc(problems, func(p Problem) bool { return strings.HasPrefix(p.String(), c.want) }) {
			t.Errorf("%s\n%v; want\n%s", c.text, problems, c.want)
		}
	}
}

// TestCheckFiles: every entry of a file of accounts that rejects logins is an error with file and line, which
// shows no password; a file that the configuration names must exist.
func TestCheckFiles(t *testing.T) {
	dir := t.TempDir()
	accounts, file := filepath.Join(dir, "accounts"), filepath.Join(dir, "server.toml")
	write := func(path, text string, mode os.FileMode) {
		os.Remove(path)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(accounts, "alice * geheim *\nbob * \"geheim *\ncarol * geheim\ndave * geheim * -- rate-up many\nerin * geheim * -- rate-up 5\nfrank * geheim * -- mtu 1400\nguest * \"*\" -\n", 0o640)
	text := "[[interface]]\nname = \"no-such-if\"\n[ipv4]\nfirst-address = \"192.0.2.10\"\n[authentication]\nchap-secrets = \"" + accounts + "\"\npap-secrets = \"" + accounts + "\"\n[scripts]\nip-up = \"" + accounts + "\"\n"
	write(file, text, 0o644)
	_, problems := ReadAndCheck(file)
	var got []string
	for _, p := range problems {
		got = append(got, strings.ReplaceAll(p.String(), dir, "DIR"))
	}
	for _, want := range []string{
		`DIR/server.toml:2: warning: interface[1].name: this host has no interface "no-such-if" now`,
		"DIR/server.toml:9: warning: scripts.ip-up: DIR/accounts is not executable",
		"DIR/accounts: warning: Warning - secret file DIR/accounts has world and/or group access",
		"DIR/accounts:2: line ignored: the quote",
		"DIR/accounts:3: its address column allows no address: give * or the client's address",
		"DIR/accounts:4: unknown option or invalid value after --: give ",
		"DIR/accounts:6: warning: some options after -- have no effect: give ",
	} {
		if n := len(slices.DeleteFunc(slices.Clone(got), func(s string) bool { return !strings.HasPrefix(s, want) })); n != 1 {
			t.Errorf("%d times: %s; there are\n%s", n, want, strings.Join(got, "\n"))
		}
	}
	if all := strings.Join(got, "\n"); strings.Contains(all, "geheim") || len(got) != 7 {
		t.Errorf("%s", all)
	}
	os.Remove(accounts)
	if _, problems = ReadAndCheck(file); !strings.Contains(problems.Error(), "server.toml:6: authentication.chap-secrets: there is no file "+accounts) {
		t.Errorf("without the file: %v", problems)
	}
}

// TestCheckVRF: a VRF that does not exist is a warning; with a shared device, one of an account is an error.
func TestCheckVRF(t *testing.T) {
	dir := t.TempDir()
	accounts, file := filepath.Join(dir, "accounts"), filepath.Join(dir, "server.toml")
	if err := os.WriteFile(accounts, []byte("alice * geheim *\nbob * geheim * -- vrf red\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"[policy]\nvrf = \"no-such-vrf\"\n": "server.toml:7: warning: policy.vrf: VRF no-such-vrf does not exist: ip link add no-such-vrf type vrf table N",
		"[device]\nmode = \"shared\"\n":     `accounts:2: a session of a shared device cannot be in VRF "red": give mode = "per-session" in [device]`,
	} {
		text := "[[interface]]\nname = \"lo\"\n[authentication]\nmethods = [\"chap\"]\nchap-secrets = \"" + accounts + "\"\n" + text
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, problems := ReadAndCheck(file)
		if !slices.ContainsFunc(problems, func(p Problem) bool { return strings.TrimPrefix(p.String(), dir+"/") == want }) {
			t.Errorf("%s\n%v; want\n%s", text, problems, want)
		}
	}
}

// TestCoANeedsRADIUS: CoA without RADIUS servers has no effect, and the check says so.
func TestCoANeedsRADIUS(t *testing.T) {
	const coa = "[[interface]]\nname = \"eth1\"\n[coa]\nlisten = \"192.0.2.1:3799\"\n[[coa-client]]\naddress = \"192.0.2.5\"\nsecret = \"a\"\n"
	const radius = "[[radius-server]]\naddress = \"192.0.2.5\"\nsecret = \"a\"\n"
	want := []string{"f:4: warning: coa.listen: has no effect without a section [[radius-server]]"}
	if _, problems := Parse("f", coa); !slices.Equal(problems.Warnings(), want) {
		t.Errorf("without a server: %v", problems)
	}
	if _, problems := Parse("f", coa+radius); len(problems) != 0 {
		t.Errorf("with a server: %v", problems)
	}
}

// TestCheckHost: files of secrets and groups that the configuration names exist.
func TestCheckHost(t *testing.T) {
	dir := t.TempDir()
	file, open, empty := filepath.Join(dir, "server.toml"), filepath.Join(dir, "open"), filepath.Join(dir, "empty")
	text := "[[interface]]\nname = \"lo\"\n"
	for _, secret := range []string{"none", "open", "empty"} {
		text += "[[radius-server]]\naddress = \"192.0.2.5\"\nsecret-file = \"" + filepath.Join(dir, secret) + "\"\n"
	}
	text += "[coa]\nlisten = \"127.0.0.1:3799\"\n[[coa-client]]\naddress = \"192.0.2.5\"\nsecret-file = \"" + filepath.Join(dir, "none") + "\"\n[control]\ngroup = \"no-such-group\"\n"
	for path, text := range map[string]string{file: text, open: "geheim\n", empty: ""} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, problems := ReadAndCheck(file)
	all := strings.ReplaceAll(problems.Error()+"\n"+strings.Join(problems.Warnings(), "\n"), dir, "DIR")
	for _, want := range []string{
		"DIR/server.toml:5: radius-server[1].secret-file: open DIR/none: no such file or directory: give a file with the secret as its first line",
		"DIR/server.toml:8: warning: radius-server[2].secret-file: secret file DIR/open has world and/or group access",
		"DIR/server.toml:11: radius-server[3].secret-file: ",
		"DIR/server.toml:16: coa-client[1].secret-file: open DIR/none",
		`DIR/server.toml:18: control.group: there is no group "no-such-group": give a group that exists`,
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in\n%s", want, all)
		}
	}
}
