package afpacket

import (
	"testing"

	"upppoe/pppoe/vlan"
)

// TestTagsFilter: received frames with a tag pass, of any ethertype and station, whether the kernel has removed
// the tag or not; others and our own do not.
func TestTagsFilter(t *testing.T) {
	const otherType, otherIndex = 0x0806, ourIndex + 1
	plain := append(append(append([]byte(nil), hostAddr[:]...), trunkAddr[:]...), otherType>>8, otherType&0xff, 0, 0)
	for _, c := range []struct {
		name    string
		tags    vlan.Stack
		removed vlan.Tag
		kind    uint32
		passes  bool
	}{
		{"untagged", vlan.Stack{}, vlan.Tag{}, 0, false},
		{"tagged", vlan.Stack{{TPID: vlan.CTag, VID: 7}}, vlan.Tag{}, otherHost, true},
		{"another tag", vlan.Stack{{TPID: 0x9100, VID: 7}}, vlan.Tag{}, 0, true},
		{"removed tag", vlan.Stack{}, vlan.Tag{TPID: vlan.STag, VID: 7}, otherHost, true},
		{"removed tag and another", vlan.Stack{{TPID: vlan.CTag, VID: 7}}, vlan.Tag{TPID: vlan.STag, VID: 7}, otherHost, true},
		{"sent by us", vlan.Stack{{TPID: vlan.CTag, VID: 7}}, vlan.Tag{}, outgoing, false},
	} {
		if got := runs(t, tagsFilter(), c.tags.Insert(plain, 3), c.removed, c.kind, otherIndex); got != c.passes {
			t.Errorf("%s: passes %v", c.name, got)
		}
	}
}
