package discovery

import (
	"crypto/sha256"
	"errors"
	"io"
	"time"

	"upppoe/pppoe/wire"
)

// ConcentratorConfig is how a concentrator presents itself. Zero fields stand for
// the defaults.
type ConcentratorConfig struct {
	// ACName is its name; it must be set (RFC 2516 section 5.2).
	ACName string
	// Services are the Service-Names that it has; none: it serves any, the
	// empty one included.
	Services []string
	// MaxPayload is the longest PPP payload that it can carry, in octets: above
	// 1492, hosts may ask for more (RFC 4638).
	MaxPayload int
	// CookieLifetime is how long an AC-Cookie is good for; default 60 s.
	CookieLifetime time.Duration
	// Rand is where the key of the cookies comes from; nil: crypto/rand. It must not fail.
	Rand io.Reader
}

// Concentrator is the access concentrator's side of discovery (RFC 2516 section
// 5): a value that is told packets and the time, and remembers none. Who has a
// session is its owner's business. It is not safe for concurrent use.
type Concentrator struct {
	cfg     ConcentratorConfig
	own     wire.Addr
	cookies *cookieSigner
}

// Request is a PADR that may have a session: its owner answers it by Confirm or
// Refuse.
type Request struct {
	Client     wire.Addr
	Service    string    // untrusted: escape it before printing
	MaxPayload int       // agreed on by RFC 4638, in octets; 0: 1492
	tags       wire.Tags // aliases the packet
}

// RequestKey tells one client's requests apart: a PADR that comes again has the
// same.
type RequestKey [sha256.Size]byte

// NewConcentrator makes a concentrator for the station with the given address.
func NewConcentrator(own wire.Addr, cfg ConcentratorConfig) *Concentrator {
	if cfg.CookieLifetime <= 0 {
		cfg.CookieLifetime = time.Minute
	}
	return &Concentrator{cfg: cfg, own: own, cookies: newCookieSigner(cfg.Rand, cfg.CookieLifetime)}
}

// Reasons for which a concentrator drops a packet, beside those of parsing.
var (
	ErrCookie  = errors.New("pppoe: AC-Cookie is missing, forged or stale")
	ErrTooLong = errors.New("pppoe: answer would not fit a frame")
)

// maxDiscovery is the longest discovery packet, header included, that a frame
// carries.
const maxDiscovery = 1500

// ReceivePADI answers a PADI that it can serve by a PADO (RFC 2516 section 5.2).
func (c *Concentrator) ReceivePADI(now time.Time, f wire.DiscoveryFrame, q *wire.Queue) error {
	service, err := c.checkRequest(f)
	if err != nil {
		return err
	}
	if !c.serves(service) {
		return ErrUnwanted // RFC 2516 section 5.2: it MUST NOT answer
	}
	tags := wire.Tags(nil).Append(wire.TagACName, []byte(c.cfg.ACName))
	tags = c.serviceTags(tags, service)
	tags = tags.Append(wire.TagACCookie, c.cookies.newCookie(now, f.Src, f.Tags))
	tags = tags.Echo(f.Tags, wire.TagHostUniq, wire.TagRelaySessionID)
	tags = c.maxPayloadTag(tags, f.Tags)
	if wire.HeaderLen+len(tags) > maxDiscovery {
		return ErrTooLong
	}
	q.Add(wire.DiscoveryFrame{Dst: f.Src, Src: c.own, Discovery: wire.Discovery{Code: wire.PADO, SessionID: 0, Tags: tags}})
	return nil
}

// ReceivePADR checks a PADR. One for a service that is not there is refused at
// once; one without a good cookie is no more than noise.
func (c *Concentrator) ReceivePADR(now time.Time, f wire.DiscoveryFrame, q *wire.Queue) (Request, error) {
	if f.Dst != c.own {
		return Request{}, ErrNotOurs
	}
	service, err := c.checkRequest(f)
	if err != nil && !errors.Is(err, ErrIncomplete) {
		return Request{}, err
	}
	if !c.cookies.verify(now, f.Src, f.Tags) {
		return Request{}, ErrCookie
	}
	r := Request{Client: f.Src, Service: string(service), MaxPayload: c.agreedPayload(f.Tags), tags: f.Tags}
	if err != nil {
		c.Reject(r, wire.TagServiceNameError, "no Service-Name tag", q)
		return Request{}, err
	}
	if !c.serves(service) {
		c.Reject(r, wire.TagServiceNameError, "no such service here", q)
		return Request{}, ErrUnwanted
	}
	return r, nil
}

// checkRequest holds what PADI and PADR have in common against RFC 2516 section 5.
func (c *Concentrator) checkRequest(f wire.DiscoveryFrame) (service []byte, err error) {
	if !f.Src.IsUnicast() || f.Src == c.own || f.Dst != c.own && f.Dst != wire.Broadcast {
		return nil, ErrNotOurs
	}
	if f.SessionID != 0 {
		return nil, ErrUnexpected
	}
	names := 0
	for t := range f.Tags.All() {
		if t.Type == wire.TagServiceName {
			service = t.Value
			names++
		}
	}
	if names != 1 {
		return nil, ErrIncomplete // RFC 2516 sections 5.1, 5.3: exactly one
	}
	return service, nil
}

// serves reports whether a service is there. The empty name asks for any.
func (c *Concentrator) serves(service []byte) bool {
	if len(service) == 0 || len(c.cfg.Services) == 0 {
		return true
	}
	for _, s := range c.cfg.Services {
		if s == string(service) {
			return true
		}
	}
	return false
}

// serviceTags appends the service asked for and then all the others (RFC 2516
// section 5.2).
func (c *Concentrator) serviceTags(tags wire.Tags, asked []byte) wire.Tags {
	tags = tags.Append(wire.TagServiceName, asked)
	for _, s := range c.cfg.Services {
		if s != string(asked) {
			tags = tags.Append(wire.TagServiceName, []byte(s))
		}
	}
	return tags
}

// agreedPayload is the payload of RFC 4638 that both sides can carry; 0: 1492.
func (c *Concentrator) agreedPayload(tags wire.Tags) int {
	if n := min(tags.MaxPayload(), c.cfg.MaxPayload); n > EthernetPayload {
		return n
	}
	return 0
}

// maxPayloadTag echoes PPP-Max-Payload if more than plain Ethernet's can be carried (RFC
// 4638 section 4).
func (c *Concentrator) maxPayloadTag(tags, from wire.Tags) wire.Tags {
	if n := c.agreedPayload(from); n > 0 {
		tags = tags.Append(wire.TagMaxPayload, []byte{byte(n >> 8), byte(n)})
	}
	return tags
}

// Key reports whether a request has come before. The cookie is not part of it: a
// client may have asked again between two copies.
func (r Request) Key() RequestKey {
	tags := wire.Tags(r.Client[:]).Append(wire.TagServiceName, []byte(r.Service))
	return sha256.Sum256(tags.Echo(r.tags, wire.TagHostUniq, wire.TagRelaySessionID))
}

// Confirm gives a request its session (RFC 2516 section 5.4).
func (c *Concentrator) Confirm(r Request, id uint16, q *wire.Queue) {
	tags := wire.Tags(nil).Append(wire.TagServiceName, []byte(r.Service))
	tags = c.maxPayloadTag(tags.Echo(r.tags, wire.TagHostUniq, wire.TagRelaySessionID), r.tags)
	q.Add(wire.DiscoveryFrame{Dst: r.Client, Src: c.own, Discovery: wire.Discovery{Code: wire.PADS, SessionID: id, Tags: tags}})
}

// Reject answers a request by an error tag and session 0 (RFC 2516 section 5.4).
func (c *Concentrator) Reject(r Request, tag wire.TagType, text string, q *wire.Queue) {
	tags := wire.Tags(nil).Append(wire.TagServiceName, []byte(r.Service)).Append(tag, []byte(text))
	tags = tags.Echo(r.tags, wire.TagHostUniq, wire.TagRelaySessionID)
	q.Add(wire.DiscoveryFrame{Dst: r.Client, Src: c.own, Discovery: wire.Discovery{Code: wire.PADS, SessionID: 0, Tags: tags}})
}
