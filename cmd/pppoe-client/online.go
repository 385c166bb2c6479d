package main

import (
	"sync"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/internal/process/daemonize"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// online waits until the client is of use, and then lets it go to the background:
// whoever called it finds addresses and routes in place.
type online struct {
	wanted     bool
	ipv4, ipv6 family
	ready      func()

	mu    sync.Mutex
	late  *time.Timer   // when what is still to come is not waited for any more; nil: nothing is waited for
	after time.Duration // which late was set to
	left  bool
}

// family is how IPv4 or IPv6 is.
type family struct{ wanted, up, failed bool }

// awaited reports whether the family may still come.
func (f family) awaited() bool { return f.wanted && !f.up && !f.failed }

// How long a family is waited for when the other is up. IPv4 is what most came for, and IPCP
// says of itself when it has failed, after ten requests three seconds apart. Of IPv6 there is but
// a link-local address to be had here, and a peer that does not speak it may not say so.
const (
	longestIPv4 = 35 * time.Second
	longestIPv6 = time.Second
)

func newOnline(s *pppd.Settings, ready func()) *online {
	wanted := s.Detach == pppd.Online && daemonize.IsChild() || s.NotifySystemd
	return &online{wanted: wanted, ipv4: family{wanted: !s.NoIP}, ipv6: family{wanted: !s.NoIPv6}, ready: ready}
}

// handle takes the client's events, one at a time.
func (o *online) handle(event pppoe.Event) {
	if !o.wanted {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch e := event.(type) {
	case session.NetworkFailed:
		o.of(e.Protocol).failed = true
	case pppoe.Configured:
		o.ipv4.up, o.ipv6.up = e.HasIPv4(), e.HasIPv6()
	case pppoe.NetworkLost:
		o.of(e.Protocol).up = false
	case pppoe.Ended: // the next session may have what this one has not
		o.ipv4, o.ipv6 = family{wanted: o.ipv4.wanted}, family{wanted: o.ipv6.wanted}
	default:
		return
	}
	o.decide()
}

func (o *online) of(p ppp.Protocol) *family {
	if p == ppp.IPv6CP {
		return &o.ipv6
	}
	return &o.ipv4
}

// decide lets the client go to the background now, or later, or not yet.
func (o *online) decide() {
	switch {
	case !o.ipv4.up && !o.ipv6.up:
		o.wait(0)
	case o.ipv4.awaited():
		o.wait(longestIPv4)
	case o.ipv6.awaited():
		o.wait(longestIPv6)
	default:
		o.leave()
	}
}

// wait waits no longer than told, from when this was first told; 0: for ever.
func (o *online) wait(longest time.Duration) {
	if o.after == longest {
		return
	}
	if o.late != nil {
		o.late.Stop()
		o.late = nil
	}
	if o.after = longest; longest > 0 {
		var late *time.Timer
		late = time.AfterFunc(longest, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			if o.late == late { // it was not stopped meanwhile
				o.leave()
			}
		})
		o.late = late
	}
}

// leave goes to the background, once.
func (o *online) leave() {
	if !o.left {
		o.left = true
		o.ready()
	}
}
