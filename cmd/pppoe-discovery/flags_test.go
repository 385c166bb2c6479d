package main

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"upppoe/internal/version"
	"upppoe/pppoe/wire"
)

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		args  string
		right func(*flags) bool
	}{
		{"-I eth0", func(f *flags) bool {
			return f.iface == "eth0" && f.timeout == 5*time.Second && f.attempts == 3 && f.named && f.hostUniq != nil && len(f.hostUniq) == 0 && !f.scans() && f.rate == 2000 && !f.first
		}},
		{"", func(f *flags) bool { return f.iface == "eth0" && !f.named }},
		{"-I eth1 --first", func(f *flags) bool { return f.iface == "eth1" && f.first }},
		{"-I eth0 -v", func(f *flags) bool { return f.verbose }},
		{"--verbose", func(f *flags) bool { return f.verbose }},
		{"-I eth0 -S isp -C ac -t 2 -a 1 -W 0aff -Q", func(f *flags) bool {
			return f.service == "isp" && f.acName == "ac" && f.timeout == 2*time.Second && f.attempts == 1 && string(f.hostUniq) == "\x0a\xff" && f.quiet
		}},
		{"-I eth0 -U -D /dev/null", func(f *flags) bool { return len(f.hostUniq) == 4 }},
		{"-I eth0 --vlan 1-4094", func(f *flags) bool {
			return f.hostUniq == nil && len(f.vlans) == 4094 && f.timeout == 2*time.Second && f.attempts == 2 && f.scan().Interval == 0
		}},
		{"-I eth0 --vlan 50.1-3 -t 7 -a 5 --rate 10 --priority 6", func(f *flags) bool {
			s := f.scan()
			return len(s.VLANs) == 3 && s.Client.Timeout == 7*time.Second && s.Client.Attempts == 5 && s.Rate == 10 && s.Priority == 6
		}},
		{"-I eth0 --watch", func(f *flags) bool { return f.scan().Interval == 30*time.Second && f.missed == 3 && len(f.vlans) == 0 }},
		{"-I eth0 --watch --interval 5 --missed 1 --expect 02:00:5e:00:53:01 --expect my-ac --alarm", func(f *flags) bool {
			return f.scan().Interval == 5*time.Second && f.missed == 1 && f.alarm && len(f.expect) == 2 &&
				f.expect[0] == expected{addr: wire.Addr{2, 0, 0x5e, 0, 0x53, 1}} && f.expect[1] == expected{name: "my-ac"}
		}},
		{"-Q", (*flags).endsAtFirst},
		{"--first --expect my-ac", (*flags).endsAtFirst},
		{"-Q --expect my-ac", func(f *flags) bool { return !f.endsAtFirst() }},
		{"-C my-ac", func(f *flags) bool { return !f.endsAtFirst() }},
		{"-I eth0 --source 02:00:5e:00:53:07", func(f *flags) bool { return f.attachment().Source == wire.Addr{2, 0, 0x5e, 0, 0x53, 7} }},
	} {
		f, err := parseFlags(strings.Fields(c.args), io.Discard, io.Discard)
		if err != nil || !c.right(f) {
			t.Errorf("%s: %+v, %v", c.args, f, err)
		}
	}
}

// TestBadFlags: each error names the flag and says what is valid.
func TestBadFlags(t *testing.T) {
	for args, want := range map[string]string{
		"--interface=":        "name one with -I",
		"--watch --first":     "--first ends with the first answer, and --watch never ends",
		"eth0":                `unexpected argument "eth0"`,
		"-I eth0 --nonsense":  "--nonsense",
		"-I eth0 -t 0":        "-t takes",
		"-I eth0 -t x":        "--timeout",
		"-I eth0 -a 0":        "-a a number",
		"-I eth0 -W xyz":      "-W \"xyz\": give hexadecimal digits",
		"-I eth0 -U -W 00":    "-U and -W exclude each other",
		"-I eth0 --vlan 4095": "--vlan: VLAN \"4095\"",
		"-I eth0 --vlan 5000": "--vlan: VLAN \"5000\"",
		"-I eth0 -S " + strings.Repeat("x", 1025):  "-S takes a name of at most 1024 octets",
		"-I eth0 -W " + strings.Repeat("0a", 1401): "-S and -W take at most 1400 octets together",
		"-I eth0 --vlan x":                         "--vlan: VLAN \"x\"",
		"-I eth0 --vlan=":                          "--vlan: no VLAN given",
		"-I eth0 --vlan 9-1":                       "LOW-HIGH",
		"-I eth0 --vlan 1-4094.1-4094":             "more than 65536",
		"-I eth0 --priority 6":                     "--priority needs a VLAN tag",
		"-I eth0 --vlan 1 --priority 8":            "--priority takes",
		"-I eth0 --vlan 1 --priority 256":          "--priority",
		"-I eth0 --vlan 1 --rate 0":                "--rate takes",
		"-I eth0 --source 1:2":                     "--source \"1:2\"",
		"-I eth0 --watch --interval 0":             "--interval takes",
		"-I eth0 --watch --missed 0":               "--missed takes",
		"-I eth0 --expect=":                        "--expect takes",
		"-I eth0 --alarm":                          "--alarm needs --watch",
		"-I eth0 --watch --alarm":                  "--expect",
	} {
		_, err := parseFlags(strings.Fields(args), io.Discard, io.Discard)
		if err == nil || errors.Is(err, errHelp) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", args, err, want)
		}
	}
}

// TestHelp: -h lists the original's options in the original's form, on standard error, with exit code 0.
func TestHelp(t *testing.T) {
	for _, args := range []string{"-h", "--help"} {
		var out, stderr strings.Builder
		p := &program{out: &out, stderr: &stderr}
		if code := p.run(t.Context(), []string{args}); code != 0 || out.Len() > 0 {
			t.Errorf("%s: exit code %d, and on stdout %q", args, code, out.String())
		}
		golden(t, "help.txt", stderr.String())
		for _, line := range []string{"   -I INTERFACE   -- ", "   -t SECONDS     -- ", "   -U             -- "} {
			if !strings.Contains(stderr.String(), line) {
				t.Errorf("%s has no %q", args, line)
			}
		}
	}
}

// TestVersion: every flag for the version prints it to standard output. -v with other flags is --verbose.
func TestVersion(t *testing.T) {
	for _, args := range []string{"-V", "--version", "-v", "-I eth0 -V"} {
		var out, stderr strings.Builder
		p := &program{out: &out, stderr: &stderr}
		code := p.run(t.Context(), strings.Fields(args))
		if want := "pppoe-discovery (upppoe) " + version.String() + "\n"; code != 0 || out.String() != want || stderr.Len() > 0 {
			t.Errorf("%s: exit code %d, %q and %q, want %q", args, code, out.String(), stderr.String(), want)
		}
	}
}

// golden compares output with a file, which -update writes.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
	}
}
