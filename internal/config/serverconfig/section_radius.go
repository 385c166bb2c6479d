package serverconfig

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"upppoe/internal/aaa/radius"
	"upppoe/pppoe/datapath"
)

// RADIUS is how RADIUS servers authenticate clients and account for sessions. Without Servers, files of
// accounts do.
type RADIUS struct {
	Servers    []RADIUSServer
	Policies   []RADIUSPolicy
	Attributes []RADIUSAttribute
	// Client has everything but Servers and functions.
	Client        radius.ClientConfig
	NASIdentifier string     // empty: the AC-Name
	NASIPv4       netip.Addr // of NAS-IP-Address; invalid: none
	NASIPv6       netip.Addr
	PPPoEPortType bool
	Interim       time.Duration
	Spool         string // empty: the default
	MaxSpool      int    // 0: the default
	CoA           CoA
	CoAClients    []CoAClient
}

// RADIUSServer is a server of authentication and accounting.
type RADIUSServer struct {
	Addr               netip.Addr
	Auth, Acct         int // ports; Acct 0: no accounting
	Secret, SecretFile string
}

// RADIUSPolicy is a policy that servers name.
type RADIUSPolicy struct {
	Name     string
	Up, Down uint64        // bit/s; 0: no limit
	Burst    time.Duration // 0: the default
}

// RADIUSAttribute gives an attribute a meaning.
type RADIUSAttribute struct {
	Type radius.AttributeType
	radius.Mapping
}

// CoA is where AAA servers change and end sessions.
type CoA struct {
	Listen                                        netip.AddrPort // invalid: nowhere
	RequireTimestamp, RequireMessageAuthenticator bool
}

// CoAClient may change and end sessions.
type CoAClient struct {
	Prefix             netip.Prefix
	Secret, SecretFile string
}

// DefaultSpool is the default of RADIUS.Spool.
const DefaultSpool = "/var/lib/upppoe/accounting.db"

var radiusSection = single[RADIUS]{
	name: "radius", help: "How RADIUS servers are asked. They are used if there is a section [[radius-server]].",
	of: func(c *Config) *RADIUS { return &c.RADIUS },
	keys: []key[RADIUS]{
		{"nas-identifier", "", "NAS-Identifier. Default: the AC-Name.",
			fixed(at(str("NAME", "a name like \"bng1\"", printable), func(r *RADIUS) *string { return &r.NASIdentifier }))},
		{"nas-ip-address", "", "NAS-IP-Address. Default: none is sent.",
			fixed(at(ipv4Address("192.0.2.1"), func(r *RADIUS) *netip.Addr { return &r.NASIPv4 }))},
		{"nas-ipv6-address", "", "NAS-IPv6-Address. Default: none is sent.",
			fixed(at(ipv6Address("2001:db8::1"), func(r *RADIUS) *netip.Addr { return &r.NASIPv6 }))},
		{"source-address", "", "Address to send requests from. Default: as the host's routes say.",
			at(anyAddress("192.0.2.1"), func(r *RADIUS) *netip.Addr { return &r.Client.Source })},
		{"port-type", "", "NAS-Port-Type: ethernet, or pppoe for PPPoEoE, PPPoEoVLAN and PPPoEoQinQ (RFC 4603).",
			fixed(at(oneOf("TYPE", []string{"ethernet", "pppoe"}, false, true), func(r *RADIUS) *bool { return &r.PPPoEPortType }))},
		{"timeout", "", "Time to wait for an answer, which doubles with each retransmission.",
			atDefault(duration(10*time.Millisecond, time.Millisecond, "1s"), func(r *RADIUS) *time.Duration { return &r.Client.Timeout }, time.Second)},
		{"transmissions", "", "Number of transmissions to one server, before the next is asked.",
			atDefault(number(1, 100, "3"), func(r *RADIUS) *int { return &r.Client.Transmissions }, 3)},
		{"dead-time", "", "Time for which a server that does not answer is not asked, while another answers.",
			atDefault(duration(time.Second, time.Second, "30s"), func(r *RADIUS) *time.Duration { return &r.Client.DeadTime }, 30*time.Second)},
		{"status-server", "", "After that time, ask it by Status-Server (RFC 5997) whether it is back, instead of by a client's login.",
			at(boolean, func(r *RADIUS) *bool { return &r.Client.StatusServer })},
		{"load-share", "", "Ask the servers in turn, instead of the first as long as it answers.",
			at(boolean, func(r *RADIUS) *bool { return &r.Client.LoadShare })},
		{"max-outstanding", "", "Number of requests that wait for an answer at a time. More wait in a queue.",
			atDefault(number(1, 1<<16, "1024"), func(r *RADIUS) *int { return &r.Client.MaxOutstanding }, 1024)},
	},
}

var radiusServerSection = repeated[RADIUSServer]{
	name: "radius-server", help: "A RADIUS server, which clients' names and passwords are checked by, instead of by files of accounts. There may be several: the first is asked as long as it answers. " +
		"Its answers must have a Message-Authenticator (CVE-2024-3596). From none to some, and from accounting by none to some, and back, a change needs a restart.",
	of:    func(c *Config) *[]RADIUSServer { return &c.RADIUS.Servers },
	fresh: func(*Config) RADIUSServer { return RADIUSServer{Auth: 1812, Acct: 1813} },
	keys: []key[RADIUSServer]{
		{"address", "", "Address of the server.",
			at(anyAddress("192.0.2.1"), func(s *RADIUSServer) *netip.Addr { return &s.Addr })},
		{"port", "", "UDP port for authentication.",
			at(number(1, 65535, "1645"), func(s *RADIUSServer) *int { return &s.Auth })},
		{"accounting-port", "", "UDP port for accounting; 0: no accounting by this server.",
			at(number(0, 65535, "1646"), func(s *RADIUSServer) *int { return &s.Acct })},
		{"secret", "", "Secret that is shared with the server.",
			at(secretText, func(s *RADIUSServer) *string { return &s.Secret })},
		{"secret-file", "", "File whose first line is the secret.",
			at(path("/etc/upppoe/radius-secret"), func(s *RADIUSServer) *string { return &s.SecretFile })},
	},
	required: []string{"address"},
}

var radiusPolicySection = repeated[RADIUSPolicy]{
	name: "radius-policy", help: "Rates that a RADIUS server names in Filter-Id, or in Cisco-AVPair as sub-qos-policy-in=NAME (from the client) and sub-qos-policy-out=NAME. There may be several.",
	of:    func(c *Config) *[]RADIUSPolicy { return &c.RADIUS.Policies },
	fresh: func(*Config) RADIUSPolicy { return RADIUSPolicy{} },
	keys: []key[RADIUSPolicy]{
		{"name", "", "The name.", at(str("NAME", "a name like \"gold\"", printable), func(p *RADIUSPolicy) *string { return &p.Name })},
		{"rate-up", "", "Maximum rate from the client.", at(rate, func(p *RADIUSPolicy) *uint64 { return &p.Up })},
		{"rate-down", "", "Maximum rate to the client.", at(rate, func(p *RADIUSPolicy) *uint64 { return &p.Down })},
		{"rate-burst", "", "Burst of these rates, as the time that it takes at the rate.",
			atDefault(duration(time.Millisecond, time.Millisecond, "500ms"), func(p *RADIUSPolicy) *time.Duration { return &p.Burst }, datapath.DefaultBurst)},
	},
	required: []string{"name"},
}

var radiusAttributeSection = repeated[RADIUSAttribute]{
	name: "radius-attribute", help: "What an attribute of a RADIUS server's answers means, in place of its usual meaning. There may be several.",
	of: func(c *Config) *[]RADIUSAttribute { return &c.RADIUS.Attributes },
	fresh: func(*Config) RADIUSAttribute {
		return RADIUSAttribute{Mapping: radius.Mapping{Meaning: radius.RateDown}}
	},
	keys: []key[RADIUSAttribute]{
		{"attribute", "", "The attribute, by a name that is known, a number, or VENDOR.NUMBER.",
			at(asText("NAME", "an attribute like \"Filter-Id\", \"11\" or \"14988.8\"", radius.ParseAttributeType, attributeText), func(a *RADIUSAttribute) *radius.AttributeType { return &a.Type })},
		{"means", "", "Its meaning: a rate; rate for both directions; rate-down-up for a text like \"50000/10000\", to the client and from it, as in accel-ppp; the name of a radius-policy; or that of a VRF device.",
			at(oneOf("MEANING", []string{"rate-up", "rate-down", "rate", "rate-down-up", "policy", "vrf"}, radius.RateUp, radius.RateDown, radius.RateBoth, radius.RateDownUp, radius.PolicyName, radius.VRF), func(a *RADIUSAttribute) *radius.Meaning { return &a.Meaning })},
		{"unit", "", "Unit of a rate, in bit/s.",
			through(number(1, 1_000_000_000, "1000"), func(a *RADIUSAttribute) int { return int(max(a.Unit, 1)) }, func(a *RADIUSAttribute, n int) { a.Unit = uint64(n) })},
	},
	required: []string{"attribute"},
}

var accountingSection = single[RADIUS]{
	name: "accounting", help: "Accounting by the RADIUS servers that have an accounting-port.",
	of: func(c *Config) *RADIUS { return &c.RADIUS },
	keys: []key[RADIUS]{
		{"interim-interval", "", "Time between the interim records of a session for which the server has not said one (Acct-Interim-Interval); 0: none.",
			at(duration(0, time.Second, "10m"), func(r *RADIUS) *time.Duration { return &r.Interim })},
		{"spool", "", "File for records while no server answers.",
			fixed(atDefault(path("/var/lib/upppoe/accounting.db"), func(r *RADIUS) *string { return &r.Spool }, DefaultSpool))},
		{"max-spool", "", "Maximum number of records in it. Interim records are dropped first.",
			fixed(atDefault(number(100, 100_000_000, "500000"), func(r *RADIUS) *int { return &r.MaxSpool }, 500_000))},
	},
}

var coaSection = single[CoA]{
	name: "coa", help: "Changes and ends of sessions on request of AAA servers: CoA-Request and Disconnect-Request (RFC 5176).",
	of: func(c *Config) *CoA { return &c.RADIUS.CoA },
	keys: []key[CoA]{
		{"listen", "", "Address and UDP port to listen at; 0.0.0.0 is all addresses. Default: none.",
			fixed(at(asText("ADDRESS", "an address and a port like \"192.0.2.1:3799\"", listenAddress, addrPortText), func(c *CoA) *netip.AddrPort { return &c.Listen }))},
		{"require-timestamp", "", "Drop requests without Event-Timestamp. Those that differ by more than 5 minutes from our clock are dropped anyway.",
			at(boolean, func(c *CoA) *bool { return &c.RequireTimestamp })},
		{"require-message-authenticator", "", "Drop requests without Message-Authenticator. Those with a wrong one are dropped anyway.",
			at(boolean, func(c *CoA) *bool { return &c.RequireMessageAuthenticator })},
	},
}

var coaClientSection = repeated[CoAClient]{
	name: "coa-client", help: "Who may send such requests. There may be several.",
	of:    func(c *Config) *[]CoAClient { return &c.RADIUS.CoAClients },
	fresh: func(*Config) CoAClient { return CoAClient{} },
	keys: []key[CoAClient]{
		{"address", "", "Its address, or the prefix of several.", at(policyPrefix, func(c *CoAClient) *netip.Prefix { return &c.Prefix })},
		{"secret", "", "Secret that is shared with it.", at(secretText, func(c *CoAClient) *string { return &c.Secret })},
		{"secret-file", "", "File whose first line is the secret.",
			at(path("/etc/upppoe/radius-secret"), func(c *CoAClient) *string { return &c.SecretFile })},
	},
	required: []string{"address"},
}

// anyAddress is an address of either family.
func anyAddress(example string) kind[netip.Addr] {
	return asText("ADDRESS", fmt.Sprintf("an address like %q", example), func(s string) (netip.Addr, error) {
		a, err := netip.ParseAddr(s)
		if err != nil || a.IsUnspecified() || a.Is4In6() {
			return a, errInvalid
		}
		return a, nil
	}, addrText)
}

// secretText is a secret.
var secretText = func() kind[string] {
	k := str("SECRET", "a text like \"a long random one\"", printable)
	k.secret = true
	return k
}()

func listenAddress(s string) (netip.AddrPort, error) {
	a, err := netip.ParseAddrPort(s)
	if err != nil || a.Port() == 0 {
		return a, errInvalid
	}
	return a, nil
}

func addrPortText(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func attributeText(t radius.AttributeType) string {
	switch {
	case t == radius.AttributeType{}:
		return ""
	case isNamed(t):
		return t.String()
	case t.Vendor != 0:
		return fmt.Sprintf("%d.%d", t.Vendor, t.Type)
	}
	return fmt.Sprint(t.Type)
}

// isNamed reports whether an attribute has a name that is read as the attribute.
func isNamed(t radius.AttributeType) bool {
	named, err := radius.ParseAttributeType(t.String())
	return err == nil && named == t
}

// RADIUSPolicies returns the named policies and the meanings of attributes.
func (c *Config) RADIUSPolicies() radius.Policies {
	p := radius.Policies{Named: make(map[string]radius.Rates), Mapped: make(map[radius.AttributeType]radius.Mapping)}
	for _, n := range c.RADIUS.Policies {
		p.Named[n.Name] = radius.Rates{Up: datapath.Rate{Bits: n.Up, Burst: n.Burst}, Down: datapath.Rate{Bits: n.Down, Burst: n.Burst}}
	}
	for _, a := range c.RADIUS.Attributes {
		p.Mapped[a.Type] = a.Mapping
	}
	return p
}

// keepRADIUS keeps whether there is RADIUS, and whether there is accounting, and the clients of CoA if there
// are none any more. It returns the sections that differ. A fixed key must have been kept before.
func (c *Config) keepRADIUS(from *Config) (changed []string) {
	to, old := &c.RADIUS, &from.RADIUS
	if len(to.Servers) == 0 && len(old.Servers) == 0 {
		return nil
	}
	if len(to.Servers) == 0 || len(old.Servers) == 0 {
		*to = *old
		return []string{radiusServerSection.name}
	}
	if hasAccounting(to.Servers) != hasAccounting(old.Servers) {
		to.Servers, to.Client = old.Servers, old.Client
		changed = append(changed, radiusServerSection.name)
	}
	if to.CoA.Listen.IsValid() && len(to.CoAClients) == 0 {
		to.CoAClients = old.CoAClients
		changed = append(changed, coaClientSection.name)
	}
	return changed
}

func hasAccounting(servers []RADIUSServer) bool {
	return slices.ContainsFunc(servers, func(s RADIUSServer) bool { return s.Acct != 0 })
}

// checkRADIUS reports what is missing, or has no effect.
func (c *Config) checkRADIUS(r *report) {
	const secret = "either secret or secret-file"
	for i, s := range c.RADIUS.Servers {
		if (s.Secret == "") == (s.SecretFile == "") {
			r.fail(itemPath("radius-server", i), "it needs one secret", secret)
		}
		if source := c.RADIUS.Client.Source; source.IsValid() && s.Addr.IsValid() && source.Is4() != s.Addr.Is4() {
			r.fail("radius.source-address", fmt.Sprintf("%v is not of the family of server %v", source, s.Addr), "an address of the servers' family")
		}
	}
	for i, s := range c.RADIUS.CoAClients {
		if (s.Secret == "") == (s.SecretFile == "") {
			r.fail(itemPath("coa-client", i), "it needs one secret", secret)
		}
	}
	if c.RADIUS.CoA.Listen.IsValid() && len(c.RADIUS.CoAClients) == 0 {
		r.fail("coa-client", "nobody may send requests", "a section [[coa-client]]")
	}
	if c.RADIUS.CoA.Listen.IsValid() && len(c.RADIUS.Servers) == 0 {
		r.warn("coa.listen", "has no effect without a section [[radius-server]]")
	}
	if len(c.RADIUS.Servers) > 0 && len(requiredMethods(c)) == 0 {
		r.fail("authentication.methods", "the RADIUS servers are not asked, as clients need not authenticate themselves", `methods like ["chap", "pap"]`)
	}
	for i, p := range c.RADIUS.Policies {
		if slices.ContainsFunc(c.RADIUS.Policies[:i], func(o RADIUSPolicy) bool { return o.Name == p.Name }) {
			r.fail(itemPath("radius-policy", i)+".name", fmt.Sprintf("%q is given twice", p.Name), "another name")
		}
	}
}
