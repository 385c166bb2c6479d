package radv

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/ndp"

	"upppoe/internal/ipv6/lifetime"
)

// RFC 4861 sections 6.2.1 and 10.
const (
	// DefaultInterval is the longest time between unsolicited advertisements (MaxRtrAdvInterval).
	DefaultInterval = 10 * time.Minute

	maxInitialInterval       = 16 * time.Second // MAX_INITIAL_RTR_ADVERT_INTERVAL
	maxInitialAdvertisements = 3
	maxReplyDelay            = 500 * time.Millisecond
	minAdvertInterval        = 4 * time.Second

	maxAdvertInterval = 30 * time.Minute

	lifetimeIntervals  = 3 // router lifetime, in intervals
	minDelayBetweenRAs = 3 * time.Second
)

// AdvertiserConfig is what a router always advertises.
type AdvertiserConfig struct {
	// Prefixes are for SLAAC, of 64 bits each.
	Prefixes []netip.Prefix
	// Preferred and Valid are the prefixes' lifetimes.
	Preferred, Valid time.Duration
	// Managed and Other are the M and O flags, which tell hosts to use DHCPv6 for addresses or for
	// other configuration.
	Managed, Other bool
	// DefaultRouter advertises us as a default router.
	DefaultRouter bool
	// MTU is the link's, in octets; 0: not advertised.
	MTU int
	// NameServers and SearchDomains are the RDNSS and DNSSL options (RFC 8106).
	NameServers   []netip.Addr
	SearchDomains []string
	// Interval is MaxRtrAdvInterval, from 4 s to 30 min; 0: DefaultInterval.
	Interval time.Duration
	// Rand provides jitter. It must be set.
	Rand *rand.Rand
}

// Advertiser is the router of one link. NewAdvertiser makes it.
type Advertiser struct {
	cfg          AdvertiserConfig
	params       Parameters
	stale        []AdvertisedPrefix
	sendFailures int
	schedule     Schedule
}

// ErrConfig reports an invalid AdvertiserConfig (wrapped).
var ErrConfig = errors.New("router advertisement")

// NewAdvertiser makes the router of a link that has just come up.
func NewAdvertiser(now time.Time, cfg *AdvertiserConfig) (*Advertiser, error) {
	a := &Advertiser{cfg: *cfg, schedule: Schedule{Next: now}}
	if a.cfg.Interval == 0 {
		a.cfg.Interval = DefaultInterval
	}
	if err := a.cfg.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if _, err := ndp.MarshalMessage(a.message(now)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return a, nil
}

// check rejects what a host would not accept.
func (c *AdvertiserConfig) check() error {
	if c.Interval < minAdvertInterval || c.Interval > maxAdvertInterval {
		return fmt.Errorf("interval %v is not from %v to %v", c.Interval, minAdvertInterval, maxAdvertInterval)
	}
	if c.MTU != 0 && (c.MTU < minMTU || c.MTU > 0xffff) {
		return fmt.Errorf("MTU %d is not from %d to 65535", c.MTU, minMTU)
	}
	for _, p := range c.Prefixes {
		if !lifetime.IsHostPrefix(p) || p.Bits() != 128-identifierBits || p != p.Masked() {
			return fmt.Errorf("%v is not a prefix of 64 bits", p)
		}
	}
	for _, a := range c.NameServers {
		if !lifetime.IsServerAddress(a) {
			return fmt.Errorf("%v is not the address of an IPv6 name server", a)
		}
	}
	for _, d := range c.SearchDomains {
		if !lifetime.IsDomainName(d) {
			return fmt.Errorf("%q is not a domain name", d)
		}
	}
	return nil
}

// marshal returns no Data for what cannot be encoded, which NewAdvertiser has tried and Update has
// checked.
func marshal(ra *ndp.RouterAdvertisement, to netip.Addr) Message {
	data, err := ndp.MarshalMessage(ra)
	if err != nil {
		return Message{}
	}
	return Message{data, to}
}

func (a *Advertiser) message(now time.Time) *ndp.RouterAdvertisement {
	// RFC 4861 section 6.2.1 and RFC 8106 section 5.1.
	life := lifetimeIntervals * a.cfg.Interval
	ra := &ndp.RouterAdvertisement{
		CurrentHopLimit:      64,
		ManagedConfiguration: a.cfg.Managed,
		OtherConfiguration:   a.cfg.Other,
	}
	if a.cfg.DefaultRouter || a.params.DefaultRouter {
		ra.RouterLifetime = life
	}
	for _, p := range a.cfg.Prefixes {
		ra.Options = append(ra.Options, a.prefixInformation(p))
	}
	if a.cfg.MTU > 0 {
		ra.Options = append(ra.Options, ndp.NewMTU(uint32(a.cfg.MTU)))
	}
	ra.Options = append(ra.Options, a.prefixOptions(now)...)
	if servers := slices.Concat(a.cfg.NameServers, a.params.NameServers); len(servers) > 0 {
		ra.Options = append(ra.Options, &ndp.RecursiveDNSServer{Lifetime: life, Servers: servers})
	}
	if domains := slices.Concat(a.cfg.SearchDomains, a.params.SearchDomains); len(domains) > 0 {
		ra.Options = append(ra.Options, &ndp.DNSSearchList{Lifetime: life, DomainNames: domains})
	}
	return ra
}

// prefixInformation makes an option without the on-link flag: packets to addresses that the host
// does not have would loop between the two ends.
func (a *Advertiser) prefixInformation(p netip.Prefix) *ndp.PrefixInformation {
	return &ndp.PrefixInformation{
		Prefix: p.Addr(), PrefixLength: uint8(p.Bits()), AutonomousAddressConfiguration: true,
		PreferredLifetime: min(a.cfg.Preferred, lifetime.Infinity),
		ValidLifetime:     min(a.cfg.Valid, lifetime.Infinity),
	}
}

// Restart begins as on a link that has just come up, whose hosts have received no advertisement.
func (a *Advertiser) Restart(now time.Time) {
	a.sendFailures = 0
	a.schedule.Restart(now)
}

// Receive handles a router solicitation. The error says why it was dropped: it is one of this
// package's (wrapped).
func (a *Advertiser) Receive(now time.Time, p Packet) error {
	if err := checkSolicitation(p); err != nil {
		return err
	}
	a.schedule.solicited(now, p.Source.WithZone(""), a.cfg.Rand)
	return nil
}

// Advance processes timers. It returns an advertisement to send; without Data there is none. A
// solicited advertisement is sent to the host (RFC 4861 section 6.2.6), so that
// MIN_DELAY_BETWEEN_RAS does not apply.
func (a *Advertiser) Advance(now time.Time) Message {
	a.stale = slices.DeleteFunc(a.stale, func(n AdvertisedPrefix) bool { return n.Expired(now) })
	to := a.schedule.due(now, a.cfg.Interval, a.cfg.Rand)
	if !to.IsValid() {
		return Message{}
	}
	return marshal(a.message(now), to)
}

// Next returns when Advance has something to do.
func (a *Advertiser) Next() time.Time { return a.schedule.Earliest() }

// Final returns the advertisement of a router that ceases to be one (RFC 4861 section 6.2.5).
func (a *Advertiser) Final(now time.Time) Message {
	a.Update(now, Parameters{})
	ra := a.message(now)
	ra.RouterLifetime = 0
	return marshal(ra, allNodes)
}
