package netconfig

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	formerText = "# by hand\nsearch example.com\nnameserver 198.51.100.1\n\tnameserver 198.51.100.2\noptions ndots:2\n"
	lentText   = `# upppoe added this for ppp9
nameserver 192.0.2.53
nameserver 192.0.2.54
# upppoe added this: end
# by hand
search example.com
# upppoe put aside: nameserver 198.51.100.1
# upppoe put aside: 	nameserver 198.51.100.2
options ndots:2
`
)

// toFile returns a Configurer that writes an existing file.
func toFile(t *testing.T, text string) (h *Configurer, output interface{ String() string }) {
	t.Helper()
	log, b := newLog()
	h = &Configurer{Resolver: ResolverFile, SystemResolvConf: filepath.Join(t.TempDir(), "resolv.conf"), Log: log}
	if err := os.WriteFile(h.SystemResolvConf, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return h, b
}

// TestSystemResolvConf: the peer's name servers replace the file's own, the rest stays, and at the
// end all is as before: text, mode and the file itself.
func TestSystemResolvConf(t *testing.T) {
	for _, former := range []string{formerText, "", "nameserver 198.51.100.1"} {
		h, output := toFile(t, former)
		before, err := os.Stat(h.SystemResolvConf)
		if err != nil {
			t.Fatal(err)
		}
		back := installServers(t, h, agreementWithDNS(server1, server2))
		if former == formerText {
			wantFile(t, h.SystemResolvConf, lentText)
		}
		if !strings.Contains(output.String(), "name servers 192.0.2.53 192.0.2.54: written to "+h.SystemResolvConf) {
			t.Errorf("the log says %s", output)
		}
		back()
		wantFile(t, h.SystemResolvConf, former)
		after, err := os.Stat(h.SystemResolvConf)
		if err != nil || after.Mode() != before.Mode() || !os.SameFile(before, after) {
			t.Errorf("the file is another one now: %v, %v", after, err)
		}
	}
}

// TestSystemResolvConfChanged: changes made meanwhile stay, and only what we have added is
// removed.
func TestSystemResolvConfChanged(t *testing.T) {
	for _, c := range []struct {
		change     func(string) string
		want, says string
	}{
		{func(string) string { return "nameserver 203.0.113.1\n" }, "nameserver 203.0.113.1\n", "is not restored: it has been rewritten meanwhile"},
		{func(now string) string { return "options edns0\n" + now + "sortlist 10.0.0.0\n" }, "options edns0\n" + formerText + "sortlist 10.0.0.0\n", ""},
	} {
		h, output := toFile(t, formerText)
		back := installServers(t, h, agreementWithDNS(server1))
		now, err := os.ReadFile(h.SystemResolvConf)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(h.SystemResolvConf, []byte(c.change(string(now))), 0); err != nil {
			t.Fatal(err)
		}
		back()
		wantFile(t, h.SystemResolvConf, c.want)
		if !strings.Contains(output.String(), c.says) {
			t.Errorf("the log says %s, want %q", output, c.says)
		}
	}
}

// TestSystemResolvConfAfterCrash: the next session replaces the name servers that a killed one has
// left, and restores the original ones at its end.
func TestSystemResolvConfAfterCrash(t *testing.T) {
	for _, there := range []bool{true, false} {
		h, output := toFile(t, formerText)
		want := formerText
		if !there {
			want = ""
			if err := os.Remove(h.SystemResolvConf); err != nil {
				t.Fatal(err)
			}
		}
		installServers(t, h, agreementWithDNS(server1)) // and is killed
		back := installServers(t, h, agreementWithDNS(server2))
		if text, err := os.ReadFile(h.SystemResolvConf); strings.Contains(string(text), server1.String()) || !strings.Contains(string(text), "\nnameserver 192.0.2.54\n") {
			t.Errorf("the file holds %q, %v", text, err)
		}
		back()
		wantFile(t, h.SystemResolvConf, want)
		if !strings.Contains(output.String(), "still has name servers of ppp9, which has crashed") {
			t.Errorf("the log says %s", output)
		}
	}
}

// TestSystemResolvConfTwoSessions: two sessions have their name servers in the file, the later one
// first; the end of one leaves the other's, and in the end all is as before.
func TestSystemResolvConfTwoSessions(t *testing.T) {
	const other = "lo" // an existing device
	for _, c := range []struct {
		firstEnds bool
		left      string
	}{
		{true, "# upppoe added this for ppp1\nnameserver 192.0.2.54\n"},
		{false, "# upppoe added this for lo\nnameserver 192.0.2.53\n"},
	} {
		h, output := toFile(t, formerText)
		ends := make([]func() error, 2)
		var err error
		if ends[0], err = h.installInFile(h.SystemResolvConf, other, []netip.Addr{server1}); err != nil {
			t.Fatal(err)
		}
		if ends[1], err = h.installInFile(h.SystemResolvConf, "ppp1", []netip.Addr{server2}); err != nil {
			t.Fatal(err)
		}
		aside := strings.SplitAfter(lentText, blockEnd)[1]
		wantFile(t, h.SystemResolvConf, "# upppoe added this for ppp1\nnameserver 192.0.2.54\n"+blockEnd+
			"# upppoe added this for lo\nnameserver 192.0.2.53\n"+blockEnd+aside)
		if !c.firstEnds {
			slices.Reverse(ends)
		}
		if err := ends[0](); err != nil {
			t.Error(err)
		}
		wantFile(t, h.SystemResolvConf, c.left+blockEnd+aside)
		if err := ends[1](); err != nil {
			t.Error(err)
		}
		wantFile(t, h.SystemResolvConf, formerText)
		if output.String() != "" {
			t.Errorf("the log says %s", output)
		}
	}
}

// TestSystemResolvConfSymlink: a symbolic link stays one, whether its target exists or not.
func TestSystemResolvConfSymlink(t *testing.T) {
	for _, there := range []bool{true, false} {
		h, output := toFile(t, formerText)
		link := filepath.Join(t.TempDir(), "resolv.conf")
		if err := os.Symlink(h.SystemResolvConf, link); err != nil {
			t.Fatal(err)
		}
		real, want := h.SystemResolvConf, formerText
		if !there {
			want = ""
			if err := os.Remove(real); err != nil {
				t.Fatal(err)
			}
		}
		h.SystemResolvConf = link
		back := installServers(t, h, agreementWithDNS(server1))
		if text, err := os.ReadFile(real); !strings.Contains(string(text), "\nnameserver 192.0.2.53\n") {
			t.Errorf("the link's target holds %q, %v", text, err)
		}
		back()
		wantFile(t, real, want)
		if to, err := os.Readlink(link); to != real {
			t.Errorf("the link is now %q, %v; the log says %s", to, err, output)
		}
	}
}

// TestSystemResolvConfMount: a file that is a mount, as in a container, is written and restored; a
// read-only one is left alone, and the log says so.
func TestSystemResolvConfMount(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		inNamespace(t, func(t *testing.T) {
			h, output := toFile(t, formerText)
			if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
				t.Fatal(err)
			}
			mount(t, "", "/", unix.MS_REC|unix.MS_PRIVATE)
			over := filepath.Join(t.TempDir(), "resolv.conf")
			if err := os.WriteFile(over, []byte("hidden\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			mount(t, h.SystemResolvConf, over, unix.MS_BIND)
			defer unix.Unmount(over, unix.MNT_DETACH)
			h.SystemResolvConf = over
			want := lentText
			if readOnly {
				mount(t, "", over, unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY)
				want = formerText
			}
			back := installServers(t, h, agreementWithDNS(server1, server2))
			wantFile(t, over, want)
			back()
			wantFile(t, over, formerText)
			clear := "name servers 192.0.2.53 192.0.2.54 are not installed: file: open " + over + ": read-only file system"
			if strings.Contains(output.String(), clear) != readOnly {
				t.Errorf("the log says %s", output)
			}
		})
	}
}

func mount(t *testing.T, from, over string, flags uintptr) {
	t.Helper()
	if err := unix.Mount(from, over, "", flags, ""); err != nil {
		t.Fatalf("mount %s over %s: %v", from, over, err)
	}
}

// TestSystemResolvConfRefused: a file that cannot be a resolv.conf(5) is left alone.
func TestSystemResolvConfRefused(t *testing.T) {
	h, output := toFile(t, strings.Repeat("#\n", maxResolvConf/2+1))
	installServers(t, h, agreementWithDNS(server1))()
	if !strings.Contains(output.String(), "is too long") {
		t.Errorf("the log says %s", output)
	}
	h.SystemResolvConf = t.TempDir()
	installServers(t, h, agreementWithDNS(server1))()
	if !strings.Contains(output.String(), "is not a regular file") {
		t.Errorf("the log says %s", output)
	}
}

// TestSystemResolvConfDiskFull: when the disk is full the former text stays.
func TestSystemResolvConfDiskFull(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
			t.Fatal(err)
		}
		mount(t, "", "/", unix.MS_REC|unix.MS_PRIVATE)
		dir := t.TempDir()
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "nr_blocks=1"); err != nil {
			t.Fatal(err)
		}
		defer unix.Unmount(dir, unix.MNT_DETACH)
		log, output := newLog()
		h := &Configurer{Resolver: ResolverFile, SystemResolvConf: filepath.Join(dir, "resolv.conf"), Log: log}
		former := "search " + strings.Repeat("x", os.Getpagesize()-8) + "\n" // exactly one block
		if err := os.WriteFile(h.SystemResolvConf, []byte(former), 0o644); err != nil {
			t.Fatal(err)
		}
		installServers(t, h, agreementWithDNS(server1, server2))
		wantFile(t, h.SystemResolvConf, former)
		if !strings.Contains(output.String(), "no space left on device") {
			t.Errorf("the log says %s", output)
		}
	})
}
