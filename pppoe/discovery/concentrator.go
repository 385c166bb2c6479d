package discovery

import (
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"time"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// ConcentratorConfig configures a Concentrator. A zero field selects the default.
type ConcentratorConfig struct {
	// ACName is the AC-Name; it must be set (RFC 2516 section 5.2).
	ACName string
	// Services are the Service-Names offered; none: it accepts any, including the empty one.
	Services []string
	// MaxPayload is the longest PPP payload that it can carry, in octets; above 1492, Hosts may
	// request it (RFC 4638).
	MaxPayload int
	// MaxPayloadIn returns MaxPayload for frames with a stack of VLAN tags; nil: it is the same for
	// all.
	MaxPayloadIn func(vlan.Stack) int
	// CookieLifetime is how long an AC-Cookie is valid; default 60 s.
	CookieLifetime time.Duration
	// CookieKey is the secret key of AC-Cookies, CookieKeyLen octets: Concentrators with the same key accept
	// each other's cookies. Empty: a random one.
	CookieKey []byte
	// Rand is the source of a random key; nil: crypto/rand. It must not fail.
	Rand io.Reader
}

// Concentrator is the access concentrator's side of discovery (RFC 2516 section 5). It is given
// packets and the time, and keeps no state of Hosts or sessions: that is its owner's task. It is
// not safe for concurrent use.
type Concentrator struct {
	cfg     ConcentratorConfig
	own     wire.Addr
	acName  []byte
	cookies *cookieSigner
	tags    wire.Tags // of the last PADO; its memory is reused
}

// Request is a valid PADR. Its owner answers it with Confirm or Reject.
type Request struct {
	Client     wire.Addr
	VLAN       vlan.Stack // tags of the PADR, and of the answer
	Service    string     // untrusted: escape it before printing
	MaxPayload int        // as negotiated (RFC 4638), in octets; 0: 1492
	tags       wire.Tags  // aliases the packet
}

// AccessLine returns the access line of the PADR; untrusted.
func (r Request) AccessLine() wire.AccessLine { return r.tags.AccessLine() }

// Clone returns a copy that does not alias the packet.
func (r Request) Clone() Request {
	r.tags = slices.Clone(r.tags)
	return r
}

// RequestKey identifies a request: repeated PADRs have the same key. It is short because a server keeps
// it with each session, and long enough that nobody finds a request with another client's key.
type RequestKey [8]byte

// Key returns a key that is the same for each copy of a request. It does not include the cookie, as
// the client may have received a new one between two copies.
func (r Request) Key() RequestKey {
	tags := wire.Tags(append(appendVLANID(nil, r.VLAN), r.Client[:]...)).Append(wire.TagServiceName, []byte(r.Service))
	return newRequestKey(tags.Echo(r.tags, wire.TagHostUniq, wire.TagRelaySessionID))
}

func newRequestKey(of []byte) RequestKey {
	sum := sha256.Sum256(of)
	return RequestKey(sum[:len(RequestKey{})])
}

// MaxServices is how long all Service-Name tags of a PADO may be together, in octets, so that there
// is room for the other tags: see ServicesLen.
const MaxServices = 1000

// ServicesLen returns the length of the tags of some Service-Names, in octets.
func ServicesLen(services []string) (n int) {
	const header = 4 // TAG_TYPE and TAG_LENGTH (RFC 2516 section 4)
	for _, s := range services {
		n += header + len(s)
	}
	return n
}

// More reasons why Concentrator.ReceivePADI and ReceivePADR drop a packet.
var (
	ErrCookie  = errors.New("discovery: AC-Cookie is missing, forged or expired")
	ErrTooLong = errors.New("discovery: answer would exceed the Ethernet MTU")
)

// maxDiscovery is the longest discovery packet that a frame carries, in octets, including the PPPoE
// header.
const maxDiscovery = 1500

// NewConcentrator makes a concentrator for the station with the given address.
func NewConcentrator(own wire.Addr, cfg ConcentratorConfig) *Concentrator {
	if cfg.CookieLifetime <= 0 {
		cfg.CookieLifetime = time.Minute
	}
	return &Concentrator{cfg: cfg, own: own, acName: []byte(cfg.ACName), cookies: newCookieSigner(cfg.CookieKey, cfg.Rand, cfg.CookieLifetime)}
}

// SetServices replaces the Service-Names offered.
func (c *Concentrator) SetServices(services []string) { c.cfg.Services = services }

// ReceivePADI answers a PADI with a PADO if it offers the service (RFC 2516 section 5.2). The error
// is the reason for not answering. The tags of the PADO are valid until the next call; neither
// allocates, as anyone can send any number of PADIs.
func (c *Concentrator) ReceivePADI(now time.Time, f wire.DiscoveryFrame, q *wire.Queue) error {
	service, err := c.checkRequest(f)
	if err != nil {
		return err
	}
	if !c.serves(service) {
		return ErrUnwanted // RFC 2516 section 5.2: it MUST NOT answer
	}
	tags := c.tags[:0].Append(wire.TagACName, c.acName)
	tags = c.serviceTags(tags, service)
	tags = tags.Append(wire.TagACCookie, c.cookies.newCookie(now, &f))
	tags = tags.Echo(f.Tags, wire.TagHostUniq, wire.TagRelaySessionID)
	tags = c.maxPayloadTag(tags, f.Tags, f.VLAN)
	c.tags = tags
	if wire.HeaderLen+len(tags) > maxDiscovery {
		return ErrTooLong
	}
	q.Add(wire.DiscoveryFrame{Dst: f.Src, Src: c.own, VLAN: f.VLAN, Discovery: wire.Discovery{Code: wire.PADO, SessionID: 0, Tags: tags}})
	return nil
}

// ReceivePADR checks a PADR. One without a valid cookie is dropped; one for a service that is not
// offered is rejected. The error is the reason for both.
func (c *Concentrator) ReceivePADR(now time.Time, f wire.DiscoveryFrame, q *wire.Queue) (Request, error) {
	if f.Dst != c.own {
		return Request{}, ErrNotOurs
	}
	service, err := c.checkRequest(f)
	if err != nil && !errors.Is(err, ErrIncomplete) {
		return Request{}, err
	}
	if !c.cookies.verify(now, &f) {
		return Request{}, ErrCookie
	}
	r := Request{Client: f.Src, VLAN: f.VLAN, Service: string(service), MaxPayload: c.agreedPayload(f.Tags, f.VLAN), tags: f.Tags}
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

// Confirm answers a request with a PADS that has the session ID (RFC 2516 section 5.4).
func (c *Concentrator) Confirm(r Request, id uint16, q *wire.Queue) {
	tags := wire.Tags(nil).Append(wire.TagServiceName, []byte(r.Service))
	tags = c.maxPayloadTag(tags.Echo(r.tags, wire.TagHostUniq, wire.TagRelaySessionID), r.tags, r.VLAN)
	q.Add(wire.DiscoveryFrame{Dst: r.Client, Src: c.own, VLAN: r.VLAN, Discovery: wire.Discovery{Code: wire.PADS, SessionID: id, Tags: tags}})
}

// Reject answers a request with a PADS that has an error tag and session ID 0 (RFC 2516 section
// 5.4).
func (c *Concentrator) Reject(r Request, tag wire.TagType, text string, q *wire.Queue) {
	tags := wire.Tags(nil).Append(wire.TagServiceName, []byte(r.Service)).Append(tag, []byte(text))
	tags = tags.Echo(r.tags, wire.TagHostUniq, wire.TagRelaySessionID)
	q.Add(wire.DiscoveryFrame{Dst: r.Client, Src: c.own, VLAN: r.VLAN, Discovery: wire.Discovery{Code: wire.PADS, SessionID: 0, Tags: tags}})
}

// checkRequest checks what PADI and PADR have in common (RFC 2516 sections 5.1 and 5.3), and
// returns the Service-Name.
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

// serves reports whether a service is offered. The empty name requests any.
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

// serviceTags appends the requested service and then all others (RFC 2516 section 5.2).
func (c *Concentrator) serviceTags(tags wire.Tags, requested []byte) wire.Tags {
	tags = tags.Append(wire.TagServiceName, requested)
	for _, s := range c.cfg.Services {
		if s != string(requested) {
			tags = tags.Append(wire.TagServiceName, []byte(s))
		}
	}
	return tags
}

// agreedPayload returns the payload of RFC 4638 that both sides can carry in a VLAN; 0: 1492.
func (c *Concentrator) agreedPayload(tags wire.Tags, in vlan.Stack) int {
	own := c.cfg.MaxPayload
	if c.cfg.MaxPayloadIn != nil {
		own = c.cfg.MaxPayloadIn(in)
	}
	if n := min(tags.MaxPayload(), own); n > EthernetPayload {
		return n
	}
	return 0
}

// maxPayloadTag appends PPP-Max-Payload if a payload above 1492 is agreed on (RFC 4638 section 4).
func (c *Concentrator) maxPayloadTag(tags, from wire.Tags, in vlan.Stack) wire.Tags {
	if n := c.agreedPayload(from, in); n > 0 {
		tags = tags.Append(wire.TagMaxPayload, []byte{byte(n >> 8), byte(n)})
	}
	return tags
}
