package pppd

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestShellWords: a line is split as sh -c does.
func TestShellWords(t *testing.T) {
	for line, want := range map[string][]string{
		"":                             nil,
		"  \t ":                        nil,
		"a b\tc":                       {"a", "b", "c"},
		`'a b' "c d" e\ f`:             {"a b", "c d", "e f"},
		`a'b'"c"d`:                     {"abcd"},
		`'a\b$c"'`:                     {`a\b$c"`},
		`"a\$b\"c\\d\` + "`" + `e\f'"`: {`a$b"c\d` + "`" + `e\f'`},
		`'' ""`:                        {"", ""},
		`\$x \a`:                       {"$x", "a"},
		"a;b":                          {"a"},
		"a | b":                        {"a"},
		"a && b":                       {"a"},
		"a&":                           {"a"},
		"a\nb":                         {"a"},
		"a # b":                        {"a"},
		"a#b":                          {"a#b"},
		"a 2>/dev/null b":              {"a", "b"},
		"a >x 2>&1 b":                  {"a", "b"},
		"a < x b":                      {"a", "b"},
		"a b2>x":                       {"a", "b2"},
		"a 22 b":                       {"a", "22", "b"},
	} {
		if got, err := shellWords(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q is %q, %v, want %q", line, got, err, want)
		}
	}
	for line, want := range map[string]string{
		"a 'b":      "the quote ' is never closed",
		`a "b`:      `the quote " is never closed`,
		`a "b\`:     `the quote " is never closed`,
		"a $b":      "are not expanded",
		`a "$b"`:    "are not expanded",
		"a `b`":     "are not expanded",
		"a \"`b`\"": "are not expanded",
		"(a)":       `the shell's "("`,
		"a > 'b":    "the quote ' is never closed",
	} {
		if _, err := shellWords(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
}

// TestPty: rp-pppoe's user mode, as pppoeconf, adsl-connect and administrators configure it.
func TestPty(t *testing.T) {
	for line, right := range map[string]func(*Settings) bool{
		"pppoe -I eth0 -T 80 -m 1412": func(s *Settings) bool {
			return s.Interface == "eth0" && s.SilenceLimit == 80*time.Second && s.MSS == 1412
		},
		"/usr/sbin/pppoe -I nic7 -T 80 -m 1452": func(s *Settings) bool { return s.Interface == "nic7" && s.MSS == 1452 },
		"/usr/sbin/pppoe -p /var/run/pppoe.pid -I eth1 -T 80 -U  -m 1412": func(s *Settings) bool {
			return s.Interface == "eth1" && s.HostUniq == nil
		},
		"exec LANG=C /opt/rp/pppoe -Ieth2 -sn -m1300 2>/dev/null": func(s *Settings) bool { return s.Interface == "eth2" && s.MSS == 1300 },
		`pppoe -S 'my isp' -C "the ac" -I eth0`: func(s *Settings) bool {
			return s.Service == "my isp" && !s.OmitService && slices.Equal(s.ACNames, []string{"the ac"})
		},
		"pppoe -e 7:02:00:5e:00:53:01 -I eth0": func(s *Settings) bool {
			id, ac, ok := s.Attached()
			return ok && id == 7 && ac.String() == "02:00:5e:00:53:01"
		},
		"pppoe -W abc -t 3 -H 2:0:5e:0:53:7 -f 8863:8864 -D /tmp/x -F x": func(s *Settings) bool {
			return s.Interface == "eth0" && string(s.HostUniq) == "abc" && s.PADITimeout == 3*time.Second && s.SourceAddr == "02:00:5e:00:53:07"
		},
		"pppoe":                func(s *Settings) bool { return s.Interface == "eth0" && s.MSS == 0 },
		"pppoe -m 536 -- -I x": func(s *Settings) bool { return s.Interface == "eth0" && s.MSS == 536 },
		"pppoe -t 3600 -T 1":   func(s *Settings) bool { return s.PADITimeout == time.Hour && s.SilenceLimit == time.Second },
	} {
		r := reader(Client, "")
		if err := r.CommandLine([]string{"pty", line}); err != nil || !right(r.Settings) || len(r.Settings.Warnings) > 0 {
			t.Errorf("%s means %+v, %v", line, r.Settings, err)
		}
	}
}

// TestPtyErrors: each error names the option and what is valid.
func TestPtyErrors(t *testing.T) {
	for line, want := range map[string]string{
		"pppoe -m 535":                          "give an MSS between 536 and 1452",
		"pppoe -m 1453":                         "give an MSS between 536 and 1452",
		"pppoe -m x":                            "pppoe -m x: give an MSS",
		"pppoe -I ''":                           "give the name of an Ethernet interface",
		"pppoe -I":                              "option -I needs a value",
		"pppoe -sI":                             "option -I needs a value",
		"pppoe -x":                              "pppoe has no option -x",
		"pppoe eth0":                            `not "eth0"`,
		"pppoe -":                               `not "-"`,
		"pppoe -A -I eth0":                      "pppoe -A opens no session",
		"pppoe -sk":                             "pppoe -k opens no session",
		"pppoe -e 0:02:00:5e:00:53:01":          "pppoe -e 0:02:00:5e:00:53:01: give a session",
		"pppoe -t 0":                            "between 1 and 3600",
		"pppoe -t 3601":                         "between 1 and 3600",
		"pppoe -T 0":                            "give a number of seconds",
		"pppoe -f 8863:8865":                    "8863:8864",
		"pppoe -H ff:ff:ff:ff:ff:ff":            "give a unicast Ethernet address",
		"pppoe -W ''":                           "give 1 to 1024 octets",
		"pppoe -I $IF":                          "are not expanded",
		"pppoe -W " + strings.Repeat("x", 1025): "give 1 to 1024 octets",
		"pppoe -S " + strings.Repeat("x", 1025): "give at most 1024 octets",
	} {
		r := reader(Client, "")
		if err := r.CommandLine([]string{"pty", line}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `option "pty"`) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

// TestPtyOrder: the last word wins, as everywhere; another command is ignored with a warning that says
// what is supported.
func TestPtyOrder(t *testing.T) {
	for words, want := range map[string]struct {
		iface   string
		mss     int
		notices int
	}{
		"eth0|pty|pppoe -I gw-veth0 -m 1400":          {"gw-veth0", 1400, 0},
		"pty|pppoe -I gw-veth0 -m 1400|eth0|mss|1300": {"eth0", 1300, 0},
		"gw-veth0|pty|pppoe":                          {"gw-veth0", 0, 0},
		"pty|/usr/bin/ssh host pppd":                  {"", 0, 1},
		"pty|pppoe-relay -I eth0":                     {"", 0, 1},
		"pty|":                                        {"", 0, 1},
	} {
		r := reader(Client, "")
		if err := r.CommandLine(strings.Split(words, "|")); err != nil {
			t.Fatalf("%q: %v", words, err)
		}
		if s := r.Settings; s.Interface != want.iface || s.MSS != want.mss || len(s.Warnings) != want.notices {
			t.Errorf("%q: interface %q, MSS %d, notices %q, want %+v", words, s.Interface, s.MSS, s.Warnings, want)
		}
	}
	r := reader(Server, "")
	if err := r.CommandLine([]string{"pty", "pppoe -I eth0 -x"}); err != nil || r.Settings.Interface != "" || len(r.Settings.Warnings) != 1 {
		t.Errorf("a server: %v, %+v", err, r.Settings)
	}
}
