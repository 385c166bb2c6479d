package pppoe

import (
	"crypto/rand"

	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// answer returns a concentrator's packet.
func answer(code wire.Code, id uint16, tags ...wire.Tag) wire.DiscoveryFrame {
	var list wire.Tags
	for _, tag := range tags {
		list = list.Append(tag.Type, tag.Value)
	}
	return wire.DiscoveryFrame{Dst: hostAddr, Src: acAddr, Discovery: wire.Discovery{Code: code, SessionID: id, Tags: list}}
}

func tag(typ wire.TagType, value string) wire.Tag { return wire.Tag{Type: typ, Value: []byte(value)} }

// startedClient returns a discovery client that has sent its PADI, with Host-Uniq "mine".
func startedClient(cfg discovery.ClientConfig) (*discovery.Client, *wire.Queue) {
	cfg.HostUniq, cfg.Rand = []byte("mine"), rand.Reader
	h, q := discovery.NewClient(hostAddr, cfg), &wire.Queue{}
	h.Start(epoch, q)
	return h, q
}

var (
	ourHostUniq = tag(wire.TagHostUniq, "mine")
	named       = tag(wire.TagACName, "ac")
	anyService  = tag(wire.TagServiceName, "")
)
