package programpages

import (
	"slices"
	"strings"
	"testing"
)

const smaps = `00400000-0103c000 r-xp 00000000 fe:00 10133594                           /usr/sbin/pppoe-server
Size:              12528 kB
Rss:               11504 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
0103c000-01e9d000 r--p 00c3c000 fe:00 10133594                           /usr/sbin/pppoe-server
Rss:               12932 kB
Anonymous:             0 kB
01e9d000-01fa1000 rw-p 01a9d000 fe:00 10133594                           /usr/sbin/pppoe-server
Anonymous:             0 kB
01fa1000-01fb1000 r--p 01a9d000 fe:00 10133594                           /usr/sbin/pppoe-server
Anonymous:             4 kB
7f0000000000-7f0000010000 r--p 00000000 fe:00 326269                     /usr/lib/libc.so.6
Anonymous:             0 kB
c000000000-c000400000 rw-p 00000000 00:00 0
Anonymous:             0 kB
`

func TestOnlyUnchangedPagesAreUnmapped(t *testing.T) {
	want := []mapping{{0x400000, 0x103c000}, {0x103c000, 0x1e9d000}}
	if got := unchanged(strings.NewReader(smaps), "/usr/sbin/pppoe-server"); !slices.Equal(got, want) {
		t.Errorf("%x", got)
	}
	if got := unchanged(strings.NewReader(smaps), "/usr/sbin/pppoe"); len(got) > 0 {
		t.Errorf("of another file: %x", got)
	}
}

// TestProgramGoesOn: what was unmapped is mapped again when it is used.
func TestProgramGoesOn(t *testing.T) {
	for range 3 {
		if err := Unmap(); err != nil {
			t.Fatal(err)
		}
	}
}
