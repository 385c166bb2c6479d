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

// ScanConfig configures Scan. A zero field selects the default.
type ScanConfig struct {
	// Client selects concentrators. Four octets are appended to its HostUniq, which identify the
	// request. Attempts is how often a VLAN without an answer is tried; default 2, and up to eight
	// more times as long as a further attempt is answered in VLANs where the ones before were not:
	// packets were lost, as by a concentrator that is busy. Timeout is the minimum time between two
	// attempts, and how long to wait after the last PADI and after the last VLAN that was answered;
	// default 2 s.
	Client discovery.ClientConfig
	// VLANs are the tag stacks to send with; none: untagged only.
	VLANs []vlan.Stack
	// Priority is the 802.1Q priority code point of the PADIs, 0 to 7.
	Priority uint8
	// Rate is how many PADIs are sent per second; default 2000.
	Rate int
	// Interval, if set, is the time from the start of one round to the start of the next; zero: one
	// round.
	Interval time.Duration
	// RoundDone is called at the end of each round; nil: not.
	RoundDone func(now time.Time)
}

// ScanResult is a concentrator's answer to a Scan. It may be a rejection: see Tags.FindError.
type ScanResult struct {
	discovery.Offer
	VLAN        vlan.Stack    // the answer's tags
	RequestVLAN vlan.Stack    // the PADI's tags, which differ where VLANs leak into each other
	Latency     time.Duration // since the PADI was sent
}

// Scan sends PADIs on many VLANs and calls found with each answer: once per round for each
// concentrator on each VLAN. The frames of the port must contain their tags (afpacket.OpenTrunk),
// unless VLANs is empty. It returns when all rounds are done, or the context ends, and closes the
// port. The error is that of a lost port, or names the field of cfg that is wrong. found is called
// by one goroutine at a time.
func Scan(ctx context.Context, port datapath.Port, cfg ScanConfig, found func(ScanResult)) error {
	if err := cfg.check(found); err != nil {
		port.Close()
		return err
	}
	s := newScan(port, cfg, found)
	s.startRound(time.Now())
	return runSearch(ctx, port, s)
}

// check returns an error that names the first field that is wrong.
func (c *ScanConfig) check(found func(ScanResult)) error {
	if found == nil {
		return errors.New("pppoe: Scan needs a function to call with each answer")
	}
	if c.Priority > 7 {
		return fmt.Errorf("pppoe: ScanConfig.Priority is %d: give 0 to 7", c.Priority)
	}
	client := c.Client
	client.HostUniq = hostUniqFor(client.HostUniq, 0)
	return client.Check("ScanConfig.Client")
}

// hostUniqFor returns the Host-Uniq of a request: a prefix and the request's number.
func hostUniqFor(uniq []byte, number uint32) []byte {
	return binary.BigEndian.AppendUint32(append([]byte(nil), uniq...), number)
}

// scan sends requests: for each attempt one PADI per VLAN without an answer. A request's number is
// attempt times the number of VLANs plus the VLAN's index.
type scan struct {
	port   datapath.Port
	cfg    ScanConfig
	report func(ScanResult)
	// further is how many attempts may follow the configured ones.
	further int

	hostUniq     []byte      // of this round: the prefix of our Host-Uniq
	sentAt       []time.Time // by request; zero: not sent
	answered     []bool      // by VLAN
	seen         seenSet
	lastAnswer   time.Time // when a VLAN was last answered for the first time; zero: none
	progress     bool      // this attempt was answered in a VLAN where the ones before were not
	roundStart   time.Time // zero: between two rounds
	attempt      int
	attemptStart time.Time // when this attempt began
	next         int       // index of the next VLAN; beyond the last: waits for answers
	lastSent     time.Time // when a PADI was last sent
	deadline     time.Time
}

var _ searcher = (*scan)(nil)

// batchInterval is how often a batch of PADIs is sent.
const batchInterval = 20 * time.Millisecond

// answerPause is how long no further VLAN is answered until the others are asked again: a
// concentrator that is still busy with the last attempt would lose requests of the next as well.
const answerPause = 200 * time.Millisecond

// maxFurtherAttempts bounds what a forger can add to a scan.
const maxFurtherAttempts = 8

// maxScanResults is how many answers are reported per round.
const maxScanResults = 1 << 16

func newScan(port datapath.Port, cfg ScanConfig, found func(ScanResult)) *scan {
	if len(cfg.VLANs) == 0 {
		cfg.VLANs = []vlan.Stack{{}}
	}
	if cfg.Client.Timeout <= 0 {
		cfg.Client.Timeout = 2 * time.Second
	}
	further := 0
	if cfg.Client.Attempts <= 0 {
		cfg.Client.Attempts, further = 2, maxFurtherAttempts
	}
	if cfg.Rate <= 0 {
		cfg.Rate = 2000
	}
	if cfg.RoundDone == nil {
		cfg.RoundDone = func(time.Time) {}
	}
	return &scan{port: port, cfg: cfg, report: found, further: further}
}

// startRound starts a new round.
func (s *scan) startRound(now time.Time) {
	s.hostUniq = s.cfg.Client.HostUniq
	if s.hostUniq == nil {
		s.hostUniq = random.Fill(s.cfg.Client.Rand, make([]byte, 8))
	}
	s.sentAt = make([]time.Time, len(s.cfg.VLANs))
	s.answered = make([]bool, len(s.cfg.VLANs))
	s.seen = make(seenSet)
	s.lastAnswer, s.progress = time.Time{}, false
	s.roundStart, s.attempt, s.attemptStart, s.next, s.lastSent, s.deadline = now, 0, now, 0, now, now
}

// startAttempt asks again in the VLANs without an answer.
func (s *scan) startAttempt(now time.Time) {
	s.attempt, s.attemptStart, s.next, s.progress, s.deadline = s.attempt+1, now, 0, false, now
	s.sentAt = append(s.sentAt, make([]time.Time, len(s.cfg.VLANs))...)
}

func (s *scan) advance(now time.Time) (next time.Time, more bool) {
	if now.Before(s.deadline) {
		return s.deadline, true
	}
	switch {
	case s.next < len(s.cfg.VLANs):
		s.sendBatch(now)
	case s.roundStart.IsZero(): // between two rounds
		s.startRound(now)
	case s.attempt+1 < s.cfg.Client.Attempts && s.anyUnanswered():
		if pause := s.lastAnswer.Add(answerPause); now.Before(pause) {
			s.deadline = pause
		} else {
			s.startAttempt(now)
		}
	case now.Before(s.waitsUntil()):
		s.deadline = s.waitsUntil()
	case s.attempt+1 < s.cfg.Client.Attempts+s.further && s.progress && s.anyUnanswered():
		s.startAttempt(now)
	default:
		more = s.endRound(now)
		return s.deadline, more
	}
	return s.deadline, true
}

// waitsUntil returns how long answers are waited for.
func (s *scan) waitsUntil() time.Time {
	return latest(s.lastSent, s.lastAnswer).Add(s.cfg.Client.Timeout)
}

// endRound ends a round. It reports whether another follows.
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

// sendBatch sends the next batch of PADIs.
func (s *scan) sendBatch(now time.Time) {
	batch := max(1, int(int64(s.cfg.Rate)*int64(batchInterval)/int64(time.Second)))
	var frames [][]byte
	for ; s.next < len(s.cfg.VLANs) && len(frames) < batch; s.next++ {
		if !s.answered[s.next] {
			frames = append(frames, s.nextPADI(now))
		}
	}
	if len(frames) > 0 {
		s.port.WriteBatch(frames) // lost packets are repeated
		s.lastSent = now
	}
	s.deadline = now.Add(time.Duration(len(frames)) * time.Second / time.Duration(s.cfg.Rate))
	if s.next == len(s.cfg.VLANs) { // the next attempt comes Timeout after the start of this one
		s.deadline = latest(s.deadline, s.attemptStart.Add(s.cfg.Client.Timeout))
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// nextPADI returns the PADI for the next VLAN.
func (s *scan) nextPADI(now time.Time) []byte {
	number := s.attempt*len(s.cfg.VLANs) + s.next
	s.sentAt[number] = now
	var q wire.Queue
	s.client(uint32(number)).Start(now, &q)
	return s.cfg.VLANs[s.next].Insert(q.All()[0].AppendTo(nil), s.cfg.Priority)
}

// client returns the discovery client of a request.
func (s *scan) client(number uint32) *discovery.Client {
	cfg := s.cfg.Client
	cfg.HostUniq = hostUniqFor(s.hostUniq, number)
	return discovery.NewClient(s.port.Addr(), cfg)
}

// receive handles an answer.
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
	attempt, asked := int(number)/len(s.cfg.VLANs), int(number)%len(s.cfg.VLANs)
	if !s.answered[asked] {
		s.answered[asked], s.lastAnswer = true, now
		s.progress = s.progress || attempt > 0 && attempt == s.attempt
	}
	if !s.seen.add(seenKey{tags, f.Src}, maxScanResults) {
		return
	}
	s.report(ScanResult{
		Offer: discovery.Offer{AC: f.Src, Tags: append(wire.Tags(nil), f.Tags...)},
		VLAN:  tags, RequestVLAN: s.cfg.VLANs[asked], Latency: now.Sub(s.sentAt[number]),
	})
}

// requestNumber returns the number of the request that a packet answers.
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
