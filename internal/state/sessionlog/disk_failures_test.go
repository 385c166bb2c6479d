package sessionlog

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/internal/state"
)

// TestFullDisk: with a full disk the newest state waits in memory, the log says so once and once that the
// disk works again, and the file is complete then.
func TestFullDisk(t *testing.T) {
	for _, failure := range []string{"from the start", "later", "after a part"} {
		synctest.Test(t, func(t *testing.T) {
			d := newFakeDisk()
			d.full = failure == "from the start"
			cfg, lines := config("f", d)
			l := mustOpen(t, cfg)
			var memory state.Memory
			random := rand.New(rand.NewPCG(5, 6))
			change := func() {
				for range 100 {
					randomOp(random, l, &memory)
				}
				time.Sleep(10 * time.Second)
			}
			change()
			if failure == "after a part" {
				d.set(false, int(l.Stats().Bytes)+100)
			} else {
				d.set(true, 0)
			}
			change()
			change()
			s := l.Stats()
			if s.Failing != unix.ENOSPC.Error() || s.Waiting == 0 || s.Errors == 0 || strings.Count(lines.String(), "level=") != 1 {
				t.Errorf("%s: %+v, log %s", failure, s, lines)
			}
			d.set(false, 0)
			time.Sleep(10 * time.Second)
			s = l.Stats()
			if s.Failing != "" || s.Waiting > 0 || strings.Count(lines.String(), "level=") != 2 || !strings.Contains(lines.String(), "it is written again, and complete") {
				t.Errorf("%s: %+v, log %s", failure, s, lines)
			}
			l.Close()
			l = mustOpen(t, cfg)
			mustHave(t, l, contents(&memory))
			l.Close()
		})
	}
}

// TestFullTmpfs is TestFullDisk with a file system of the kernel.
func TestFullTmpfs(t *testing.T) {
	roottest.Need(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	cfg, lines := config(filepath.Join(dir, "f"), nil)
	l := mustOpen(t, cfg)
	var memory state.Memory
	for of := range uint64(100) {
		for _, s := range []state.Store{l, &memory} {
			s.Put(of+1, 1, make([]byte, 1000))
		}
	}
	if err := l.Flush(); err == nil {
		t.Error("a full disk takes everything")
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT, "size=1m"); err != nil {
		t.Fatal(err)
	}
	mustFlush(t, l)
	if err := l.Close(); err != nil || strings.Count(lines.String(), "level=") != 2 {
		t.Errorf("%v, log %s", err, lines)
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, cfg)
	mustHave(t, l, contents(&memory))
	for _, s := range []state.Store{l, &memory} {
		s.Delete(1)
	}
	if err := l.Flush(); err == nil || l.Stats().Failing == "" {
		t.Errorf("a read-only disk takes everything: %v", err)
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	mustFlush(t, l)
	l.Close()
	l = mustOpen(t, cfg)
	mustHave(t, l, contents(&memory))
	l.Close()
}

// TestSlowDisk: what waits for a disk that is slow is no more than twice the newest state of each session,
// also if sessions come and go.
func TestSlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeDisk()
		cfg, lines := config("f", d)
		l := mustOpen(t, cfg)
		var memory state.Memory
		stores := []state.Store{l, &memory}
		for _, s := range stores {
			s.Put(1, 1, []byte("written"))
		}
		time.Sleep(time.Second)
		stalled := make(chan struct{})
		d.stall(stalled)
		const sessions, size = 1000, 1000
		for n := range uint64(30_000) {
			for _, s := range stores {
				s.Put(n+1, state.Session, make([]byte, size))
				if n >= sessions {
					s.Delete(n + 1 - sessions)
				}
			}
			if n == 10 {
				time.Sleep(time.Second) // these are being written
			}
		}
		if s := l.Stats(); s.Waiting > 3*sessions*(size+recordHeader) || s.Superseded == 0 {
			t.Errorf("%+v", s)
		}
		if strings.Count(lines.String(), "the disk is slow") != 1 {
			t.Errorf("log %s", lines)
		}
		close(stalled)
		time.Sleep(time.Minute)
		l.Close()
		l = mustOpen(t, cfg)
		mustHave(t, l, contents(&memory))
		l.Close()
	})
}

// TestSyncFails: a file that the disk does not take is written anew, and so is one that was removed. One in
// the place of which another file is stays that.
func TestSyncFails(t *testing.T) {
	for name, c := range map[string]struct {
		break_ func(*fakeDisk)
		in     string
		again  bool
	}{
		"error":    {func(d *fakeDisk) { d.files["f"].failSync = true }, unix.EIO.Error(), true},
		"removed":  {func(d *fakeDisk) { delete(d.files, "f") }, errRemoved.Error(), true},
		"replaced": {func(d *fakeDisk) { d.files["f"] = &fakeFile{disk: d} }, errReplaced.Error(), false},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newFakeDisk()
			cfg, lines := config("f", d)
			l := mustOpen(t, cfg)
			l.Put(1, 1, []byte("value"))
			time.Sleep(time.Second)
			d.mu.Lock()
			c.break_(d)
			d.mu.Unlock()
			time.Sleep(time.Minute)
			s := l.Stats()
			if (s.Failing == "") != c.again || !strings.Contains(lines.String()+s.Failing, c.in) || strings.Count(lines.String(), "\n") > 2 {
				t.Errorf("%s: %+v, log %s", name, s, lines)
			}
			l.Close()
			if !c.again {
				return
			}
			l = mustOpen(t, cfg)
			mustHave(t, l, map[string]string{"1/1": "value"})
			l.Close()
		})
	}
}

// TestCompaction: a file that is mostly garbage is written anew, while records are put, and has what it
// should.
func TestCompaction(t *testing.T) {
	cfg, lines := config(filepath.Join(t.TempDir(), "f"), nil)
	l := mustOpen(t, cfg)
	var memory state.Memory
	value := make([]byte, 1000)
	for n := range 40_000 {
		copy(value, fmt.Sprint(n))
		of := state.Generation(n % 97)
		for _, s := range []state.Store{l, &memory} {
			s.Put(of, state.Session, value)
		}
		if n%500 == 0 {
			mustFlush(t, l)
		}
	}
	mustFlush(t, l)
	l.rewriting.Lock()
	s := l.Stats()
	l.rewriting.Unlock()
	if s.Compactions == 0 || s.Bytes > 64*minGarbage || lines.Len() > 0 {
		t.Errorf("%+v, log %s", s, lines)
	}
	mustHave(t, l, contents(&memory))
	l.Close()
	if _, err := os.Stat(cfg.Path + newSuffix); err == nil {
		t.Error("the temporary file is still there")
	}
	l = mustOpen(t, cfg)
	mustHave(t, l, contents(&memory))
	l.Close()
}
