package hostnet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	formerText = "# by hand\nsearch example.com\nnameserver 198.51.100.1\n\tnameserver 198.51.100.2\noptions ndots:2\n"
	lentText   = "nameserver 192.0.2.53\nnameserver 192.0.2.54\n# by hand\nsearch example.com\noptions ndots:2\n"
)

// toFile is a host that writes a file, which has some text before.
func toFile(t *testing.T, text string) (h *Host, said interface{ String() string }) {
	t.Helper()
	log, b := logTo()
	h = &Host{Resolver: ResolverFile, ResolvConfTarget: filepath.Join(t.TempDir(), "resolv.conf"), Log: log}
	if err := os.WriteFile(h.ResolvConfTarget, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return h, b
}

// TestTarget: the peer's servers take the place of the file's own, the rest stays, and
// all is as before at the end: text, mode and the file itself.
func TestTarget(t *testing.T) {
	for _, former := range []string{formerText, "", "nameserver 198.51.100.1"} {
		h, said := toFile(t, former)
		before, err := os.Stat(h.ResolvConfTarget)
		if err != nil {
			t.Fatal(err)
		}
		back := tell(t, h, gives(server1, server2))
		if former == formerText {
			wantFile(t, h.ResolvConfTarget, lentText)
		}
		if !strings.Contains(said.String(), "name servers 192.0.2.53 192.0.2.54: written to "+h.ResolvConfTarget) {
			t.Errorf("the log says %s", said)
		}
		back()
		wantFile(t, h.ResolvConfTarget, former)
		after, err := os.Stat(h.ResolvConfTarget)
		if err != nil || after.Mode() != before.Mode() || !os.SameFile(before, after) {
			t.Errorf("the file is another one now: %v, %v", after, err)
		}
	}
}

// TestTargetChanged: what somebody else has written meanwhile stays.
func TestTargetChanged(t *testing.T) {
	h, said := toFile(t, formerText)
	back := tell(t, h, gives(server1))
	const theirs = "nameserver 203.0.113.1\n"
	if err := os.WriteFile(h.ResolvConfTarget, []byte(theirs), 0); err != nil {
		t.Fatal(err)
	}
	back()
	wantFile(t, h.ResolvConfTarget, theirs)
	if !strings.Contains(said.String(), "is not restored: somebody has changed it meanwhile") {
		t.Errorf("the log says %s", said)
	}
}

// TestTargetLink: a symbolic link stays one, whether what it leads to is there or not.
func TestTargetLink(t *testing.T) {
	for _, there := range []bool{true, false} {
		h, said := toFile(t, formerText)
		link := filepath.Join(t.TempDir(), "resolv.conf")
		if err := os.Symlink(h.ResolvConfTarget, link); err != nil {
			t.Fatal(err)
		}
		real, want := h.ResolvConfTarget, formerText
		if !there {
			want = ""
			if err := os.Remove(real); err != nil {
				t.Fatal(err)
			}
		}
		h.ResolvConfTarget = link
		back := tell(t, h, gives(server1))
		if text, err := os.ReadFile(real); !strings.HasPrefix(string(text), "nameserver 192.0.2.53\n") {
			t.Errorf("the link's target holds %q, %v", text, err)
		}
		back()
		wantFile(t, real, want)
		if to, err := os.Readlink(link); to != real {
			t.Errorf("the link is now %q, %v; the log says %s", to, err, said)
		}
	}
}

// TestTargetMount: a file that is a mount of its own, as in a container, is written and
// restored; mounted read-only it is left alone, with a clear line.
func TestTargetMount(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		in(t, func(t *testing.T) {
			h, said := toFile(t, formerText)
			if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
				t.Fatal(err)
			}
			mount(t, "", "/", unix.MS_REC|unix.MS_PRIVATE)
			over := filepath.Join(t.TempDir(), "resolv.conf")
			if err := os.WriteFile(over, []byte("hidden\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			mount(t, h.ResolvConfTarget, over, unix.MS_BIND)
			defer unix.Unmount(over, unix.MNT_DETACH)
			h.ResolvConfTarget = over
			want := lentText
			if readOnly {
				mount(t, "", over, unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY)
				want = formerText
			}
			back := tell(t, h, gives(server1, server2))
			wantFile(t, over, want)
			back()
			wantFile(t, over, formerText)
			clear := "name servers 192.0.2.53 192.0.2.54 are told to nobody: file: open " + over + ": read-only file system"
			if strings.Contains(said.String(), clear) != readOnly {
				t.Errorf("the log says %s", said)
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

// TestTargetRefused: what cannot be a resolv.conf(5) is left alone.
func TestTargetRefused(t *testing.T) {
	h, said := toFile(t, strings.Repeat("#\n", maxResolvConf/2+1))
	tell(t, h, gives(server1))()
	if !strings.Contains(said.String(), "is too long") {
		t.Errorf("the log says %s", said)
	}
	h.ResolvConfTarget = t.TempDir()
	tell(t, h, gives(server1))()
	if !strings.Contains(said.String(), "is no regular file") {
		t.Errorf("the log says %s", said)
	}
}

// TestTargetFull: on a full disk the former text stays.
func TestTargetFull(t *testing.T) {
	in(t, func(t *testing.T) {
		if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
			t.Fatal(err)
		}
		mount(t, "", "/", unix.MS_REC|unix.MS_PRIVATE)
		dir := t.TempDir()
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "nr_blocks=1"); err != nil {
			t.Fatal(err)
		}
		defer unix.Unmount(dir, unix.MNT_DETACH)
		log, said := logTo()
		h := &Host{Resolver: ResolverFile, ResolvConfTarget: filepath.Join(dir, "resolv.conf"), Log: log}
		former := "search " + strings.Repeat("x", os.Getpagesize()-8) + "\n" // one block, to the last octet
		if err := os.WriteFile(h.ResolvConfTarget, []byte(former), 0o644); err != nil {
			t.Fatal(err)
		}
		tell(t, h, gives(server1, server2))
		wantFile(t, h.ResolvConfTarget, former)
		if !strings.Contains(said.String(), "no space left on device") {
			t.Errorf("the log says %s", said)
		}
	})
}
