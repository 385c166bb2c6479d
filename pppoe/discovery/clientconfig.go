package discovery

import (
	"fmt"
	"io"
	"time"

	"upppoe/pppoe/wire"
)

// MaxService is the longest Service-Name that is requested, in octets: a PADI has room for 1484
// octets in total (RFC 2516 section 5.1).
const MaxService = 1024

// ClientConfig selects the concentrator and the contents of a Client's packets. A zero field
// selects the default.
type ClientConfig struct {
	// Service is the Service-Name requested, at most MaxService octets; empty: any.
	Service string
	// OmitService omits the Service-Name tag, against RFC 2516 section 5.1: some concentrators
	// answer only then.
	OmitService bool
	// ACNames and AC restrict the concentrators: to any of some names, and to an Ethernet address;
	// empty and zero: any.
	ACNames []string
	AC      wire.Addr
	// Avoid lists concentrators to try last, because their last session failed: they are sent a
	// PADR only if no other has made an offer within half a second.
	Avoid []wire.Addr
	// HostUniq is the Host-Uniq tag of our packets; nil: eight random octets; empty but not nil: no
	// tag.
	HostUniq []byte
	// MaxPayload is the longest PPP payload that we can carry, in octets; above 1492 it is
	// requested (RFC 4638).
	MaxPayload int
	// Timeout is how long to wait for the first answer; it doubles with each attempt (RFC 2516
	// section 8). Default 5 s.
	Timeout time.Duration
	// Attempts is how many times a PADI, and then a PADR, is sent. Default 3.
	Attempts int
	// FastRetry is how long PADIs are sent about once a second before Attempts and Timeout apply,
	// as after the loss of a session.
	FastRetry time.Duration
	// AccessLine is sent in every PADI and PADR (TR-101).
	AccessLine wire.AccessLine
	// Probe collects all offers of each full Timeout, without doubling it, and sends no PADR.
	Probe bool
	// Rand is the source of Host-Uniq and jitter; nil: crypto/rand. It must not fail.
	Rand io.Reader
}

// Check returns an error that names the first field that is wrong. name is the configuration's name
// in that error.
func (c *ClientConfig) Check(name string) error {
	if n := len(c.Service); n > MaxService {
		return fmt.Errorf("discovery: %s.Service has %d octets: give at most %d", name, n, MaxService)
	}
	client := Client{cfg: *c}
	// Tags.Append omits a tag that exceeds LENGTH, so HostUniq is counted on its own too.
	if n := wire.HeaderLen + max(len(c.HostUniq), len(client.commonTags(client.serviceTag(nil)))); n > maxDiscovery {
		return fmt.Errorf("discovery: %s makes a PADI of %d octets, and a frame has room for %d: shorten HostUniq (%d) or Service (%d)",
			name, n, maxDiscovery, len(c.HostUniq), len(c.Service))
	}
	return nil
}

// Offer is a concentrator's PADO.
type Offer struct {
	AC   wire.Addr
	Tags wire.Tags // a copy
}

// Name returns the AC-Name. It is untrusted: escape it before printing.
func (o Offer) Name() string {
	v, _ := o.Tags.Find(wire.TagACName)
	return string(v)
}

// Grant is the session that a PADS has granted.
type Grant struct {
	SessionID  uint16
	AC         wire.Addr
	ACName     string // untrusted: escape it before printing
	Service    string // untrusted
	MaxPayload int    // as negotiated (RFC 4638), in octets; 0: 1492
	// PADTTags are the tags of our PADT: the concentrator may identify the session by them.
	PADTTags wire.Tags
	// RTT is the time from the first PADR to the PADS.
	RTT time.Duration
}

// Result is the result of Receive or Advance: at most one field is set.
type Result struct {
	Offer     *Offer     // a PADO that matches
	Grant     *Grant     // discovery is done
	Rejection *Rejection // a concentrator has rejected us; discovery may continue
	TimedOut  wire.Code  // PADO or PADS, which did not arrive: discovery is done
}

// Rejection is a PADO or PADS with an error tag, or a PADS with session ID 0.
type Rejection struct {
	AC wire.Addr
	wire.Error
}
