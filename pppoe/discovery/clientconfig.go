package discovery

import (
	"fmt"
	"io"
	"time"

	"upppoe/pppoe/wire"
)

// MaxService bounds a Service-Name that is asked for, in octets: a PADI has room for 1484 of all
// (RFC 2516 section 5.1).
const MaxService = 1024

// ClientConfig is which concentrator a client wants, and how it asks. Zero fields
// stand for the defaults.
type ClientConfig struct {
	// Service is the Service-Name wanted, of MaxService octets at most; empty: any.
	Service string
	// OmitService leaves the Service-Name tag out, against RFC 2516 section 5.1:
	// some concentrators answer only then.
	OmitService bool
	// ACNames and AC are the concentrators wanted: any of some names, and the one
	// with an address; empty and zero: any.
	ACNames []string
	AC      wire.Addr
	// Avoid are concentrators that are asked only if no other has answered in the
	// time that some take longer than others: they failed us before.
	Avoid []wire.Addr
	// HostUniq marks our packets; nil: eight random octets; of length 0: none.
	HostUniq []byte
	// MaxPayload is the longest PPP payload we can carry, asked for if above
	// 1492 octets (RFC 4638).
	MaxPayload int
	// Timeout is how long to wait for an answer, the first time: it doubles
	// with each attempt (RFC 2516 section 8). Default 5 s.
	Timeout time.Duration
	// Attempts is how often a PADI, and then a PADR, is sent. Default 3.
	Attempts int
	// FastRetry is for how long a PADI is sent every second or so, before the patience
	// above begins: a session has just been lost, and whoever lost it wants it back.
	FastRetry time.Duration
	// AccessLine is told in every PADI and PADR (TR-101).
	AccessLine wire.AccessLine
	// Probe only gathers offers, for the whole of each Timeout, and does not
	// double it.
	Probe bool
	// Rand is where Host-Uniq and jitter come from; nil: crypto/rand. It must not fail.
	Rand io.Reader
}

// Check names the first field that is wrong; in is where the configuration is.
func (c *ClientConfig) Check(in string) error {
	if n := len(c.Service); n > MaxService {
		return fmt.Errorf("pppoe: %s.Service has %d octets: give at most %d", in, n, MaxService)
	}
	h := Client{cfg: *c}
	// Tags.Append leaves out what no LENGTH can tell.
	if n := wire.HeaderLen + max(len(c.HostUniq), len(h.commonTags(h.serviceTag(nil)))); n > maxDiscovery {
		return fmt.Errorf("pppoe: %s makes a PADI of %d octets, and a frame has room for %d: shorten HostUniq (%d) or Service (%d)",
			in, n, maxDiscovery, len(c.HostUniq), len(c.Service))
	}
	return nil
}

// Offer is a concentrator's PADO.
type Offer struct {
	AC   wire.Addr
	Tags wire.Tags // a copy
}

// Name is the AC-Name: a stranger's words, escape it before printing.
func (o Offer) Name() string {
	v, _ := o.Tags.Find(wire.TagACName)
	return string(v)
}

// Grant is what a PADS gives.
type Grant struct {
	SessionID  uint16
	AC         wire.Addr
	ACName     string // untrusted: escape it before printing
	Service    string // likewise
	MaxPayload int    // agreed on by RFC 4638, in octets; 0: 1492
	// PADTTags are the tags by which the concentrator knows the session: our PADT bears them.
	PADTTags wire.Tags
	// RTT is how long PADS took to come after the first PADR.
	RTT time.Duration
}

// Result is what a step of discovery came to: at most one of its fields is set.
type Result struct {
	Offer     *Offer     // a PADO that is acceptable
	Grant     *Grant     // discovery is done
	Rejection *Rejection // a concentrator would not have us; another attempt follows
	TimedOut  wire.Code  // PADO or PADS: what did not come. Discovery is over, as it may be without
}

// Rejection is a PADO or PADS with an error tag, or with session 0.
type Rejection struct {
	AC wire.Addr
	wire.Error
}
