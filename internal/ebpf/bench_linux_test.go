package ebpf

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
)

// ethtoolSet sets offloads of the Ethernet interfaces, such as "tso", "off".
func ethtoolSet(words ...string) func(*station, *Config) {
	return func(e *station, _ *Config) {
		e.t.Helper()
		if out, err := e.ns.Run("ethtool", append([]string{"-K", ethernet}, words...)...); err != nil {
			e.t.Fatalf("ethtool %v: %v: %s", words, err, out)
		}
	}
}

func withExclusive(_ *station, cfg *Config) { cfg.Exclusive = true }

// path is a way between two namespaces that is measured.
type path struct {
	name       string
	here, from *lab.Namespace
	to         netip.Addr
	rates      []float64
	costs      []float64 // CPU-seconds per gigabit
	pings      []time.Duration
	baseline   *path                   // that it is compared with in addition; nil: none
	beside     func(stop *atomic.Bool) // runs while a stream is measured; nil: nothing
}

// ethernetPath is Ethernet without PPPoE.
func ethernetPath(b testing.TB, name string, words ...string) *path {
	var ends [2]*lab.Namespace
	for i := range ends {
		ns, err := lab.NewNamespace()
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { ns.Close() })
		ends[i] = ns
	}
	if err := lab.Veth(lab.End{In: ends[0], Name: ethernet}, lab.End{In: ends[1], Name: ethernet}); err != nil {
		b.Fatal(err)
	}
	for i, ns := range ends {
		if err := ns.Address(ethernet, fmt.Sprintf("10.0.0.%d/24", i+1)); err != nil {
			b.Fatal(err)
		}
		if len(words) > 0 {
			ethtoolSet(words...)(&station{t: b, ns: ns}, nil)
		}
	}
	return &path{name: name, here: ends[0], from: ends[1], to: netip.MustParseAddr("10.0.0.2")}
}

// sessionPath is a session with a device of its own. With more than one session each has rates, and a
// source check of IPv4 and IPv6.
func sessionPath(b testing.TB, name string, sessions, mtu int, prepare ...func(*station, *Config)) *path {
	s := newNetwork(b, append(prepare, func(_ *station, cfg *Config) { cfg.Sessions = sessions })...)
	here, there := s.session(1, vlan.Stack{}, mtu)
	if sessions > 1 {
		here.limit(prefixesBehind(there))
		there.limit(prefixesBehind(here))
	}
	for _, e := range []*sessionEnd{here, there} {
		e.fillMaps(sessions - 1)
	}
	return &path{name: name, here: here.ns, from: there.ns, to: there.ipv4}
}

// unreached is a rate above what the machine does.
var unreached = datapath.Rate{Bits: 100_000_000_000}

func (t *sessionEnd) limit(from []netip.Prefix) {
	t.kernel.SetRates(unreached, unreached)
	check(t.t, t.kernel.SetSourceFilter(datapath.NewSourceFilter(from...)))
}

func prefixesBehind(t *sessionEnd) []netip.Prefix {
	return []netip.Prefix{netip.PrefixFrom(t.ipv4, 32), netip.PrefixFrom(t.ipv6, 112)}
}

// fillMaps adds sessions that carry nothing, on devices that do not exist.
func (t *sessionEnd) fillMaps(n int) {
	for i := range n {
		s := t.at.testSessionOf(t.t, &device{index: 1<<20 + i}, datapath.SessionConfig{Key: datapath.Key{SessionID: uint16(2 + i), Local: t.addr, Peer: addrs[0]}})
		s.SetRates(unreached, unreached)
		check(t.t, s.SetSourceFilter(datapath.NewSourceFilter(prefixesOf(3+i)...)))
		s.SetFamilies(true, true)
	}
}

// sharedPaths are one of a number of sessions on a shared device, from the peer and to it. Each has
// rates and prefixes of IPv4 and IPv6.
func sharedPaths(b testing.TB, name string, sessions int, prepare ...func(*station, *Config)) []*path {
	h := newHub(b, hubConfig{kind: datapath.KindGSO}, prepare...)
	h.fill(sessions)
	client := h.clients[0]
	h.open[0].SetRates(unreached, unreached)
	return []*path{
		{name: name + ", from the peer", here: client.ns, from: h.ns, to: h.ipv4},
		{name: name + ", to the peer", here: h.ns, from: client.ns, to: client.ipv4},
	}
}

// fill adds sessions that carry nothing, with rates, up to a number of sessions.
func (h *hub) fill(sessions int) {
	for i := range sessions - len(h.open) {
		s := h.add(h.paths[0], uint16(2+i), wire.Addr{2, 1, byte(i >> 8), byte(i)}, 3+i)
		s.SetRates(unreached, unreached)
	}
}

// stream measures TCP connections, in Gbit/s.
func (l *path) stream(b testing.TB, streams int, d time.Duration) float64 {
	var listener net.Listener
	if err := l.from.Do(func() (err error) {
		listener, err = net.Listen("tcp", netip.AddrPortFrom(l.to, 5001).String())
		return err
	}); err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	received := make(chan float64, streams)
	for range streams {
		go func() {
			c, err := listener.Accept()
			if err != nil {
				received <- 0
				return
			}
			defer c.Close()
			received <- sink(c, d)
		}()
		var c net.Conn
		if err := l.here.Do(func() (err error) {
			c, err = (&net.Dialer{Control: useCubic}).DialContext(context.Background(), "tcp", listener.Addr().String())
			return err
		}); err != nil {
			b.Fatal(l.name, err)
		}
		go func() {
			defer c.Close()
			for buf := make([]byte, 128<<10); ; {
				if _, err := c.Write(buf); err != nil {
					return
				}
			}
		}()
	}
	sum := 0.0
	for range streams {
		sum += <-received
	}
	return sum
}

// streamBeside measures TCP connections while beside runs.
func (l *path) streamBeside(b testing.TB, streams int) float64 {
	var stop atomic.Bool
	var running sync.WaitGroup
	if l.beside != nil {
		running.Go(func() { l.beside(&stop) })
	}
	defer running.Wait()
	defer stop.Store(true)
	return l.stream(b, streams, streamTime)
}

// useCubic has TCP send what its window allows: BBR would measure its own pacing.
func useCubic(_, _ string, raw syscall.RawConn) (err error) {
	if failed := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, "cubic")
	}); failed != nil {
		return failed
	}
	return err
}

// sink reads for a duration, after a quarter of it that is not measured.
func sink(c net.Conn, d time.Duration) float64 {
	buf := make([]byte, 128<<10)
	read := func(d time.Duration) (n int) {
		c.SetReadDeadline(time.Now().Add(d))
		for {
			k, err := c.Read(buf)
			n += k
			if err != nil {
				return n
			}
		}
	}
	read(d / 4)
	began := time.Now()
	n := read(d)
	return float64(n) * 8 / time.Since(began).Seconds() / 1e9
}

// ping measures the times of echo requests, sent one after the other, in microseconds.
func (l *path) ping(b testing.TB, n int) {
	out, err := l.here.Run("ping", "-n", "-i", "0.002", "-c", strconv.Itoa(n), l.to.String())
	if err != nil {
		b.Fatal(l.name, err, out)
	}
	for _, line := range strings.Split(out, "\n") {
		if _, after, ok := strings.Cut(line, "time="); ok {
			took, err := time.ParseDuration(strings.ReplaceAll(after, " ", ""))
			if err != nil {
				b.Fatal(err)
			}
			l.pings = append(l.pings, took)
		}
	}
}

func median[T float64 | time.Duration](values []T) T {
	s := slices.Sorted(slices.Values(values))
	return s[len(s)/2]
}

// BenchmarkRatios prints TCP throughput and ping times of all paths, as ratios to plain Ethernet
// without segmentation offload: medians of many turns. Each turn measures all paths one after the
// other, so that other load on the machine affects all of them. One iteration is one turn. If other
// load competes with the streams, the ratio of CPU time is more meaningful (without ksoftirqd's):
// go test -run none -bench Ratios -benchtime 25x
func BenchmarkRatios(b *testing.B) {
	for _, streams := range []int{1, 4} {
		b.Run(fmt.Sprintf("streams=%d", streams), func(b *testing.B) { ratios(b, streams) })
	}
}

// cpuSeconds is the CPU time of this process, with softirqs that run in its context.
func cpuSeconds(b *testing.B) float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// streamTime is how long a stream is measured.
const streamTime = 200 * time.Millisecond

func ratios(b *testing.B, streams int) {
	paths := []*path{
		ethernetPath(b, "plain", "tso", "off", "gso", "off"),
		ethernetPath(b, "plain, GRO", "tso", "off", "gso", "off", "gro", "on"),
		ethernetPath(b, "plain, TSO"),
		sessionPath(b, "TC", 1, 1492, ethtoolSet("tso", "off")),
		sessionPath(b, "TC, segmentation pair", 1, 1492),
		sessionPath(b, "TC, 10,000 sessions", 10000, 1492, ethtoolSet("tso", "off")),
		sessionPath(b, "exclusive", 1, 1492, withExclusive),
		sessionPath(b, "exclusive, 10,000 sessions", 10000, 1492, withExclusive),
	}
	paths[5].baseline, paths[7].baseline = paths[3], paths[6]
	measure(b, paths, streams)
}

// BenchmarkLimited compares one of 10,000 sessions, each with rates, a source check and IPv6, with a
// plain session alone: with devices of their own, and with a shared device. All have one MTU, because the
// length of the last segment of each write depends on it.
func BenchmarkLimited(b *testing.B) {
	for name, prepare := range map[string]func(*station, *Config){"TC": ethtoolSet("tso", "off"), "exclusive": withExclusive} {
		b.Run(name, func(b *testing.B) {
			paths := []*path{sessionPath(b, "one session", 1, hubMTU, prepare), sessionPath(b, "10,000 sessions", 10000, hubMTU, prepare)}
			paths = append(paths, sharedPaths(b, "10,000 shared", 10000, prepare)...)
			for _, l := range paths[1:] {
				l.baseline = paths[0]
			}
			measure(b, paths, 1)
		})
	}
}

// measure measures all paths in turns, and prints the table.
func measure(b *testing.B, paths []*path, streams int) {
	b.ResetTimer()
	for turn := range b.N {
		for i := range paths {
			l := paths[(turn+i)%len(paths)]
			before := cpuSeconds(b)
			rate := l.streamBeside(b, streams)
			l.rates = append(l.rates, rate)
			l.costs = append(l.costs, (cpuSeconds(b)-before)/rate)
			l.ping(b, 50)
		}
	}
	var table strings.Builder
	for _, l := range paths {
		wait := float64(median(l.pings)) / float64(median(paths[0].pings))
		fmt.Fprintf(&table, "%-38s %6.2f Gbit/s  %5.2f  by CPU time %5.2f  ping %8v %5.2f\n", l.name, median(l.rates), l.throughputRatio(paths[0]), l.costRatio(paths[0]), median(l.pings), wait)
		if l.baseline != nil {
			fmt.Fprintf(&table, "%-38s %6s         %5.2f                    %5.2f\n", "  of "+l.baseline.name, "", l.throughputRatio(l.baseline), l.costRatio(l.baseline))
		}
	}
	fmt.Print(table.String())
}

// costRatio is the median of the ratios of another path's CPU time per gigabit to this one's.
func (l *path) costRatio(than *path) float64 {
	var ratio []float64
	for i := range l.costs {
		ratio = append(ratio, than.costs[i]/l.costs[i])
	}
	return median(ratio)
}

// throughputRatio is the median of the ratios of this path's throughput to another's in the same
// turn.
func (l *path) throughputRatio(other *path) float64 {
	var all []float64
	for i, rate := range l.rates {
		all = append(all, rate/other.rates[i])
	}
	return median(all)
}
