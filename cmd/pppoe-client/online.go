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

// online decides when the client is online and may go to the background: when it returns to its caller,
// addresses and routes are set.
type online struct {
	wanted     bool
	ipv4, ipv6 family
	ready      func()

	mu      sync.Mutex
	timer   *time.Timer   // ends the wait for the other family; nil if none runs
	timeout time.Duration // the duration of timer

	adopted, confirmed bool // the session was adopted, and its concentrator has confirmed that it has it
	detached           bool
}

// family is the state of IPv4 or IPv6.
type family struct{ wanted, up, failed bool }

// pending reports whether the family may still come up.
func (f family) pending() bool { return f.wanted && !f.up && !f.failed }

// Timeouts for one family when the other is up. Most users need IPv4, and IPCP reports failure after ten
// requests three seconds apart. IPv6CP negotiates only a link-local address, and a peer without IPv6 may
// not reject it.
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
		o.ipv4.up, o.ipv6.up, o.adopted = e.HasIPv4(), e.HasIPv6(), false
	case pppoe.Adopted: // its concentrator may not have it any more
		o.ipv4.up, o.ipv6.up, o.adopted = e.HasIPv4(), e.HasIPv6(), true
	case pppoe.Continued:
		o.confirmed = true
	case pppoe.NetworkLost:
		o.of(e.Protocol).up = false
	case pppoe.Ended: // the next session starts from the beginning
		o.ipv4, o.ipv6 = family{wanted: o.ipv4.wanted}, family{wanted: o.ipv6.wanted}
		o.adopted, o.confirmed = false, false
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

// decide goes to the background now, after a timeout, or not yet.
func (o *online) decide() {
	switch {
	case !o.ipv4.up && !o.ipv6.up, o.adopted && !o.confirmed:
		o.wait(0)
	case o.ipv4.pending():
		o.wait(ipv4Timeout)
	case o.ipv6.pending():
		o.wait(ipv6Timeout)
	default:
		o.detach()
	}
}

// wait sets the timer, unless it already runs with the same duration; 0 means no timer.
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
