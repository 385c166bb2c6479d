package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

var (
	own  = wire.Addr{2, 0, 0x5e, 0, 0x53, 0xaa}
	xrx  = wire.Addr{0, 0, 0, 0, 0x53, 1} // Xerox's, the first in the IEEE's list
	mine = wire.Addr{2, 0, 0x5e, 0, 0x53, 2}
)

// ac is a concentrator that a test controls.
type ac struct {
	*ethertest.Port
	tags atomic.Pointer[wire.Tags]
	wait time.Duration
}

// offers changes what it offers.
func (a *ac) offers(tags wire.Tags) { a.tags.Store(&tags) }

func named(name string, more ...wire.Tag) (tags wire.Tags) {
	tags = tags.Append(wire.TagACName, []byte(name)).Append(wire.TagServiceName, nil)
	for _, t := range more {
		tags = tags.Append(t.Type, t.Value)
	}
	return tags
}

// join starts a concentrator on a segment.
func join(s *ethertest.Segment, addr wire.Addr, vlans string, tags wire.Tags, wait time.Duration) *ac {
	var stack vlan.Stack
	if vlans != "" {
		stack, _ = vlan.Parse(vlans)
	}
	a := &ac{Port: s.Tagged(addr, wire.EtherTypeDiscovery, stack), wait: wait}
	a.offers(tags)
	// Ends with the port.
	go a.answer()
	return a
}

func (a *ac) answer() {
	for {
		frames := []datapath.Frame{{Data: make([]byte, 1522)}}
		if _, err := a.ReadBatch(frames); err != nil {
			return
		}
		f, err := wire.ParseDiscoveryFrame(frames[0].Data)
		if err != nil || f.Code != wire.PADI {
			continue
		}
		time.Sleep(a.wait) // virtual
		uniq, _ := f.Tags.Find(wire.TagHostUniq)
		tags := append(wire.Tags(nil), *a.tags.Load()...)
		tags = tags.Append(wire.TagHostUniq, uniq)
		pado := wire.DiscoveryFrame{Dst: f.Src, Src: a.Addr(), Discovery: wire.Discovery{Code: wire.PADO, Tags: tags}}
		a.WriteBatch([][]byte{pado.AppendTo(nil)})
	}
}

// result has the output of a run, its exit code, and how long it took.
type result struct {
	out, stderr string
	code        int
	took        time.Duration
}

// none is an obstacle function for an interface without one.
func none(string) string { return "" }

// run runs the program on a segment, in virtual time, until it ends.
func run(ctx context.Context, s *ethertest.Segment, args string) result {
	var out, stderr strings.Builder
	p := &program{out: &out, stderr: &stderr, obstacle: none, open: func(f *flags) (datapath.Port, error) {
		if len(f.vlans) > 0 {
			return s.Trunk(own, wire.EtherTypeDiscovery), nil
		}
		return s.Port(own, wire.EtherTypeDiscovery), nil
	}}
	start := time.Now()
	code := p.run(ctx, append([]string{"-I", "eth0", "-W", "abcd"}, strings.Fields(args)...))
	took := time.Since(start)
	time.Sleep(time.Second) // until the last PADIs are answered
	return result{out.String(), stderr.String(), code, took}
}

// everything is an offer with all kinds of tags.
func everything() wire.Tags {
	return named("ac \x1b[31m\"1\"",
		wire.Tag{Type: wire.TagServiceName, Value: []byte("internet")},
		wire.Tag{Type: wire.TagServiceName, Value: []byte("iptv")},
		wire.Tag{Type: wire.TagACCookie, Value: []byte("0123456789abcdefghijkl")},
		wire.Tag{Type: wire.TagRelaySessionID, Value: []byte{0, 1, 2}},
		wire.Tag{Type: wire.TagVendorSpecific, Value: []byte("\x00\x00\x0d\xe9\x01\x05dsl/1\x02\x02me\x81\x04\x00\x00\x03\xe8")},
		wire.Tag{Type: wire.TagVendorSpecific, Value: []byte("\x00\x00\x00\x09xyz")},
		wire.Tag{Type: wire.TagCredits, Value: []byte{0, 5, 0, 6}},
		wire.Tag{Type: wire.TagMetrics, Value: []byte{0, 0, 100, 50, 0, 10, 3, 0xe8, 7, 0xd0}},
		wire.Tag{Type: wire.TagMaxPayload, Value: []byte{5, 0xdc}},
		wire.Tag{Type: 0x1234, Value: []byte{0xde, 0xad}},
	)
}

// TestOutput: every form of output for two concentrators, the first of which has all tags.
func TestOutput(t *testing.T) {
	for file, args := range map[string]string{
		"plain.txt":        "",
		"verbose.txt":      "-v",
		"document.json":    "--json",
		"quiet.txt":        "-Q",
		"unexpected.txt":   "--expect second",
		"vlan-plain.txt":   "--vlan 1-3,50.100",
		"vlan-verbose.txt": "--vlan 1-3,50.100 -v --expect second",
		"vlan.json":        "--vlan 1-3,50.100 --json --expect second",
	} {
		t.Run(file, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := ethertest.New(ethertest.Config{})
				first, second := "", ""
				if strings.HasPrefix(args, "--vlan") {
					first, second = "2", "50.100"
				}
				a := join(s, xrx, first, everything(), 1500*time.Microsecond)
				b := join(s, mine, second, named("second"), 20*time.Millisecond)
				defer a.Close()
				defer b.Close()
				got := run(t.Context(), s, args)
				golden(t, file, got.out)
				want, message := exitFound, ""
				if strings.Contains(args, "--expect") {
					want, message = exitUnexpected, "Unexpected access concentrators answered\n"
				}
				if got.code != want || got.stderr != message {
					t.Errorf("exit code %d and %q, want %d and %q", got.code, got.stderr, want, message)
				}
			})
		})
	}
}

// TestExitCodes: exit codes 0, 1 and 3, with their messages.
func TestExitCodes(t *testing.T) {
	const silence = "No PADO received on eth0: pppoe-discovery -I eth0 --vlan 1-4094 searches its VLANs\n"
	refusal := named("full", wire.Tag{Type: wire.TagACSystemError, Value: []byte("no room")})
	for _, c := range []struct {
		args    string
		offers  []wire.Tags
		code    int
		message string
	}{
		{"", nil, 1, "Timeout waiting for PADO packets\n" + silence},
		{"-Q", nil, 1, ""},
		{"", []wire.Tags{named("a")}, 0, ""},
		{"", []wire.Tags{refusal}, 1, "Timeout waiting for PADO packets\n02:00:5e:10:00:00 (\"full\") answered, but it rejected the request: AC-system-error no room\n"},
		{"--vlan untagged", []wire.Tags{refusal}, 1, "Timeout waiting for PADO packets\n"},
		{"-C b", []wire.Tags{named("a")}, 1, "Timeout waiting for PADO packets\n02:00:5e:10:00:00 (\"a\") answered, but its AC-Name is not the configured one: omit -C, or set it to this name\n"},
		{"-S x", []wire.Tags{named("a")}, 1, "Timeout waiting for PADO packets\n02:00:5e:10:00:00 (\"a\") answered, but it does not offer the configured service: omit -S\n"},
		{"-C b -Q", []wire.Tags{named("a")}, 1, ""},
		{"--vlan 7", []wire.Tags{named("a")}, 1, "Timeout waiting for PADO packets\n"},
		{"--vlan 7,untagged", []wire.Tags{named("a")}, 0, ""},
		{"--expect a", []wire.Tags{named("a")}, 0, ""},
		{"--expect 02:00:5e:10:00:00", []wire.Tags{named("a")}, 0, ""},
		{"--expect a --expect b", []wire.Tags{named("a")}, 1, "No answer from b\n"},
		{"--expect a", nil, 1, "Timeout waiting for PADO packets\n" + silence},
		{"--expect a", []wire.Tags{named("a"), named("rogue")}, 3, "Unexpected access concentrators answered\n"},
		{"--expect a -Q", []wire.Tags{named("a"), named("rogue")}, 3, ""},
		{"--expect a --vlan untagged", []wire.Tags{named("a"), refusal}, 3, "Unexpected access concentrators answered\n"},
		{"--expect 02:00:5e:10:00:01", []wire.Tags{named("a")}, 3, "Unexpected access concentrators answered\n"},
		{"-t 0", nil, 1, "pppoe-discovery: -t takes 1 to 86400 seconds, and -a a number from 1 to 1000\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := ethertest.New(ethertest.Config{})
			for i, tags := range c.offers {
				defer join(s, wire.Addr{2, 0, 0x5e, 0x10, 0, byte(i)}, "", tags, 0).Close()
			}
			if got := run(t.Context(), s, c.args); got.code != c.code || got.stderr != c.message {
				t.Errorf("%q with %d concentrators: exit code %d and %q, want %d and %q", c.args, len(c.offers), got.code, got.stderr, c.code, c.message)
			}
		})
	}
}

// TestFirst: --first ends with the first offer, not with an error, and prints only that; -Q ends with it
// too. Without them it listens for the whole timeout.
func TestFirst(t *testing.T) {
	refusal := named("full", wire.Tag{Type: wire.TagACSystemError, Value: []byte("no room")})
	for _, c := range []struct {
		args   string
		took   time.Duration
		offers int
	}{
		{"", 5 * time.Second, 2},
		{"--first", 2 * time.Second, 1},
		{"--first --json", 2 * time.Second, 1},
		{"--first --vlan untagged -t 4", 2 * time.Second, 1},
		{"-Q", 2 * time.Second, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := ethertest.New(ethertest.Config{})
			defer join(s, xrx, "", refusal, time.Second).Close()
			defer join(s, mine, "", named("second"), 2*time.Second).Close()
			defer join(s, wire.Addr{2, 0, 0x5e, 0, 0x53, 3}, "", named("third"), 3*time.Second).Close()
			got := run(t.Context(), s, c.args)
			offers := strings.Count(got.out, "second") + strings.Count(got.out, "third")
			if c.args == "--first --json" {
				offers = strings.Count(got.out, `"name": "second"`) + strings.Count(got.out, `"name": "third"`)
			}
			if got.code != exitFound || got.took != c.took || offers != c.offers || got.stderr != "" {
				t.Errorf("%q: code %d after %v, want %v; %d offers, want %d\n%s%s", c.args, got.code, got.took, c.took, offers, c.offers, got.out, got.stderr)
			}
		})
	}
}

// TestObstacle: if the cause of missing answers is known, it is printed instead of the advice to search
// VLANs.
func TestObstacle(t *testing.T) {
	for _, args := range []string{"-I eth7", "-I eth7 --vlan 7"} {
		synctest.Test(t, func(t *testing.T) {
			s := ethertest.New(ethertest.Config{})
			var stderr strings.Builder
			p := &program{out: io.Discard, stderr: &stderr, open: func(*flags) (datapath.Port, error) { return s.Port(own, wire.EtherTypeDiscovery), nil },
				obstacle: func(iface string) string { return iface + " has no carrier" }}
			code := p.run(t.Context(), strings.Fields(args))
			if want := "Timeout waiting for PADO packets\neth7 has no carrier\n"; code != exitNone || stderr.String() != want {
				t.Errorf("%q: code %d, %q, want %q", args, code, stderr.String(), want)
			}
		})
	}
}

// TestNoHostUniq: like the original's, the PADI has no Host-Uniq unless a flag requests one.
func TestNoHostUniq(t *testing.T) {
	for args, want := range map[string]int{"": -1, "-W 0aff": 2, "-U": 4, "--vlan untagged": 12, "--vlan untagged -W 0aff": 6} {
		synctest.Test(t, func(t *testing.T) {
			s := ethertest.New(ethertest.Config{})
			sniffer := s.Port(mine, wire.EtherTypeDiscovery)
			defer sniffer.Close()
			p := &program{out: io.Discard, stderr: io.Discard, obstacle: none, open: func(f *flags) (datapath.Port, error) {
				return s.Port(own, wire.EtherTypeDiscovery), nil
			}}
			p.run(t.Context(), append([]string{"-a", "1"}, strings.Fields(args)...))
			frames := []datapath.Frame{{Data: make([]byte, 1522)}}
			if _, err := sniffer.ReadBatch(frames); err != nil {
				t.Fatal(err)
			}
			f, err := wire.ParseDiscoveryFrame(frames[0].Data)
			uniq, found := f.Tags.Find(wire.TagHostUniq)
			if !found && want == -1 {
				return
			}
			if err != nil || len(uniq) != want {
				t.Errorf("%q: Host-Uniq %x (%v), want %d octets; %v", args, uniq, found, want, err)
			}
		})
	}
}

// TestAnnounce: how long it listens is printed only to a terminal.
func TestAnnounce(t *testing.T) {
	for _, c := range []struct {
		terminal bool
		args     string
		want     string
	}{
		{false, "", ""},
		{true, "", "Asking on eth0, listening for all answers: 5s, up to 15s without an answer (--first ends with the first answer)\n"},
		{true, "-t 2 -a 4 --first", "Asking on eth0, waiting for the first answer: 2s, up to 8s without an answer (--first ends with the first answer)\n"},
		{true, "--vlan untagged", "Asking on eth0, listening for all answers\n"},
		{true, "-Q", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := ethertest.New(ethertest.Config{})
			defer join(s, mine, "", named("ac"), 0).Close()
			var stderr strings.Builder
			p := &program{out: io.Discard, stderr: &stderr, terminal: c.terminal, open: func(*flags) (datapath.Port, error) {
				return s.Port(own, wire.EtherTypeDiscovery), nil
			}}
			if code := p.run(t.Context(), strings.Fields(c.args)); code != exitFound || stderr.String() != c.want {
				t.Errorf("%q: code %d, %q, want %q", c.args, code, stderr.String(), c.want)
			}
			time.Sleep(time.Second) // virtual
		})
	}
}

// TestDefaultInterface: the interface is eth0 without -I; if it does not exist, the error says so.
func TestDefaultInterface(t *testing.T) {
	for args, want := range map[string]string{
		"":        "pppoe-discovery: eth0: " + afpacket.ErrNoInterface.Error() + ". The default interface is eth0: name another one with -I\n",
		"-I eth0": "pppoe-discovery: eth0: " + afpacket.ErrNoInterface.Error() + "\n",
	} {
		var stderr strings.Builder
		p := &program{stderr: &stderr, open: func(f *flags) (datapath.Port, error) {
			return nil, fmt.Errorf("%s: %w", f.iface, afpacket.ErrNoInterface)
		}}
		if code := p.run(t.Context(), strings.Fields(args)); code != exitNone || stderr.String() != want {
			t.Errorf("%q: code %d, %q, want %q", args, code, stderr.String(), want)
		}
	}
}

func TestCannotOpen(t *testing.T) {
	var stderr strings.Builder
	p := &program{stderr: &stderr, open: func(*flags) (datapath.Port, error) { return nil, errors.New("eth0: gone") }}
	if code := p.run(t.Context(), []string{"-I", "eth0"}); code != 1 || stderr.String() != "pppoe-discovery: eth0: gone\n" {
		t.Errorf("exit code %d and %q", code, stderr.String())
	}
}

// TestWatch: concentrators appear, change their name, services and address, and disappear; expected ones
// are missing.
func TestWatch(t *testing.T) {
	for file, args := range map[string]string{"watch.txt": "", "watch.json": "--json"} {
		synctest.Test(t, func(t *testing.T) {
			s := ethertest.New(ethertest.Config{})
			ctx, cancel := context.WithCancel(t.Context())
			a := join(s, xrx, "50", named("a"), time.Millisecond)
			b := join(s, mine, "50", named("b"), 2*time.Millisecond)
			third := wire.Addr{2, 0, 0x5e, 0, 0x53, 3}
			// Ends after the last step; the steps are between the rounds.
			go func() {
				time.Sleep(5 * time.Second) // virtual
				for _, step := range []func(){
					func() {},
					func() { a.offers(named("a", wire.Tag{Type: wire.TagServiceName, Value: []byte("isp")})) },
					func() { b.offers(named("b2")) },
					func() { b.Close() },
					func() { b = join(s, third, "50", named("a"), 3*time.Millisecond) },
					func() {},
					func() { a.offers(named("a", wire.Tag{Type: wire.TagACSystemError, Value: []byte("full")})) },
				} {
					time.Sleep(10 * time.Second) // virtual
					step()
				}
				time.Sleep(10 * time.Second)
				cancel()
				a.Close()
				b.Close()
			}()
			args := "--vlan 50-51 --watch --interval 10 --missed 2 --expect a --expect c -t 1 " + args
			got := run(ctx, s, args)
			golden(t, file, got.out)
			if got.code != exitFound || got.stderr != "" {
				t.Errorf("exit code %d and %q", got.code, got.stderr)
			}
		})
	}
}

// TestAlarm: with --alarm, the first unexpected concentrator ends the watch at once, with an exit code of
// its own.
func TestAlarm(t *testing.T) {
	for args, want := range map[string]struct {
		code int
		took time.Duration
	}{
		"--alarm":    {exitUnexpected, 30*time.Second + time.Millisecond},
		"--alarm -Q": {exitUnexpected, 30*time.Second + time.Millisecond},
		"":           {exitFound, time.Minute},
		"-C nobody":  {exitNone, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := ethertest.New(ethertest.Config{})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			defer join(s, xrx, "", named("a"), time.Millisecond).Close()
			// Ends when the rogue has joined.
			go func() {
				time.Sleep(15 * time.Second) // virtual
				rogue := join(s, mine, "", named("rogue"), time.Millisecond)
				context.AfterFunc(ctx, func() { rogue.Close() })
			}()
			got := run(ctx, s, "--watch --expect a "+args)
			if got.code != want.code || got.took != want.took {
				t.Errorf("%q: exit code %d after %v, want %d after %v\n%s", args, got.code, got.took, want.code, want.took, got.out)
			}
			cancel()
		})
	}
}

// TestEventLimiter: the events of a round are limited, and the number of dropped ones is reported.
func TestEventLimiter(t *testing.T) {
	for events, want := range map[int]int{0: 0, maxEvents: 0, maxEvents + 1: 1, 3 * maxEvents: 2 * maxEvents} {
		reported, missing := 0, 0
		b := &eventLimiter{emit: func(e event) {
			if e.kind == dropped {
				missing += e.count
				if want := "1970-01-01T00:00:00Z left-out"; !strings.HasPrefix(e.String(), want) {
					t.Errorf("it is printed as %q", e)
				}
			} else {
				reported++
			}
		}}
		for range 2 {
			for range events {
				b.add(event{kind: appeared})
			}
			b.round(time.Unix(0, 0))
		}
		if reported != 2*min(events, maxEvents) || missing != 2*want {
			t.Errorf("of %d events a round %d were reported in two rounds, and %d dropped", events, reported, missing)
		}
	}
}

// full is a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestOutputLost: the exit code is not 0 if the output could not be written; that of an alarm stays.
func TestOutputLost(t *testing.T) {
	for args, want := range map[string]int{"": exitNone, "--json": exitNone, "-Q": exitFound, "--expect other": exitUnexpected} {
		synctest.Test(t, func(t *testing.T) {
			s := ethertest.New(ethertest.Config{})
			a := join(s, mine, "", named("ac"), 0)
			defer a.Close()
			var stderr strings.Builder
			p := &program{out: full{}, stderr: &stderr, obstacle: none, open: func(*flags) (datapath.Port, error) { return s.Port(own, wire.EtherTypeDiscovery), nil }}
			code := p.run(t.Context(), append([]string{"-I", "eth0", "-a", "1"}, strings.Fields(args)...))
			if reported := strings.Contains(stderr.String(), "cannot write the results: no space left"); code != want || reported != (want == exitNone) {
				t.Errorf("%q: exit code %d, want %d; stderr %q", args, code, want, stderr.String())
			}
		})
	}
}
