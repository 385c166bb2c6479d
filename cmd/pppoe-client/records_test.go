package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/config/pppd"
	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

var concentrator = wire.Addr{2, 0, 0x5e, 0, 0x53, 1}

// filesIn sets the directory of pid files.
func filesIn(t *testing.T, dir string) {
	t.Helper()
	before := pids
	pids = dir
	t.Cleanup(func() { pids = before })
}

func content(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return string(text)
}

// TestRecords: the files of a session, and what the next client finds after a crash.
func TestRecords(t *testing.T) {
	filesIn(t, t.TempDir())
	own := wire.Addr{2, 0, 0x5e, 0, 0x53, 9}
	s := parse(t, "eth0", "linkname", "wan", "pppoe-source-mac", own.String(), "state-dir", filepath.Join(t.TempDir(), "state"))
	settled := func(f *records) {
		done := make(chan struct{})
		f.do(func() { close(done) })
		<-done
	}
	f := newRecords(s, silent())
	if stale, before := f.staleSessions(); len(stale) != 0 || before != (pppoe.Addressing{}) {
		t.Errorf("at first there are %+v, %+v", stale, before)
	}
	dial := func() {
		f.notify(pppoe.SessionInfo{Local: own}, pppoe.SessionEstablished{Grant: discovery.Grant{SessionID: 7, AC: concentrator}})
		f.notify(pppoe.SessionInfo{}, pppoe.DeviceOpened{Name: "ppp0"})
		f.notify(pppoe.SessionInfo{}, pppoe.Configured{Addressing: pppoe.Addressing{
			IPv4: ipcp.Agreement{Local: netip.MustParseAddr("192.0.2.10")}, IPv6: ipv6cp.Agreement{Local: ipv6cp.ID{7: 1}},
		}})
		settled(f)
	}
	dial()
	pid := fmt.Sprintf("%d\n", os.Getpid())
	if unit, link := content(t, pids, "ppp0.pid"), content(t, pids, "ppp-wan.pid"); unit != pid || link != pid+"ppp0\n" {
		t.Errorf("pid files %q and %q", unit, link)
	}
	f.notify(pppoe.SessionInfo{}, pppoe.Ended{})
	settled(f)
	if files, _ := os.ReadDir(pids); len(files) != 1 || content(t, pids, "ppp-wan.pid") != pid {
		t.Errorf("after the session there are %v", files)
	}
	dial() // and crash
	f.close()

	f = newRecords(s, silent())
	stale, before := f.staleSessions()
	if len(stale) != 1 || stale[0] != (pppoe.StaleSession{SessionID: 7, AC: concentrator}) {
		t.Errorf("after a crash there are %+v", stale)
	}
	if before.IPv4.Local.String() != "192.0.2.10" || before.IPv6.Local != (ipv6cp.ID{7: 1}) {
		t.Errorf("it had %+v", before)
	}
	s.SourceAddr = "02:00:5e:00:53:0a"
	if stale, before := f.staleSessions(); len(stale) != 0 || before.HasIPv4() {
		t.Errorf("with another address there are %+v, %+v", stale, before)
	}
	s.SourceAddr = own.String()
	f.notify(pppoe.SessionInfo{}, pppoe.Ended{})
	f.close()
	f = newRecords(s, silent())
	defer f.close()
	if stale, _ := f.staleSessions(); len(stale) != 0 {
		t.Errorf("after a regular end there are %+v", stale)
	}
}

// TestRecordsSlowDisk: while the disk is slow to take a record, the next one is there for the next client.
func TestRecordsSlowDisk(t *testing.T) {
	filesIn(t, t.TempDir())
	dir := filepath.Join(t.TempDir(), "state")
	f := newRecords(parse(t, "eth0", "state-dir", dir), silent())
	f.disk.close()
	slow := make(chan struct{})
	f.disk = newRecordSyncer(func() error { <-slow; return nil }, f.warn)
	f.notify(pppoe.SessionInfo{Local: adoptable.Local}, pppoe.SessionEstablished{Grant: discovery.Grant{SessionID: adoptable.SessionID, AC: concentrator}})
	f.record(&adoptable)
	written := make(chan struct{})
	f.do(func() { close(written) })
	<-written
	if is := content(t, dir, "eth0.0.json"); !strings.Contains(is, `"adoptable":`) {
		t.Errorf("the record is %s", is)
	}
	close(slow)
	f.close()
}

// TestRecordsDemand: a device that waits for traffic has its pid file as long as it exists; that of the
// linkname exists as long as the client.
func TestRecordsDemand(t *testing.T) {
	filesIn(t, t.TempDir())
	f := newRecords(&pppd.Settings{Interface: "eth0", LinkName: "wan", StateDir: t.TempDir()}, silent())
	pid := fmt.Sprintf("%d\n", os.Getpid())
	says := func(when, unit, link string) {
		t.Helper()
		done := make(chan struct{})
		f.do(func() { close(done) })
		<-done
		if u, l := content(t, pids, "ppp0.pid"), content(t, pids, "ppp-wan.pid"); u != unit || l != link {
			t.Errorf("%s the files have %q and %q", when, u, l)
		}
	}
	says("at first", "", pid)
	f.setDemandDevice("ppp0")
	says("waiting", pid, pid+"ppp0\n")
	f.notify(pppoe.SessionInfo{}, pppoe.DeviceOpened{Name: "ppp0"})
	f.notify(pppoe.SessionInfo{}, pppoe.Ended{})
	says("after a session", pid, pid+"ppp0\n")
	f.close()
	if files, _ := os.ReadDir(pids); len(files) != 0 {
		t.Errorf("in the end there are %v", files)
	}
}

// TestRecordsReadOnly: a client works without directories for its files, and does not warn of that.
func TestRecordsReadOnly(t *testing.T) {
	filesIn(t, filepath.Join(t.TempDir(), "none"))
	var log bytes.Buffer
	to := slog.New(slog.NewTextHandler(&log, nil))
	f := newRecords(&pppd.Settings{Interface: "eth0", LinkName: "wan", StateDir: "/dev/null/state"}, to)
	f.notify(pppoe.SessionInfo{}, pppoe.SessionEstablished{})
	f.notify(pppoe.SessionInfo{}, pppoe.DeviceOpened{Name: "ppp0"})
	f.notify(pppoe.SessionInfo{}, pppoe.Ended{})
	f.warn(nil)
	f.close()
	if log.Len() > 0 {
		t.Errorf("it warns: %s", log.String())
	}
	f.warn(fs.ErrPermission)
	if !strings.Contains(log.String(), "permission") {
		t.Errorf("of another error, the log has %q", log.String())
	}
}

// TestLinkNamePath: a linkname cannot lead to another directory.
func TestLinkNamePath(t *testing.T) {
	dir := t.TempDir()
	filesIn(t, filepath.Join(dir, "run"))
	os.Mkdir(pids, 0o755)
	f := newRecords(&pppd.Settings{Interface: "eth0", LinkName: "x/../../y", StateDir: dir}, silent())
	f.notify(pppoe.SessionInfo{}, pppoe.DeviceOpened{Name: "ppp0"})
	f.close()
	if all, _ := filepath.Glob(filepath.Join(dir, "*y*")); len(all) > 0 {
		t.Errorf("it wrote %v", all)
	}
}
