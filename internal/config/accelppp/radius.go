package accelppp

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

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
	default:
		t.note("[radius] server %v: option %s has no counterpart", s.Addr, name)
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
