package pppoe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"upppoe/internal/random"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// ScanConfig is where and how Scan asks. Zero fields stand for the defaults.
type ScanConfig struct {
	// Client is which concentrator is wanted. Our Host-Uniq is its HostUniq with four
	// octets behind it, which tell where and when was asked. Attempts is how often
	// each VLAN is asked on from which nobody has answered; default 2. Timeout is the
	// least time between two attempts, and how long answers may take after the last;
	// default 2 s.
	Client discovery.ClientConfig
	// VLANs are the tags to ask with; none: without.
	VLANs []vlan.Stack
	// Priority is the priority code point of our frames, 0 to 7.
	Priority uint8
	// Rate is how many PADIs are sent in a second; default 2000.
	Rate int
	// Interval, if set, has all begin anew so long after it began, again and again.
	Interval time.Duration
	// RoundDone is told that all VLANs have had their answers' time, each time round.
	RoundDone func(now time.Time)
}

// ScanResult is a concentrator's answer to a Scan. It may be a refusal: Tags.FindError
// tells.
type ScanResult struct {
	discovery.Offer
	VLAN        vlan.Stack    // the answer's tags
	RequestVLAN vlan.Stack    // the question's: others, where VLANs leak into each other
	Latency     time.Duration // since the question
}

// Scan asks on many VLANs which concentrators there are, and tells of each answer as it
// comes: of each address once on each VLAN, each time round. The port's frames must
// have their tags in them (afpacket.OpenTrunk), unless none are asked for. It returns
// when all are done, or the context ends, and closes the port. The error says that the
// port was lost, or names the field of cfg that is wrong.
func Scan(ctx context.Context, port datapath.Port, cfg ScanConfig, found func(ScanResult)) error {
	if err := cfg.check(found); err != nil {
		port.Close()
		return err
	}
	s := newScan(port, cfg, found)
	s.startRound(time.Now())
	return runSearch(ctx, port, s)
}

// check names the first field that is wrong.
func (c *ScanConfig) check(found func(ScanResult)) error {
	if found == nil {
		return errors.New("pppoe: Scan needs a function that is told of each answer")
	}
	if c.Priority > 7 {
		return fmt.Errorf("pppoe: ScanConfig.Priority is %d: give 0 to 7", c.Priority)
	}
	host := c.Client
	host.HostUniq = numbered(host.HostUniq, 0)
	return host.Check("ScanConfig.Host")
}

// numbered is a Host-Uniq that says to which question it belongs.
func numbered(uniq []byte, number uint32) []byte {
	return binary.BigEndian.AppendUint32(append([]byte(nil), uniq...), number)
}

// scan asks question after question: one for each VLAN, and that for each attempt.
type scan struct {
	port   datapath.Port
	cfg    ScanConfig
	report func(ScanResult)

	hostUniq     []byte      // this time round: what our Host-Uniq begins with
	sentAt       []time.Time // by question; zero: not yet
	answered     []bool      // by VLAN
	seen         sightings
	roundStart   time.Time // this time round
	attempt      int
	attemptStart time.Time // when this attempt began
	next         int       // VLAN to ask on; beyond the last: answers are waited for
	lastSent     time.Time // when a question was last sent
	deadline     time.Time
}

var _ searcher = (*scan)(nil)

// batchInterval is how often a bunch of PADIs is sent.
const batchInterval = 20 * time.Millisecond

// maxScanResults bounds what is told of, each time round.
const maxScanResults = 1 << 16

func newScan(port datapath.Port, cfg ScanConfig, found func(ScanResult)) *scan {
	if len(cfg.VLANs) == 0 {
		cfg.VLANs = []vlan.Stack{{}}
	}
	if cfg.Client.Timeout <= 0 {
		cfg.Client.Timeout = 2 * time.Second
	}
	if cfg.Client.Attempts <= 0 {
		cfg.Client.Attempts = 2
	}
	if cfg.Rate <= 0 {
		cfg.Rate = 2000
	}
	if cfg.RoundDone == nil {
		cfg.RoundDone = func(time.Time) {}
	}
	return &scan{port: port, cfg: cfg, report: found}
}

// startRound starts a new round.
func (s *scan) startRound(now time.Time) {
	s.hostUniq = s.cfg.Client.HostUniq
	if s.hostUniq == nil {
		s.hostUniq = random.Fill(s.cfg.Client.Rand, make([]byte, 8))
	}
	s.sentAt = make([]time.Time, len(s.cfg.VLANs)*s.cfg.Client.Attempts)
	s.answered = make([]bool, len(s.cfg.VLANs))
	s.seen = make(sightings)
	s.roundStart, s.attempt, s.attemptStart, s.next, s.lastSent, s.deadline = now, 0, now, 0, now, now
}

func (s *scan) advance(now time.Time) (next time.Time, more bool) {
	if now.Before(s.deadline) {
		return s.deadline, true
	}
	switch {
	case s.next < len(s.cfg.VLANs):
		s.sendBatch(now)
	case s.roundStart.IsZero(): // all was done, and it is time to begin anew
		s.startRound(now)
	case s.attempt+1 < s.cfg.Client.Attempts && s.anyUnanswered():
		s.attempt, s.attemptStart, s.next = s.attempt+1, now, 0
	case now.Before(s.lastSent.Add(s.cfg.Client.Timeout)):
		s.deadline = s.lastSent.Add(s.cfg.Client.Timeout)
	default:
		more = s.endRound(now)
		return s.deadline, more
	}
	return s.deadline, true
}

// endRound ends a round. It says no if that was all.
func (s *scan) endRound(now time.Time) bool {
	s.cfg.RoundDone(now)
	s.deadline = s.roundStart.Add(s.cfg.Interval)
	s.roundStart = time.Time{}
	return s.cfg.Interval > 0
}

func (s *scan) anyUnanswered() bool {
	for _, a := range s.answered {
		if !a {
			return true
		}
	}
	return false
}

// sendBatch sends the next bunch of PADIs.
func (s *scan) sendBatch(now time.Time) {
	bunch := max(1, int(int64(s.cfg.Rate)*int64(batchInterval)/int64(time.Second)))
	var frames [][]byte
	for ; s.next < len(s.cfg.VLANs) && len(frames) < bunch; s.next++ {
		if !s.answered[s.next] {
			frames = append(frames, s.nextPADI(now))
		}
	}
	if len(frames) > 0 {
		s.port.WriteBatch(frames) // what is lost is repeated
		s.lastSent = now
	}
	s.deadline = now.Add(time.Duration(len(frames)) * time.Second / time.Duration(s.cfg.Rate))
	if s.next == len(s.cfg.VLANs) { // the next attempt has its distance to this one
		s.deadline = latest(s.deadline, s.attemptStart.Add(s.cfg.Client.Timeout))
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// nextPADI is the PADI for the next VLAN.
func (s *scan) nextPADI(now time.Time) []byte {
	number := s.attempt*len(s.cfg.VLANs) + s.next
	s.sentAt[number] = now
	var q wire.Queue
	s.client(uint32(number)).Start(now, &q)
	return s.cfg.VLANs[s.next].Insert(q.All()[0].AppendTo(nil), s.cfg.Priority)
}

// client is the discovery that one question belongs to.
func (s *scan) client(number uint32) *discovery.Client {
	cfg := s.cfg.Client
	cfg.HostUniq = numbered(s.hostUniq, number)
	return discovery.NewClient(s.port.Addr(), cfg)
}

// receive takes an answer.
func (s *scan) receive(now time.Time, frame []byte) {
	tags, frame, ok := vlan.Strip(frame)
	if !ok {
		return
	}
	f, err := wire.ParseDiscoveryFrame(frame)
	if err != nil {
		return
	}
	number, ok := s.requestNumber(f)
	if !ok || s.client(number).CheckPADO(f) != nil {
		return
	}
	asked := int(number) % len(s.cfg.VLANs)
	s.answered[asked] = true
	if !s.seen.add(seenKey{tags, f.Src}, maxScanResults) {
		return
	}
	s.report(ScanResult{
		Offer: discovery.Offer{AC: f.Src, Tags: append(wire.Tags(nil), f.Tags...)},
		VLAN:  tags, RequestVLAN: s.cfg.VLANs[asked], Latency: now.Sub(s.sentAt[number]),
	})
}

// requestNumber is that of the question to which a packet is an answer.
func (s *scan) requestNumber(f wire.DiscoveryFrame) (number uint32, ok bool) {
	if f.Code != wire.PADO || f.Dst != s.port.Addr() || !f.Src.IsUnicast() {
		return 0, false
	}
	uniq, _ := f.Tags.Find(wire.TagHostUniq)
	if len(uniq) != len(s.hostUniq)+4 {
		return 0, false
	}
	number = binary.BigEndian.Uint32(uniq[len(s.hostUniq):])
	return number, int64(number) < int64(len(s.sentAt)) && !s.sentAt[number].IsZero()
}
