package daemonize

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

// TestNotifySystemd: the state is sent in one datagram, to a path or an abstract address.
func TestNotifySystemd(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "notify"), "@upppoe-test-" + filepath.Base(t.TempDir()) + time.Now().Format(".000000000")} {
		manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		defer manager.Close()
		t.Setenv("NOTIFY_SOCKET", path)
		if err := NotifySystemd("READY=1"); err != nil {
			t.Fatal(err)
		}
		said := make([]byte, 100)
		manager.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := manager.Read(said)
		if err != nil || string(said[:n]) != "READY=1" {
			t.Errorf("%s: received %q, %v", path, said[:n], err)
		}
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "none"))
	if err := NotifySystemd("READY=1"); err == nil {
		t.Error("a nonexistent manager was notified")
	}
	t.Setenv("NOTIFY_SOCKET", "")
	if err := NotifySystemd("READY=1"); err != nil {
		t.Errorf("without a manager: %v", err)
	}
}
