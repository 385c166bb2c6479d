package pppoe

import (
	"errors"
	"slices"
	"testing"

	"upppoe/tun/tuntest"
)

// fastTwin is an Accelerator in memory: it moves what a test says it has moved.
type fastTwin struct {
	refuses  error
	tunnels  map[uint16]Tunnel
	carried  map[uint16]Counters
	calls    []string
	allowed4 map[uint16]bool
	allowed6 map[uint16]bool
}

var _ Accelerator = (*fastTwin)(nil)

func newFastTwin() *fastTwin {
	return &fastTwin{tunnels: map[uint16]Tunnel{}, carried: map[uint16]Counters{}, allowed4: map[uint16]bool{}, allowed6: map[uint16]bool{}}
}

func (f *fastTwin) Add(t Tunnel) error {
	if f.refuses != nil {
		return f.refuses
	}
	f.tunnels[t.SessionID] = t
	return nil
}

func (f *fastTwin) Allow(id uint16, ipv4, ipv6 bool) {
	f.calls = append(f.calls, "fast allow")
	if _, ok := f.tunnels[id]; ok {
		f.allowed4[id], f.allowed6[id] = ipv4, ipv6
	}
}

func (f *fastTwin) Counters(id uint16) Counters { return f.carried[id] }

func (f *fastTwin) Remove(id uint16) Counters {
	f.calls = append(f.calls, "fast remove")
	delete(f.tunnels, id)
	c := f.carried[id]
	delete(f.carried, id)
	return c
}

// slowTwin is a Path that notes what it is told.
type slowTwin struct {
	fast *fastTwin
	add  error
}

func (s *slowTwin) Add(Tunnel) error         { return s.add }
func (s *slowTwin) Allow(uint16, bool, bool) { s.fast.calls = append(s.fast.calls, "path allow") }
func (s *slowTwin) Clamp(uint16, MSSLimit)   {}
func (s *slowTwin) Counters(uint16) Counters { return Counters{1, 10, 2, 20, 3} }
func (s *slowTwin) Remove(id uint16) Counters {
	s.fast.calls = append(s.fast.calls, "path remove")
	return s.Counters(id)
}

func TestAccelerated(t *testing.T) {
	fast := newFastTwin()
	p := accelerate(&slowTwin{fast: fast}, fast, func(uint16, error) { t.Error("taken, and not told so") })
	if err := p.Add(Tunnel{SessionID: 7, Device: tuntest.New("ppp0")}); err != nil {
		t.Fatal(err)
	}
	p.Allow(7, true, false)
	if !fast.allowed4[7] || fast.allowed6[7] {
		t.Error("families are not what was allowed")
	}
	fast.carried[7] = Counters{100, 1000, 200, 2000, 300}
	want := Counters{101, 1010, 202, 2020, 303}
	if got := p.Counters(7); got != want {
		t.Errorf("counters: %+v", got)
	}
	if got := p.Remove(7); got != want {
		t.Errorf("counters in the end: %+v", got)
	}
	if order := []string{"fast allow", "path allow", "fast remove", "path remove"}; !slices.Equal(fast.calls, order) {
		t.Errorf("order: %q", fast.calls)
	}
}

func TestAcceleratorRefuses(t *testing.T) {
	fast := newFastTwin()
	fast.refuses = errors.New("no")
	var told uint16
	p := accelerate(&slowTwin{fast: fast}, fast, func(id uint16, why error) {
		if !errors.Is(why, fast.refuses) {
			t.Errorf("reason: %v", why)
		}
		told = id
	})
	if err := p.Add(Tunnel{SessionID: 7}); err != nil || told != 7 {
		t.Errorf("told of session %d: %v", told, err)
	}
	fast.refuses = nil
	taken := errors.New("taken")
	p = accelerate(&slowTwin{fast: fast, add: taken}, fast, nil)
	if err := p.Add(Tunnel{SessionID: 8}); !errors.Is(err, taken) || len(fast.tunnels) != 0 {
		t.Errorf("the path refuses, and the accelerator has it: %v, %v", err, fast.tunnels)
	}
	if plain := (&slowTwin{}); accelerate(plain, nil, nil) != Path(plain) {
		t.Error("without an accelerator the path is changed")
	}
}
