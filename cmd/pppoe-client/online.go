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

	mu       sync.Mutex
	timer    *time.Timer   // when what is still to come is not waited for any more; nil: nothing is waited for
	timeout  time.Duration // which late was set to
	detached bool
}

// family is how IPv4 or IPv6 is.
type family struct{ wanted, up, failed bool }

// pending reports whether the family may still come.
func (f family) pending() bool { return f.wanted && !f.up && !f.failed }

// How long a family is waited for when the other is up. IPv4 is what most came for, and IPCP
// says of itself when it has failed, after ten requests three seconds apart. Of IPv6 there is but
// a link-local address to be had here, and a peer that does not speak it may not say so.
const (
	ipv4Timeout = 35 * time.Second
	ipv6Timeout = time.Second
)

func newOnline(s *pppd.Settings, ready func()) *online {
	wanted := s.Detach == pppd.DetachOnline && daemonize.IsChild() || s.NotifySystemd
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
	case o.ipv4.pending():
		o.wait(ipv4Timeout)
	case o.ipv6.pending():
		o.wait(ipv6Timeout)
	default:
		o.detach()
	}
}

// wait waits no longer than told, from when this was first told; 0: for ever.
func (o *online) wait(longest time.Duration) {
	if o.timeout == longest {
		return
	}
	if o.timer != nil {
		o.timer.Stop()
		o.timer = nil
	}
	if o.timeout = longest; longest > 0 {
		var late *time.Timer
		late = time.AfterFunc(longest, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			if o.timer == late { // it was not stopped meanwhile
				o.detach()
			}
		})
		o.timer = late
	}
}

// detach goes to the background, once.
func (o *online) detach() {
	if !o.detached {
		o.detached = true
		o.ready()
	}
}
