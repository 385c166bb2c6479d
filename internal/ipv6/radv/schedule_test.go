package radv

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/mdlayher/ndp"
)

// TestSolicitedByNobody: solicitations from the unspecified address are answered to all nodes, as
// if unsolicited, and never two within MIN_DELAY_BETWEEN_RAS (RFC 4861 section 6.2.6).
func TestSolicitedByNobody(t *testing.T) {
	a := newAdvertiser(t, as)
	solicit := from(t, netip.IPv6Unspecified(), &ndp.RouterSolicitation{})
	var last time.Time
	times := 0
	for now := start; now.Before(start.Add(time.Minute)); now = now.Add(10 * time.Millisecond) {
		if err := a.Receive(now, solicit); err != nil {
			t.Fatal(err)
		}
		m := a.Advance(now)
		if m.Data == nil {
			continue
		}
		if m.To != allNodes || !last.IsZero() && (now.Sub(last) < minDelayBetweenRAs || now.Sub(last) > minDelayBetweenRAs+maxReplyDelay) {
			t.Errorf("advertised to %v, %v after the last", m.To, now.Sub(last))
		}
		last = now
		times++
	}
	if times < 60*2/7 {
		t.Errorf("%d advertisements in a minute", times)
	}
}

// TestShortestInterval: of the shortest interval, no two are within MIN_DELAY_BETWEEN_RAS.
func TestShortestInterval(t *testing.T) {
	a := newAdvertiser(t, func(c *AdvertiserConfig) { c.Interval = minAdvertInterval })
	now := start
	a.Advance(now)
	for range 100 {
		gap := a.Next().Sub(now)
		if gap < minDelayBetweenRAs || gap > minAdvertInterval {
			t.Errorf("the next one after %v", gap)
		}
		now = a.Next()
		a.Advance(now)
	}
}

// TestSwitchLink: one Advertiser for two links sends what two of the same random numbers would.
func TestSwitchLink(t *testing.T) {
	prefixes := []netip.Prefix{netip.MustParsePrefix("2001:db8:a::/64"), netip.MustParsePrefix("2001:db8:b::/64")}
	random := rand.New(rand.NewPCG(1, 2))
	both := newAdvertiser(t, func(c *AdvertiserConfig) { c.Rand, c.Prefixes = random, nil })
	random2 := rand.New(rand.NewPCG(1, 2))
	var links [2]Link
	var alone [2]*Advertiser
	for i, p := range prefixes {
		links[i] = Link{Prefix: p, MTU: 1400 + i, Schedule: Schedule{Next: start}}
		alone[i] = newAdvertiser(t, func(c *AdvertiserConfig) { c.Rand, c.Prefixes, c.MTU = random2, []netip.Prefix{p}, 1400+i })
	}
	for now := start; now.Before(start.Add(time.Hour)); now = now.Add(time.Second / 4) {
		for i, a := range alone {
			both.SwitchLink(links[i])
			if int(now.Unix())%1000 == 7*i {
				p := from(t, ours, &ndp.RouterSolicitation{})
				if a.Receive(now, p) != nil || both.Receive(now, p) != nil {
					t.Fatal("a solicitation is dropped")
				}
			}
			want, got := a.Advance(now), both.Advance(now)
			if !bytes.Equal(want.Data, got.Data) || want.To != got.To || a.Next() != both.Next() {
				t.Fatalf("link %d after %v: %v, want %v", i, now.Sub(start), got, want)
			}
			links[i].Schedule = both.Schedule()
		}
	}
}
