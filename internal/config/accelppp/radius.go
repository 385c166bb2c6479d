package accelppp

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"upppoe/internal/aaa/radius"
	"upppoe/internal/config/serverconfig"
)

// radiusServer translates server=ADDRESS,SECRET[,auth-port=PORT][,acct-port=PORT][,OPTION=VALUE...].
func radiusServer(t *translation, v string) {
	fields := strings.Split(v, ",")
	s := serverconfig.RADIUSServer{Auth: 1812, Acct: 1813}
	var err error
	if s.Addr, err = netip.ParseAddr(fields[0]); err != nil || len(fields) < 2 {
		t.note("[radius] server: an address and a secret are expected")
		return
	}
	s.Secret = strings.Map(printable, fields[1])
	for _, option := range fields[2:] {
		t.radiusOption(&s, option)
	}
	t.c.RADIUS.Servers = append(t.c.RADIUS.Servers, s)
}

func (t *translation) radiusOption(s *serverconfig.RADIUSServer, option string) {
	name, value, _ := strings.Cut(option, "=")
	port, err := strconv.ParseUint(value, 10, 16)
	switch {
	case name == "auth-port" && err == nil && port > 0:
		s.Auth = int(port)
	case name == "acct-port" && err == nil:
		s.Acct = int(port)
	case serverOptions[name] != "":
		t.note("[radius] server %v: %s: %s", s.Addr, name, serverOptions[name])
	default:
		t.note("[radius] server %v: option %s has no counterpart", s.Addr, name)
	}
}

// serverOptions are the options of a server that become keys of all servers, or none.
var serverOptions = map[string]string{
	"req-limit":    "radius.max-outstanding bounds the requests that wait for answers",
	"fail-timeout": "radius.dead-time is how long a server that does not answer is not asked",
	"fail-time":    "radius.dead-time is how long a server that does not answer is not asked",
	"max-fail":     "one request without an answer is enough not to ask a server for radius.dead-time, while another answers",
	"weight":       "radius.load-share asks the servers in turn",
	"backup":       "a server is asked while those before it in the file do not answer: write it as the last",
}

// shaperAttribute translates attr=, attr-up= and attr-down= of [shaper]: the attribute of RADIUS that has
// rates, in kbit/s.
func shaperAttribute(meaning radius.Meaning) handler {
	return func(t *translation, v string) {
		a, err := radius.ParseAttributeType(v)
		if err != nil {
			t.note("[shaper] %s is not a known attribute: give its number in a section [[radius-attribute]], like attribute = \"14988.8\"", v)
			return
		}
		if a.Vendor != 0 {
			t.note("[shaper] %s: its usual meaning applies; a section [[radius-attribute]] can give it another", v)
			return
		}
		one := serverconfig.RADIUSAttribute{Type: a, Mapping: radius.Mapping{Meaning: meaning, Unit: 1000}}
		t.c.RADIUS.Attributes = append(t.c.RADIUS.Attributes, one)
	}
}

// coaServer translates dae-server=ADDRESS:PORT,SECRET.
func coaServer(t *translation, v string) {
	listen, secret, _ := strings.Cut(v, ",")
	t.set("coa.listen", listen)
	t.coaSecret = strings.Map(printable, secret)
	t.note("[radius] dae-server: the RADIUS servers may send requests; add sections [[coa-client]] for others")
}

// addCoAClients lets the RADIUS servers send requests.
func (t *translation) addCoAClients() {
	if !t.c.RADIUS.CoA.Listen.IsValid() {
		return
	}
	for _, s := range t.c.RADIUS.Servers {
		one := serverconfig.CoAClient{Prefix: netip.PrefixFrom(s.Addr, s.Addr.BitLen()), Secret: t.coaSecret}
		if !slices.Contains(t.c.RADIUS.CoAClients, one) {
			t.c.RADIUS.CoAClients = append(t.c.RADIUS.CoAClients, one)
		}
	}
}
