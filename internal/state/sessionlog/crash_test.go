package sessionlog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"upppoe/internal/state"
)

// history is what each part of each session was, one after another, with "" for none, and from which on
// the program knows that it is written.
type history struct {
	was     map[string][]string
	written map[string]int
}

func (h *history) note(m *state.Memory) {
	now := contents(m)
	for of := range 8 {
		for part := range int(state.LastPart) {
			name := fmt.Sprintf("%d/%d", of+1, part+1)
			if all := h.was[name]; len(all) == 0 || all[len(all)-1] != now[name] {
				h.was[name] = append(all, now[name])
			}
		}
	}
}

// flushed notes that what is now has been written.
func (h *history) flushed() {
	for name, all := range h.was {
		h.written[name] = len(all) - 1
	}
}

func (h *history) check(t *testing.T, l *Log) {
	t.Helper()
	now := contents(l)
	for name, all := range h.was {
		if !slices.Contains(all[h.written[name]:], now[name]) {
			t.Fatalf("%s is %q, want one of %q", name, now[name], all[h.written[name]:])
		}
	}
}

// runUntilCrash changes a store, with rewrites, until the disk fails.
func runUntilCrash(d *fakeDisk, random *rand.Rand) (h *history, crashed bool) {
	h = &history{was: map[string][]string{}, written: map[string]int{}}
	cfg, _ := config("f", d)
	l, err := Open(cfg)
	if err != nil {
		return h, true
	}
	defer l.Close()
	if l.Stats().Failing != "" {
		return h, true
	}
	var memory state.Memory
	h.note(&memory)
	for range 12 {
		for range 1 + random.IntN(4) {
			randomOp(random, l, &memory)
			h.note(&memory)
		}
		var err error
		switch random.IntN(4) {
		case 0:
			err = l.rewrite()
		case 1:
			err = l.sync()
		default:
			if err = l.Flush(); err == nil {
				h.flushed()
			}
		}
		if err != nil {
			return h, true
		}
	}
	return h, false
}

// TestCrashes: a program that is killed at any change of the disk, also during a rewrite, leaves all that it
// knew as written, and of the rest a state of each part that was.
func TestCrashes(t *testing.T) {
	for seed := range uint64(6) {
		for at := 1; ; at++ {
			d := newFakeDisk()
			d.crashAt = at
			h, crashed := runUntilCrash(d, rand.New(rand.NewPCG(seed, 0)))
			if !crashed {
				break
			}
			cfg, lines := config("f", d.afterKill())
			l := mustOpen(t, cfg)
			h.check(t, l)
			if f := l.Found(); f.Damaged > 0 || lines.Len() > 0 {
				t.Errorf("seed %d, killed at change %d: %+v, log %s", seed, at, f, lines)
			}
			l.Close()
			clear(h.written) // a power cut may lose what was not synced
			cfg, _ = config("f", d.afterPowerCut())
			l = mustOpen(t, cfg)
			h.check(t, l)
			l.Close()
		}
	}
}
