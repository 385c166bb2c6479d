package ebpf

import (
	"bufio"
	"encoding/json"
	"fmt"
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
	"upppoe/tun"
)

// survivor is what the child process of a test is to do: it opens the engine and sessions of a client,
// and adopts what an earlier one has left. It goes on until it is killed.
type survivor struct {
	Pin    string
	Shared bool
	Tags   vlan.Stack
	Rate   uint64
	Extra  int  // further sessions without traffic
	Churn  bool // sessions are added and removed all the time

	device *datapath.SharedDevice
}

const childSurvivor = "UPPPOE_EBPF_SURVIVOR"

const survivorDevice = "pppoe0"

// report is what the child says when its sessions are there.
type report struct {
	Pinned bool
	Swept  int
	Before datapath.Counters // of the session, as Add found it
	Took   time.Duration     // for all sessions
	Slot   uint32
}

// runSurvivor is the child process.
func runSurvivor() error {
	var s survivor
	if err := json.Unmarshal([]byte(os.Getenv(childSurvivor)), &s); err != nil {
		return err
	}
	e, err := Open(Config{Sessions: 20_100, Pin: s.Pin, Notify: func(text string) { fmt.Fprintln(os.Stderr, text) }})
	if err != nil {
		return err
	}
	device, err := tun.OpenGSO(tun.Config{Name: survivorDevice, Queues: 2, Owner: "test"})
	if err != nil {
		return err
	}
	at, err := e.Attach(ethernet)
	if err != nil {
		return err
	}
	link := at.Link(s.Tags, 0)
	if s.Shared {
		s.device = datapath.NewSharedDevice(datapath.SharedConfig{Device: device})
	}
	began := time.Now()
	r := report{Pinned: e.IsPinned()}
	open, err := s.add(link, device, 1)
	if err != nil {
		return err
	}
	r.Before, r.Slot = open.Counters(), open.(*session).slot
	for i := range s.Extra {
		if _, err := s.add(link, device, uint16(2+i)); err != nil {
			return err
		}
	}
	r.Took, r.Swept = time.Since(began), e.Sweep()
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		return err
	}
	var churned [50]datapath.OffloadSession
	for i := 0; s.Churn; i++ {
		at := &churned[i%len(churned)]
		if *at != nil {
			(*at).Remove()
		}
		if *at, err = s.add(link, device, uint16(1000+i%500)); err != nil {
			return err
		}
	}
	select {}
}

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

// TestSurvivesKill: while the process is killed and another adopts its session, no packet is lost; sources
// are checked, and counters go on.
func TestSurvivesKill(t *testing.T) {
	for name, s := range map[string]survivor{
		"shared": {Shared: true, Extra: 3}, "shared, VLAN": {Shared: true, Tags: vlan.Stack{tag7}}, "own device": {}, "own device, QinQ": {Tags: vlan.Stack{tag8, tag7}},
	} {
		t.Run(name, func(t *testing.T) {
			v := newSurvival(t, s)
			first, kill := v.start()
			if !first.Pinned {
				t.Fatal("nothing is pinned")
			}
			v.configure()
			var stop atomic.Bool
			var running sync.WaitGroup
			all := []*echoes{newEchoes(v.client, v.server, v.server.ipv4), newEchoes(v.client, v.server, v.server.ipv6)}
			for _, e := range all {
				running.Go(func() { e.run(&stop) })
			}
			time.Sleep(200 * time.Millisecond)
			kill()
			time.Sleep(200 * time.Millisecond)
			for _, spoofed := range []string{"10.0.2.1", "fd00::2:0:1"} {
				v.pingSpoofed(spoofed)
			}
			second, kill := v.start()
			defer kill()
			time.Sleep(200 * time.Millisecond)
			stop.Store(true)
			running.Wait()
			for i, e := range all {
				if e.lost > 0 || e.answered < 500 {
					t.Errorf("family %d: %+v", i, e.echoesCount)
				}
			}
			t.Logf("%d packets before the second process, which took %v", second.Before.ReceivedPackets, second.Took)
			if second.Swept != 0 || second.Slot != first.Slot || second.Before.ReceivedPackets < 500 || second.Before.SentPackets < 500 {
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
	sh(v.t, v.client.ns, "ip", "address", "add", from, "dev", "lo")
	if out, err := v.client.ns.Run("ping", "-c1", "-W0.2", "-I", from, to.String()); err == nil {
		v.t.Errorf("from %s: answered: %s", from, out)
	}
}

// survivorPrefixes returns the addresses of a session: those of a test's client for the first.
func survivorPrefixes(id int) []netip.Prefix {
	return []netip.Prefix{
		netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(id >> 8), byte(id), 1}), 32),
		netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfd, 12: byte(id >> 8), 13: byte(id), 15: 1}), 128),
	}
}

// add adds a session of a number, as package datapath does.
func (s *survivor) add(l *Link, device tun.Device, id uint16) (datapath.OffloadSession, error) {
	c := sessionConfig(id, addrs[1], addrs[0], device)
	if s.Shared {
		c.Device, c.Shared = nil, s.device
	}
	added, err := l.Add(c)
	if err != nil {
		return nil, err
	}
	rate := datapath.Rate{Bits: s.Rate}
	added.SetRates(rate, rate)
	behind := survivorPrefixes(int(id))
	if s.Shared {
		err = added.SetPrefixes(behind)
	} else {
		err = added.SetSourceFilter(datapath.NewSourceFilter(behind...))
	}
	added.SetMTU(1480)
	added.SetFamilies(true, true)
	return added, err
}
