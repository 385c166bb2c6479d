package ebpf

import (
	"bufio"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/test/lab"
)

// survival is a network of a client, and of a server whose process is killed.
type survival struct {
	survivor
	t      *testing.T
	server *sessionEnd // without a process
	client *sessionEnd
}

func newSurvival(t *testing.T, s survivor) *survival {
	t.Helper()
	roottest.Need(t, "ip")
	if !haveTCX(t) {
		roottest.SkipMissing(t, "this kernel has no TCX (Linux 6.6): nothing is pinned")
	}
	s.Pin = filepath.Join(bpfMount(t), "test")
	v := &survival{survivor: s, t: t, server: &sessionEnd{station: newStation(t), ipv4: netip.MustParseAddr("10.255.0.1"), ipv6: netip.MustParseAddr("fd00:255::1")}}
	client := newStation(t)
	client.addr = addrs[0]
	check(t, lab.Veth(lab.End{In: client.ns, Name: ethernet, MAC: addrs[0].String()}, lab.End{In: v.server.ns, Name: ethernet, MAC: addrs[1].String()}))
	client.start(nil)
	v.client = client.openSession(1, s.Tags, addrs[1], hubMTU, [2]byte{1, 1})
	for _, to := range []string{"10.0.0.0/8", "fd00:255::/32"} {
		sh(t, client.ns, "ip", "route", "add", to, "dev", v.client.device.Name())
	}
	return v
}

// bpfMount mounts a BPF file system.
func bpfMount(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	check(t, unix.Mount("bpf", dir, "bpf", 0, ""))
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// start starts the process of the server, until the function that it returns kills it.
func (v *survival) start() (r report, kill func()) {
	v.t.Helper()
	cmd := exec.Command(os.Args[0])
	config, err := json.Marshal(v.survivor)
	check(v.t, err)
	cmd.Env = append(os.Environ(), childSurvivor+"="+string(config))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(v.t, err)
	check(v.t, v.server.ns.Start(cmd))
	kill = sync.OnceFunc(func() { cmd.Process.Kill(); cmd.Wait() })
	v.t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	check(v.t, err)
	check(v.t, json.Unmarshal(line, &r))
	return r, kill
}

// configure configures the server's device, which stays.
func (v *survival) configure() {
	v.t.Helper()
	for _, words := range [][]string{
		{"link", "set", survivorDevice, "up", "mtu", "1492"},
		{"address", "add", v.server.ipv4.String() + "/32", "dev", survivorDevice}, {"address", "add", v.server.ipv6.String() + "/128", "dev", survivorDevice, "nodad"},
		{"route", "add", "10.0.0.0/8", "dev", survivorDevice}, {"route", "add", "fd00::/32", "dev", survivorDevice},
	} {
		sh(v.t, v.server.ns, "ip", words...)
	}
	v.server.do(v.server.awaitLocalRoute)
}

// TestSurvivesKill: while the process is killed and another adopts its session, no packet is lost or
// received twice; sources are checked, and counters go on.
func TestSurvivesKill(t *testing.T) {
	for name, s := range map[string]survivor{
		"shared": {Shared: true, Extra: 3}, "shared, VLAN, XDP": {Shared: true, Tags: vlan.Stack{tag7}, Exclusive: true},
		"own device, rates": {Rate: 1_000_000_000}, "own device, QinQ": {Tags: vlan.Stack{tag8, tag7}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newSurvival(t, s)
			first, kill := v.start()
			if !first.Pinned {
				t.Fatal("nothing is pinned")
			}
			v.configure()
			var stop atomic.Bool
			defer stop.Store(true)
			var running sync.WaitGroup
			all := []*echoes{newEchoes(v.client, v.server, v.server.ipv4), newEchoes(v.client, v.server, v.server.ipv6)}
			for _, e := range all {
				running.Go(func() { e.run(&stop) })
			}
			// In each stretch of time both families have packets.
			const each = 200
			more := func() {
				for _, e := range all {
					e.awaitMore(t, each)
				}
			}
			more()
			kill()
			more()
			for _, spoofed := range []string{"10.0.2.1", "fd00::2:0:1"} {
				v.pingSpoofed(spoofed)
			}
			more()
			second, kill := v.start()
			defer kill()
			more()
			stop.Store(true)
			running.Wait()
			for i, e := range all {
				if e.lost > 0 || e.repeated > 0 {
					t.Errorf("family %d: %+v", i, e.echoesCount)
				}
			}
			if least := uint64(3 * each * len(all)); second.Swept != 0 || second.Slot != first.Slot || second.Before.ReceivedPackets < least || second.Before.SentPackets < least {
				t.Errorf("first %+v, second %+v", first, second)
			}
			if second.Before.Spoofed != 2 {
				t.Errorf("%d spoofed packets were dropped, want 2", second.Before.Spoofed)
			}
		})
	}
}

// pingSpoofed sends a packet of the client from an address that is not its own.
func (v *survival) pingSpoofed(from string) {
	v.t.Helper()
	to := v.server.ipv4
	if netip.MustParseAddr(from).Is6() {
		to = v.server.ipv6
	}
	sh(v.t, v.client.ns, "ip", "address", "add", from, "dev", "lo", "nodad")
	if out, err := v.client.ns.Run("ping", "-c1", "-W0.2", "-I", from, to.String()); err == nil {
		v.t.Errorf("from %s: answered: %s", from, out)
	}
}

// TestRatesSurviveKill: tokens are taken while no process runs, and the next one finds the bucket as it was.
func TestRatesSurviveKill(t *testing.T) {
	t.Parallel()
	const sent, passing, size = 60, 15, 1001 // the smallest bucket has 15,000 octets
	v := newSurvival(t, survivor{Shared: true, Rate: 1})
	_, kill := v.start()
	v.configure()
	kill()
	if n := v.burst(sent, size, passing); n != passing {
		t.Errorf("of %d packets %d passed while no process ran, want %d", sent, n, passing)
	}
	second, kill := v.start()
	defer kill()
	if n := v.burst(sent, size, 0); n != 0 || second.Before.Exceeded != sent-passing || second.Before.ReceivedPackets != passing {
		t.Errorf("%d passed in the next process, which found %+v", n, second.Before)
	}
}

// burst sends packets of a length at once, and returns how many arrive. It waits for those that are to, and a moment
// for others.
func (v *survival) burst(n, size, want int) (passed int) {
	v.t.Helper()
	server, client := v.client.udpPair(v.server, v.server.ipv4)
	defer server.Close()
	defer client.Close()
	for range n {
		_, err := client.Write(make([]byte, size-28))
		check(v.t, err)
	}
	server.SetReadDeadline(time.Now().Add(10 * time.Second))
	for ; ; passed++ {
		if passed == want {
			server.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		}
		if _, err := server.Read(make([]byte, size)); err != nil {
			return passed
		}
	}
}

// TestPairsSurviveKill: GSO packets are segmented, and received ones coalesced, while no process runs; the
// next one goes on with the device pairs, and a clean start removes them.
func TestPairsSurviveKill(t *testing.T) {
	t.Parallel()
	v := newSurvival(t, survivor{Shared: true, Pairs: true})
	first, kill := v.start()
	v.configure()
	server, client := v.connect()
	transfer := func(what string) {
		t.Helper()
		for _, c := range [][2]net.Conn{{server, client}, {client, server}} {
			if err := stream(c[0], c[1], 8<<20); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
	transfer("with the first process")
	kill()
	transfer("without a process")
	second, kill := v.start()
	if first.Pairs != second.Pairs || first.Pairs[0] == 0 || first.Pairs[1] == 0 {
		t.Errorf("pairs %v, then %v", first.Pairs, second.Pairs)
	}
	transfer("with the second process")
	kill()
	v.Clean, v.Pairs = true, false
	third, kill := v.start()
	defer kill()
	if n := v.server.interfaces(); n != 3 || third.Before != (datapath.Counters{}) { // lo, eth0, pppoe0
		t.Errorf("after a clean start there are %d interfaces; it found %+v", n, third.Before)
	}
}

// connect opens a TCP connection: its SYN needs a process.
func (v *survival) connect() (server, client net.Conn) {
	v.t.Helper()
	var l net.Listener
	v.server.do(func() (err error) {
		l, err = net.Listen("tcp", netip.AddrPortFrom(v.server.ipv4, 0).String())
		return err
	})
	defer l.Close()
	v.client.do(func() (err error) {
		client, err = net.DialTimeout("tcp", l.Addr().String(), 5*time.Second)
		return err
	})
	server, err := l.Accept()
	check(v.t, err)
	v.t.Cleanup(func() { server.Close(); client.Close() })
	return server, client
}

// stream sends octets and reads them.
func stream(from io.Writer, to net.Conn, n int) error {
	sent := make(chan error, 1)
	go func() {
		_, err := from.Write(make([]byte, n))
		sent <- err
	}()
	to.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.CopyN(io.Discard, to, int64(n)); err != nil {
		return err
	}
	return <-sent
}

// TestKilledAtRandom: a process is killed while it adds and removes sessions. The next one finds those that
// stay, and removes the others with all that belongs to them.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	const stay = 20
	v := newSurvival(t, survivor{Shared: true, Extra: stay - 1, Churn: true})
	swept := 0
	for i := range 12 {
		r, kill := v.start()
		if r.Keys != stay || r.Prefixes != 2*stay || r.InUse != stay || i > 0 && r.Swept > 60 {
			t.Errorf("process %d: %+v", i, r)
		}
		swept += r.Swept
		time.Sleep(time.Duration(rand.IntN(20_000)) * time.Microsecond)
		kill()
	}
	if swept == 0 {
		t.Error("nothing had to be removed: nothing is tested")
	}
}

// TestAdoptsMany: 20,000 sessions are adopted in little processor time, and all but one of them removed by the next
// process.
func TestAdoptsMany(t *testing.T) {
	t.Parallel()
	v := newSurvival(t, survivor{Shared: true, Extra: 19_999})
	first, kill := v.start()
	kill()
	second, kill := v.start()
	kill()
	t.Logf("processor time: added in %v, adopted in %v", first.Took, second.Took)
	if second.Swept != 0 || second.Keys != 20_000 || second.Took > 5*time.Second {
		t.Errorf("%+v", second)
	}
	v.Extra = 0
	third, kill := v.start()
	defer kill()
	if third.Swept != 19_999 || third.Keys != 1 || third.Prefixes != 2 || third.InUse != 1 {
		t.Errorf("one session is left: %+v", third)
	}
}
