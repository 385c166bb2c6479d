package netconfig

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// TestParseResolvConf: the original text is restored, whatever was added to or removed from the
// changed one.
func TestParseResolvConf(t *testing.T) {
	const begin, end, aside = "# upppoe added this for ", "# upppoe added this: end\n", "# upppoe put aside: "
	for _, c := range []struct {
		what, text, before string
		blocks             []nameServerBlock
		made               bool
	}{
		{"nothing of ours", "nameserver 192.0.2.1\n", "nameserver 192.0.2.1\n", nil, false},
		{"only what was put aside", aside + "nameserver 192.0.2.1\n", aside + "nameserver 192.0.2.1\n", nil, false},
		{"one", begin + "ppp0\nnameserver 192.0.2.1\n" + end + aside + "nameserver 198.51.100.1\nsearch x\n", "nameserver 198.51.100.1\nsearch x\n", []nameServerBlock{{"ppp0", "nameserver 192.0.2.1\n"}}, false},
		{"a file that was made", begin + "ppp0, and made the file\nnameserver 192.0.2.1\n" + end, "", []nameServerBlock{{"ppp0", "nameserver 192.0.2.1\n"}}, true},
		{"two, of which the first made it", begin + "ppp0, and made the file\na\n" + end + begin + "ppp1\nb\n" + end + "c\n", "c\n", []nameServerBlock{{"ppp0", "a\n"}, {"ppp1", "b\n"}}, true},
		{"two, of which the second says so", begin + "ppp0\na\n" + end + begin + "ppp1, and made the file\nb\n" + end, "", []nameServerBlock{{"ppp0", "a\n"}, {"ppp1", "b\n"}}, true},
		{"the same device twice: the later counts", begin + "ppp0\na\n" + end + begin + "ppp1\nb\n" + end + begin + "ppp0\nc\n" + end, "", []nameServerBlock{{"ppp1", "b\n"}, {"ppp0", "c\n"}}, false},
		{"put aside within", begin + "ppp0\na\n" + aside + "b\nc\n" + end, "b\n", []nameServerBlock{{"ppp0", "a\nc\n"}}, false},
		{"no end", begin + "ppp0\na\n", "", []nameServerBlock{{"ppp0", "a\n"}}, false},
	} {
		before, blocks, made := parseResolvConf(c.text)
		if before != c.before || !slices.Equal(blocks, c.blocks) || made != c.made {
			t.Errorf("%s: %q, %q, made %v; want %q, %q, %v", c.what, before, blocks, made, c.before, c.blocks, c.made)
		}
	}
	const text = "\n  \nnameserver 198.51.100.1\nnameservers x\n# nameserver y\nsearch z"
	got := renderResolvConf(text, true, []nameServerBlock{{"ppp0", "a\n"}, {"ppp1", "b\n"}})
	if want := begin + "ppp0, and made the file\na\n" + end + begin + "ppp1\nb\n" + end + "\n  \n" + aside + "nameserver 198.51.100.1\nnameservers x\n# nameserver y\nsearch z"; got != want {
		t.Errorf("changed to\n%s, want\n%s", got, want)
	}
}

// FuzzResolvConf: any text is restored.
func FuzzResolvConf(f *testing.F) {
	f.Add(formerText, true)
	f.Add("nameserver 1.2.3.4", false)
	f.Add("\n\nnameserver", false)
	f.Fuzz(func(t *testing.T, text string, made bool) {
		text, blocks, _ := parseResolvConf(text) // the original of a changed text is never a changed one
		if len(blocks) > 0 && strings.Contains(text, blockBegin) || strings.Contains(text, commentedOut) || strings.Contains(text, blockEnd) {
			return // made to look changed
		}
		want := []nameServerBlock{newBlock("ppp0", []netip.Addr{server1}), newBlock("ppp1", []netip.Addr{server1, server2})}
		back, blocks, was := parseResolvConf(renderResolvConf(text, made, want))
		if back != text || !slices.Equal(blocks, want) || was != made {
			t.Errorf("%q comes back as %q, changed by %q, made %v", text, back, blocks, was)
		}
	})
}
