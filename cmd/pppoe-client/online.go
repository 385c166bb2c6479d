package main

import (
	"sync"
	"time"

	"upppoe/internal/background"
	"upppoe/internal/pppd"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// online waits until the client is of use, and then lets it go to the background:
// whoever called it finds addresses and routes in place.
type online struct {
	wanted     bool
	ipv4, ipv6 bool // what is still to come
	leave      sync.Once
	ready      func()
}

// slow is how long a family may come after the other before nobody waits for it: the
// peer may not speak it, and not say so.
const slow = time.Second

func newOnline(s *pppd.Settings, ready func()) *online {
	wanted := s.Detach == pppd.Online && background.IsCopy() || s.NotifySystemd
	return &online{wanted: wanted, ipv4: !s.NoIP, ipv6: !s.NoIPv6, ready: ready}
}

// heed takes the client's events, one at a time.
func (o *online) heed(event pppoe.Event) {
	if !o.wanted {
		return
	}
	switch e := event.(type) {
	case session.NetworkFailed:
		o.ipv4 = o.ipv4 && e.Protocol != ppp.IPCP
		o.ipv6 = o.ipv6 && e.Protocol != ppp.IPv6CP
	case pppoe.Configured:
		o.ipv4 = o.ipv4 && !e.HasIPv4()
		o.ipv6 = o.ipv6 && !e.HasIPv6()
		if !o.ipv4 && !o.ipv6 {
			o.leave.Do(o.ready)
		} else {
			time.AfterFunc(slow, func() { o.leave.Do(o.ready) })
		}
	}
}
