package pcapngwriter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/sys/unix"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678_901_234, time.UTC)

// read returns a file's packets, each as a line.
func read(t *testing.T, path string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pcapgo.NewNgReader(bytes.NewReader(text), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	for {
		data, info, options, err := r.ReadPacketDataWithOptions()
		if errors.Is(err, io.EOF) {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		on, err := r.Interface(info.InterfaceIndex)
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%v %s %x", info.Timestamp.UTC().Sub(epoch), on.Name, data)
		switch {
		case options.Flags == nil:
		case options.Flags.Direction == pcapgo.NgEpbFlagDirectionInbound:
			line += " in"
		case options.Flags.Direction == pcapgo.NgEpbFlagDirectionOutbound:
			line += " out"
		}
		if options.DropCount != nil {
			line += fmt.Sprintf(" dropped=%d", *options.DropCount)
		}
		lines = append(lines, line+fmt.Sprintf(" %q", options.Comments))
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.pcapng")
	f, err := Open(Config{Path: path, Interface: "eth0", Program: "test", Comment: "about it"})
	check(t, err)
	check(t, f.Write(Packet{Time: epoch, Interface: "eth0", Direction: Sent, Data: []byte{1, 2, 3}, Comments: []string{"first", "second"}}))
	check(t, f.Write(Packet{Time: epoch.Add(time.Nanosecond), Interface: "eth1", Direction: Received, Data: []byte{4}, Dropped: 7}))
	check(t, f.Write(Packet{Time: epoch.Add(time.Second), Interface: "eth0", Comments: []string{"alone", "bad \xff", strings.Repeat("x", 5000)}}))
	check(t, f.Close())
	got := strings.Join(read(t, path), "\n")
	want := `0s eth0 010203 out ["first" "second"]
1ns eth1 04 in dropped=7 []
1s eth0  ["alone" "bad ?" "` + strings.Repeat("x", maxComment) + `"]`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
}

// TestRotation: each file can be read alone, and no more are kept than wanted.
func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.pcapng")
	check(t, os.WriteFile(path, []byte("of an earlier run"), 0o600))
	f, err := Open(Config{Path: path, Interface: "eth0", MaxSize: 1000, Files: 3})
	check(t, err)
	if old, err := os.ReadFile(path + ".1"); err != nil || string(old) != "of an earlier run" {
		t.Errorf("%q, %v", old, err)
	}
	const packets = 100
	for i := range packets {
		check(t, f.Write(Packet{Time: epoch, Interface: fmt.Sprintf("eth%d", i%2), Data: append(make([]byte, 100), byte(i))}))
	}
	check(t, f.Close())
	files, _ := filepath.Glob(path + "*")
	if len(files) != 3 {
		t.Errorf("files are %q", files)
	}
	last := byte(packets)
	for _, file := range files {
		lines := read(t, file)
		if info, _ := os.Stat(file); len(lines) == 0 || info.Size() > 1400 {
			t.Fatalf("%s has %d packets and %d octets", file, len(lines), info.Size())
		}
		first := lines[0]
		if want := fmt.Sprintf("eth%d %x%02x", (int(last)-len(lines))%2, make([]byte, 100), int(last)-len(lines)); !strings.Contains(first, want) {
			t.Errorf("%s begins with %s, want %s", file, first, want)
		}
		last -= byte(len(lines))
	}
}

// TestFIFO: a FIFO is not rotated, and needs no reader to be opened.
func TestFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	check(t, unix.Mkfifo(path, 0o600))
	f, err := Open(Config{Path: path, Interface: "eth0", MaxSize: 1})
	check(t, err)
	defer f.Close()
	for range 3 {
		check(t, f.Write(Packet{Time: epoch, Interface: "eth0", Data: []byte{1}}))
	}
	check(t, f.Flush())
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		t.Error(info, err)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "nosuch", "file"), ""} {
		if _, err := Open(Config{Path: path}); err == nil || !strings.Contains(err.Error(), "capture file") || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", path, err)
		}
	}
}
