package ebpf

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// survivor is what the child process of a test is to do: it opens the engine and sessions of a client,
// and adopts what an earlier one has left. It goes on until it is killed.
type survivor struct {
	Pin       string
	Clean     bool
	Shared    bool
	Exclusive bool
	Tags      vlan.Stack
	Rate      uint64 // bits per second, in either direction; 0: no limit
	Extra     int    // further sessions without traffic
	Churn     bool   // others are added and removed all the time
	Pairs     bool   // device pairs are created

	device *datapath.SharedDevice
}

const childSurvivor = "UPPPOE_EBPF_SURVIVOR"

const survivorDevice = "pppoe0"

// report is what the child says when its sessions are there.
type report struct {
	Pinned   bool
	Before   datapath.Counters // of the first session, as Add found it
	Slot     uint32            // of that
	Took     time.Duration     // processor time to open all and add the sessions
	Swept    int               // sessions that nobody has added
	Keys     int               // in the map of received frames, after that
	Prefixes int               // of both families
	InUse    int               // slots
	Pairs    [2]int            // indexes of the device pairs
}

// runSurvivor is the child process.
func runSurvivor() error {
	var s survivor
	if err := json.Unmarshal([]byte(os.Getenv(childSurvivor)), &s); err != nil {
		return err
	}
	e, err := Open(Config{Sessions: 20_100, Pin: s.Pin, Clean: s.Clean, Exclusive: s.Exclusive, Notify: func(text string) { fmt.Fprintln(os.Stderr, text) }})
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
	if s.Shared {
		s.device = datapath.NewSharedDevice(datapath.SharedConfig{Device: device})
	}
	path, err := s.path(at)
	if err != nil {
		return err
	}
	if err := s.addAll(path, device); err != nil {
		return err
	}
	first := at.await(1 + s.Extra)
	took, err := processorTime()
	if err != nil {
		return err
	}
	r := report{Pinned: e.IsPinned(), Before: first.Counters(), Slot: first.slot, Took: took, Swept: e.Sweep()}
	if err := s.createPairs(e, at); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(r.of(e, at)); err != nil {
		return err
	}
	return s.churn(path, device)
}

// processorTime returns how long the process has run on all processors: on a busy machine it lasts longer.
func processorTime() (time.Duration, error) {
	var used unix.Rusage
	err := unix.Getrusage(unix.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()), err
}

// path starts user space.
func (s *survivor) path(at *Interface) (datapath.Path, error) {
	link := at.Link(s.Tags, 0)
	port, err := afpacket.Open(afpacket.Attachment{Interface: ethernet, VLAN: s.Tags}, wire.EtherTypeSession)
	if err != nil {
		return nil, err
	}
	if err := link.FilterSessions(port); err != nil {
		return nil, err
	}
	userSpace := datapath.New(datapath.KindGSO, []datapath.Port{port}, func([]byte) {}, func(datapath.SessionConfig) {})
	go userSpace.Receive(0)
	return datapath.NewOffloaded(userSpace, link, func(_ datapath.SessionConfig, why error) {
		if why != nil {
			fmt.Fprintln(os.Stderr, why)
		}
	}), nil
}

// addAll adds all sessions.
func (s *survivor) addAll(path datapath.Path, device tun.Device) error {
	for i := range 1 + s.Extra {
		if _, err := s.add(path, device, uint16(1+i)); err != nil {
			return err
		}
	}
	return nil
}

// await waits until the kernel has a number of sessions, which takes time if they have devices of their own,
// and returns the first.
func (i *Interface) await(n int) *session {
	for {
		i.engine.mu.Lock()
		have, first := i.sessions.Len(), i.sessions.Get(ambiguousKey{addrs[0], 1})
		i.engine.mu.Unlock()
		if have == n {
			return first
		}
		time.Sleep(time.Millisecond)
	}
}

// createPairs creates the device pairs that there are not.
func (s *survivor) createPairs(e *Engine, at *Interface) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range at.pairs() {
		if !s.Pairs || l.index != 0 {
			continue
		}
		if err := l.create(at); err != nil {
			return err
		}
	}
	return nil
}

// of adds to the report what there is.
func (r report) of(e *Engine, at *Interface) report {
	r.Keys, r.InUse = sizeOf(at.received), e.slots.inUse
	r.Prefixes = sizeOf(e.maps.prefixes4) + sizeOf(e.maps.prefixes6)
	for i, l := range at.pairs() {
		r.Pairs[i] = l.index
	}
	return r
}

// sizeOf returns the number of entries of a map.
func sizeOf(m *ebpf.Map) (n int) {
	key, value := make([]byte, m.KeySize()), make([]byte, m.ValueSize())
	for all := m.Iterate(); all.Next(&key, &value); {
		n++
	}
	return n
}

// churn adds and removes sessions, or does nothing, until the process is killed.
func (s *survivor) churn(path datapath.Path, device tun.Device) (err error) {
	var open [50]datapath.Session
	for i := 0; s.Churn; i++ {
		at := &open[i%len(open)]
		if *at != nil {
			(*at).Remove()
		}
		if *at, err = s.add(path, device, uint16(20_000+i%500)); err != nil {
			return err
		}
	}
	select {}
}

// survivorPrefixes returns the addresses of a session: those of a test's client for the first.
func survivorPrefixes(id int) []netip.Prefix {
	return []netip.Prefix{
		netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(id >> 8), byte(id), 1}), 32),
		netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfd, 12: byte(id >> 8), 13: byte(id), 15: 1}), 128),
	}
}

// add adds a session of a number.
func (s *survivor) add(path datapath.Path, device tun.Device, id uint16) (datapath.Session, error) {
	c := sessionConfig(id, addrs[1], addrs[0], device)
	if s.Shared {
		c.Device, c.Shared = nil, s.device
	}
	added, err := path.Add(c)
	if err != nil {
		return nil, err
	}
	rate := datapath.Rate{Bits: s.Rate}
	added.SetRates(rate, rate)
	behind := survivorPrefixes(int(id))
	if s.Shared {
		err = added.SetPrefixes(behind)
	} else {
		added.SetSourceFilter(datapath.NewSourceFilter(behind...))
	}
	added.SetMTU(1480)
	added.SetFamilies(true, true)
	return added, err
}
