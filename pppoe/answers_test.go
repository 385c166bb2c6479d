package pppoe

import "crypto/rand"

// answer makes a concentrator's packet.
func answer(code Code, id uint16, tags ...Tag) DiscoveryFrame {
	var list Tags
	for _, tag := range tags {
		list = list.Append(tag.Type, tag.Value)
	}
	return DiscoveryFrame{hostAddr, acAddr, Discovery{code, id, list}}
}

func tag(typ TagType, value string) Tag { return Tag{typ, []byte(value)} }

// asking is a discovery that has sent its PADI, with Host-Uniq "mine".
func asking(cfg HostConfig) (*HostDiscovery, *Queue) {
	cfg.HostUniq, cfg.Rand = []byte("mine"), rand.Reader
	h, q := NewHostDiscovery(hostAddr, cfg), &Queue{}
	h.Start(epoch, q)
	return h, q
}

var (
	mine  = tag(TagHostUniq, "mine")
	named = tag(TagACName, "ac")
	any0  = tag(TagServiceName, "")
)
