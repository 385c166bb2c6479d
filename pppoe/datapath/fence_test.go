package datapath

import (
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe/wire"
)

// batchPort counts frames; each ReadBatch receives one.
type batchPort struct{ written int }

func (p *batchPort) ReadBatch([]Frame) (int, error) { return 1, nil }
func (p *batchPort) WriteBatch(frames [][]byte) (int, error) {
	p.written += len(frames)
	return len(frames), nil
}
func (p *batchPort) WriteGather(frames [][2][]byte) (int, error) {
	p.written += len(frames)
	return len(frames), nil
}
func (p *batchPort) Addr() wire.Addr { return wire.Addr{} }
func (p *batchPort) MTU() int        { return 1500 }
func (p *batchPort) Close() error    { return nil }

// TestFence: from the deadline on nothing is sent or received; a later deadline, or none, opens the fence.
func TestFence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := NewFence(nil), &batchPort{}
		port := f.Port(p)
		check := func(what string, open int) {
			t.Helper()
			p.written = 0
			received, _ := port.ReadBatch(make([]Frame, 1))
			sent, _ := port.WriteBatch(make([][]byte, 1))
			gathered, _ := port.(Gatherer).WriteGather(make([][2][]byte, 1))
			if received != open || sent != open || gathered != open || p.written != 2*open || f.IsClosed() == (open == 1) {
				t.Errorf("%s: received %d, sent %d and %d, written %d, closed %v", what, received, sent, gathered, p.written, f.IsClosed())
			}
		}
		check("no deadline", 1)
		f.SetDeadline(time.Now().Add(time.Second))
		check("before the deadline", 1)
		time.Sleep(time.Second)
		check("at the deadline", 0)
		f.SetDeadline(time.Now().Add(time.Second))
		check("a later deadline", 1)
		f.SetDeadline(time.Now().Add(-time.Hour))
		check("a deadline that has passed", 0)
		f.SetDeadline(time.Time{})
		check("no deadline again", 1)
		f.SetDeadline(time.Now().AddDate(1000, 0, 0))
		check("a deadline that the clock cannot show", 1)
	})
}
