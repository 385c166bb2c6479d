package accelppp

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"upppoe/internal/aaa/radius"
	"upppoe/internal/config/serverconfig"
	"upppoe/pppoe/vlan"
)

// methodOf are the modules of authentication, with the methods.
var methodOf = map[string]string{"auth_pap": "pap", "auth_chap_md5": "chap", "auth_mschap_v2": "mschap-v2"}

// handler translates the value of a key.
type handler func(t *translation, value string)

// text sets a key to the value.
func text(key string) handler { return func(t *translation, v string) { t.set(key, v) } }

// number sets a key to the value as a number.
func number(key string) handler { return func(t *translation, v string) { t.setNumber(key, v) } }

func (t *translation) setNumber(key, value string) {
	n, err := strconv.Atoi(value)
	if err != nil {
		t.note("%s: %q is not a number", key, value)
		return
	}
	t.set(key, n)
}

var handlers map[string]handler

var sectionHandlers map[string]func(*translation, entry)

// Tables that refer to functions which refer to them are made here.
func init() {
	handlers = map[string]handler{
		"common.single-session": singleSession, "ppp.single-session": singleSession,
		"common.max-sessions": func(t *translation, v string) { t.max = v },
		"common.max-starting": halfOpen,

		"ppp.mtu": number("ppp.mtu"), "ppp.mru": number("ppp.mru"),
		"ppp.lcp-echo-interval": number("ppp.echo-interval"), "ppp.lcp-echo-failure": number("ppp.echo-failures"),
		"ppp.ipv4":         func(t *translation, v string) { t.c.Options.NoIP = v == "deny" },
		"ppp.ipv6":         func(t *translation, v string) { t.v6 = v != "deny" },
		"ppp.ipv6-intf-id": identifier("ipv6.interface-id"), "ppp.ipv6-peer-intf-id": identifier("ipv6.client-interface-id"),

		"pppoe.ac-name": text("server.ac-name"), "pppoe.service-name": services, "pppoe.pado-delay": text("access.pado-delay"),
		"pppoe.interface": served, "pppoe.vlan-mon": monitored, "pppoe.padi-limit": padiLimit, "pppoe.mac-filter": macFilter, "pppoe.ppp-max-mtu": number("ppp.mtu"),

		"auth.noauth": noAuth, "auth.any-login": noAuth,
		"dns.dns1": server(dns4), "dns.dns2": server(dns4), "wins.wins1": server(wins4), "wins.wins2": server(wins4),
		"pppoe.ip-pool":              text("ipv4.pool"),
		"ip-pool.gw-ip-address":      func(t *translation, v string) { t.local = v },
		"chap-secrets.gw-ip-address": gateway, "chap-secrets.chap-secrets": secrets,
		"ipv6-pool.delegate": func(t *translation, v string) { t.prefixPool("ipv6.delegated-prefixes", "ipv6.delegated-length", v) },
		"shaper.rate-limit":  rateLimit,
		"radius.server":      radiusServer, "radius.nas-identifier": text("radius.nas-identifier"), "radius.nas-ip-address": text("radius.nas-ip-address"),
		"radius.timeout": number("radius.timeout"), "radius.max-try": number("radius.transmissions"), "radius.acct-interim-interval": number("accounting.interim-interval"),
		"radius.dae-server": coaServer, "radius.verbose": func(*translation, string) {},
		"radius.bind": text("radius.source-address"), "radius.gw-ip-address": gateway,
		"shaper.attr": shaperAttribute(radius.RateDownUp), "shaper.attr-up": shaperAttribute(radius.RateUp), "shaper.attr-down": shaperAttribute(radius.RateDown),
		"log.log-file": text("log.file"), "log.level": level,

		"pppd-compat.ip-up": text("scripts.ip-up"), "pppd-compat.ip-down": text("scripts.ip-down"), "pppd-compat.ip-pre-up": text("scripts.ip-pre-up"),
	}
	sectionHandlers = map[string]func(*translation, entry){"modules": module, "ip-pool": range4, "ipv6-pool": network6, "ipv6-dns": dns6}
}

func module(t *translation, e entry) {
	t.modules = append(t.modules, e.key)
	switch why, known := modules[e.key]; {
	case methodOf[e.key] != "":
	case !known:
		t.note("module %s has no counterpart", e.key)
	case why != "":
		t.note("module %s: %s", e.key, why)
	}
}

func singleSession(t *translation, v string) {
	switch v {
	case "deny":
		t.set("sessions.duplicate", "refuse")
	case "replace":
		t.set("sessions.duplicate", "replace")
	default:
		t.note("single-session=%s has no counterpart: it is replace or deny", v)
	}
}

func halfOpen(t *translation, v string) {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.note("max-starting: %q is not a number from 1 on", v)
		return
	}
	t.c.Options.Access.HalfOpen.Total = n
}

// identifier translates an identifier of four groups, like 0:0:0:1.
func identifier(key string) handler {
	return func(t *translation, v string) {
		switch v {
		case "random":
			return
		case "calling-sid":
			t.set(key, "ethernet-address")
			return
		}
		a, err := netip.ParseAddr("0:0:0:0:" + v)
		if err != nil {
			t.note("%s: %q has no counterpart", key, v)
			return
		}
		t.set(key, a.String())
	}
}

func noAuth(t *translation, v string) { t.noAuth = t.noAuth || v == "1" }

func gateway(t *translation, v string) {
	if t.local == "" {
		t.local = v
	}
}

func secrets(t *translation, v string) {
	t.set("authentication.chap-secrets", v)
	t.set("authentication.pap-secrets", v)
	t.note("the accounts of %s stay as they are, but for a rate in the fifth column: write it after --, like: \"alice\" * \"her password\" 192.0.2.7 -- rate-down 50000 rate-up 10000", v)
}

// level translates the level of the log: from 5 on it has packets.
func level(t *translation, v string) {
	n, _ := strconv.Atoi(v)
	t.c.Options.Debug = n >= 5
}

// rateLimit translates DOWN/UP, in kbit/s.
func rateLimit(t *translation, v string) {
	down, up, both := strings.Cut(v, "/")
	if !both {
		up = down
	}
	t.set("policy.rate-down", down+"k")
	t.set("policy.rate-up", up+"k")
}

// The lists that name servers are added to.
const (
	dns4, wins4 = "ipv4.dns", "ipv4.wins"
	v6dns       = "ipv6.dns"
)

func services(t *translation, v string) {
	for name := range strings.SplitSeq(v, ",") {
		t.services = append(t.services, strings.TrimSpace(name))
	}
}

// served translates interface=NAME[,OPTION=VALUE...].
func served(t *translation, v string) {
	name, options, _ := strings.Cut(v, ",")
	if strings.HasPrefix(name, "re:") {
		t.note("interface=%s: name each interface in a section [[interface]]; VLANs of a trunk need no devices: vlans = \"100-199\", or \"any\"", v)
		return
	}
	if options != "" {
		t.note("interface=%s: of its options %q, limits are in section [access]", name, options)
	}
	t.addInterface(name, "untagged")
}

// monitored translates vlan-mon=NAME[,VLANS].
func monitored(t *translation, v string) {
	name, vlans, _ := strings.Cut(v, ",")
	if vlans == "" {
		vlans = "1-4094"
	}
	if strings.HasPrefix(name, "re:") {
		t.note("vlan-mon=%s: name each interface in a section [[interface]]", v)
		return
	}
	t.addInterface(name, vlans)
}

// addInterface adds VLANs to those of an interface.
func (t *translation) addInterface(name, vlans string) {
	if !serverconfig.IsInterfaceName(name) {
		t.note("%q is not the name of an interface", name)
		return
	}
	i := slices.IndexFunc(t.c.Interfaces, func(i serverconfig.Interface) bool { return i.Name == name })
	if i >= 0 {
		vlans = t.c.Interfaces[i].VLANs.String() + "," + vlans
	}
	set, err := vlan.ParseSet(vlans)
	switch {
	case err != nil:
		t.note("interface %s: %v", name, err)
	case i >= 0:
		t.c.Interfaces[i].VLANs = set
	default:
		t.c.Interfaces = append(t.c.Interfaces, serverconfig.Interface{Name: name, VLANs: set})
	}
}

func padiLimit(t *translation, v string) {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		t.note("padi-limit: %q is not a number", v)
		return
	}
	if n > 0 {
		t.c.Options.Access.PADIs.Interface = n
	}
}

// macFilter translates mac-filter=FILE,allow|deny.
func macFilter(t *translation, v string) {
	file, what, _ := strings.Cut(v, ",")
	if what != "allow" && what != "deny" {
		t.note("mac-filter=%s: allow or deny is expected after the file", v)
		return
	}
	t.note("mac-filter: add to section [access]: mac-%s = [\"@%s\"]", what, strings.Map(printable, file))
}

// printable removes what would end a comment or a string.
func printable(r rune) rune {
	if r < ' ' || r == '"' || r == 0x7f {
		return -1
	}
	return r
}
