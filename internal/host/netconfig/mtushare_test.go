package netconfig

import (
	"os"
	"testing"

	"github.com/vishvananda/netlink"
)

// TestMTUShareFile: the content of the file, who shares it, and who is the last.
func TestMTUShareFile(t *testing.T) {
	c := openMTUShares(t.TempDir())
	if c == nil {
		t.Fatal("no directory of shares")
	}
	defer c.close()
	link := func(mtu int) netlink.Link {
		return &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Index: 7, MTU: mtu}}
	}
	if is := c.join(link(1508), 1508); is != nil {
		t.Errorf("an MTU that suffices is claimed: %+v", is)
	}
	first := c.join(link(1500), 1508)
	if first == nil || first.was != 1500 || first.raised != 1508 || first.file == nil {
		t.Fatalf("the first: %+v", first)
	}
	path := first.file.Name()
	if text, err := os.ReadFile(path); string(text) != "1500       1508      \n" {
		t.Errorf("the file says %q, %v", text, err)
	}
	second := c.join(link(1508), 1508) // as the first one has raised it
	if second == nil || second.was != 1500 || second.raised != 1508 {
		t.Fatalf("the second: %+v", second)
	}
	third := c.join(link(1600), 1700) // it has been set to 1600 meanwhile
	if third == nil || third.was != 1600 || third.raised != 1700 {
		t.Fatalf("the third: %+v", third)
	}
	for i, is := range []*mtuShare{first, second} {
		if was, raised, last := c.leave(is); last || was != 0 || raised != 0 {
			t.Errorf("share %d of 3 is the last: %d, %d", i+1, was, raised)
		}
	}
	if was, raised, last := c.leave(third); !last || was != 1600 || raised != 1700 {
		t.Errorf("the last: %d, %d, %v; want 1600, 1700", was, raised, last)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is left behind: %v", err)
	}
	alone := (*mtuShares)(nil).join(link(1500), 1508)
	if alone == nil || alone.file != nil {
		t.Fatalf("without files: %+v", alone)
	}
	if was, raised, last := (*mtuShares)(nil).leave(alone); !last || was != 1500 || raised != 1508 {
		t.Errorf("without files: %d, %d, %v", was, raised, last)
	}
	if is := (*mtuShares)(nil).join(link(1508), 1508); is != nil {
		t.Errorf("without files, an MTU that suffices is claimed: %+v", is)
	}
}
