package accounting

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/pppoe"
)

// TestFullDisk: records that the disk has no room for are counted, and those that it had room for are sent.
func TestFullDisk(t *testing.T) {
	roottest.Need(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=128k"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	synctest.Test(t, func(t *testing.T) {
		c := &fakeClient{away: true}
		a := start(t, c, Config{Spool: filepath.Join(dir, "spool"), Retry: time.Second})
		const sessions = 2000
		for g := range uint64(sessions) {
			end(a, open(a, g+1, pppoe.SessionPolicy{}))
			time.Sleep(time.Millisecond)
		}
		s := a.Stats()
		if s.SpoolErrors == 0 || s.DroppedStop == 0 || s.Spooled == 0 {
			t.Errorf("%+v", s)
		}
		c.set(false)
		a.Close(time.Hour)
		if s := a.Stats(); !s.idle() || s.Sent+s.DroppedStart+s.DroppedStop != 2*sessions+2 || s.Sent == 0 {
			t.Errorf("%+v", s)
		}
	})
}
