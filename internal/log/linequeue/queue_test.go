package linequeue

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func text(s string) Line { return Line{Text: []byte(s)} }

func report(n int) Line { return text(fmt.Sprintf("(%d)", n)) }

// reader reads lines one by one, as allowed, or all.
type reader struct {
	got   []string
	allow chan struct{} // nil: all
	fail  error
}

func (r *reader) write(l Line) error {
	if r.allow != nil {
		<-r.allow
	}
	if r.fail != nil {
		return r.fail
	}
	r.got = append(r.got, string(l.Text))
	return nil
}

func (r *reader) all() string { return strings.Join(r.got, " ") }

func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{}
		q := New(r.write, report)
		for i := range 5 {
			q.Put(text(fmt.Sprint(i)))
		}
		if !q.Flush(time.Second) {
			t.Error("nothing is written though it could be")
		}
		if r.all() != "0 1 2 3 4" {
			t.Errorf("written: %s", r.all())
		}
		began := time.Now()
		if !q.Flush(time.Second) || time.Since(began) != 0 {
			t.Error("Flush waits for an empty queue")
		}
	})
}

// TestStalledReader: a reader that does not read blocks nobody; what does not fit is dropped, and
// its number is reported where it would have been.
func TestStalledReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{allow: make(chan struct{})}
		q := New(r.write, report)
		began := time.Now()
		q.Put(text("first"))
		synctest.Wait() // the first line is being written
		for range MaxLines + 7 {
			q.Put(text("x"))
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
		if q.Flush(time.Second) || time.Since(began) != time.Second {
			t.Errorf("flush: done after %v, want it to give up after a second", time.Since(began))
		}
		// Half of the queue and one more line must be read before there is room.
		for range MaxLines/2 - 1 {
			r.allow <- struct{}{}
		}
		synctest.Wait()
		q.Put(text("dropped too"))
		r.allow <- struct{}{}
		synctest.Wait()
		q.Put(text("last"))
		close(r.allow)
		q.Flush(time.Second)
		if n := len(r.got); n != 1+MaxLines+2 {
			t.Fatalf("%d lines, want %d", n, 1+MaxLines+2)
		}
		if end := strings.Join(r.got[MaxLines:], " "); end != "x (8) last" {
			t.Errorf("the end is %s, want x (8) last", end)
		}
	})
}

// TestReportAlone: dropped lines are reported without another line.
func TestReportAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{allow: make(chan struct{})}
		q := New(r.write, report)
		big := text(strings.Repeat("x", MaxSize-1))
		q.Put(text("0"))
		synctest.Wait()
		q.Put(big)
		q.Put(text("1")) // all octets are in use now
		q.Put(text("2"))
		close(r.allow)
		q.Flush(time.Second)
		if n := len(r.got); n != 4 || r.got[2] != "1" || r.got[3] != "(1)" {
			t.Errorf("%d lines, the last is %s", n, r.got[n-1])
		}
		q.Put(text("3"))
		q.Flush(time.Second)
		if got := r.got[len(r.got)-1]; got != "3" {
			t.Errorf("after it: %s", got)
		}
	})
}

// TestBrokenWriter: lines that cannot be written are counted like dropped ones.
func TestBrokenWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{fail: errors.New("disk full")}
		q := New(r.write, report)
		q.Put(text("a"))
		q.Put(text("b"))
		q.Flush(time.Second)
		q.Put(text("c"))
		q.Flush(time.Second)
		r.fail = nil
		q.Put(text("d"))
		q.Flush(time.Second)
		if r.all() != "(3) d" {
			t.Errorf("written: %s, want (3) d", r.all())
		}
	})
}

// TestJoining: lines that wait are written together, as many as a pipe takes as a whole, and count
// one by one if that fails.
func TestJoining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{allow: make(chan struct{})}
		q := NewJoining(r.write, report)
		q.Put(text("first"))
		synctest.Wait() // it is being written
		long := strings.Repeat("x", maxJoined-2)
		for _, s := range []string{"a", "b", long, "c", "d", long + "yyy", "e"} {
			q.Put(text(s))
		}
		close(r.allow)
		q.Flush(time.Second)
		if want := "first ab" + long + " cd " + long + "yyy e"; r.all() != want {
			t.Errorf("written: %.40s, want %.40s", r.all(), want)
		}
		r.allow, r.fail = make(chan struct{}), errors.New("disk full")
		for range 4 { // the first alone, the others joined
			q.Put(text("lost"))
			synctest.Wait()
		}
		close(r.allow)
		q.Flush(time.Second)
		r.fail = nil
		q.Put(text("f"))
		q.Flush(time.Second)
		if !strings.HasSuffix(r.all(), " (4)f") {
			t.Errorf("the end is %s, want (4)f", r.all()[len(r.all())-20:])
		}
	})
}

// TestGoroutineEnds: an idle queue has no goroutine, and needs no Close.
func TestGoroutineEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it fails if a goroutine is left
		var b bytes.Buffer
		q := New(func(l Line) error { b.Write(l.Text); return nil }, report)
		q.Put(text("a"))
	})
}

// TestPutCopies: a line may be changed once it is queued, and the memory of lines is not kept.
func TestPutCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{}
		q := New(r.write, report)
		var line [6]byte
		for range 2 {
			for i := range MaxLines / 2 {
				q.Put(Line{Text: fmt.Appendf(line[:0], "%06d", i)})
			}
			if !q.Flush(time.Second) {
				t.Fatal("the lines are not written")
			}
			for i, got := range r.got {
				if want := fmt.Sprintf("%06d", i); got != want {
					t.Fatalf("line %d: %q, want %q", i, got, want)
				}
			}
			r.got = nil
		}
		if len(q.text) != 0 || cap(q.text) > minText {
			t.Errorf("%d octets of %d are kept", len(q.text), cap(q.text))
		}
	})
}
