package accelppp

const (
	onlyPPPoE  = "only PPPoE is served"
	builtIn    = "" // no note: it is built in, or means nothing here
	useControl = "pppoe-server status, sessions and other commands use a control socket: see section [control]"
	policed    = "rates are policed, and the burst is policy.rate-burst"
	onePool    = "Framed-Pool names a pool"
	noPool     = "named pools have no counterpart here"
)

// modules are the modules without a method of authentication, with the reason why one has no counterpart.
var modules = map[string]string{
	"log_file": builtIn, "log_syslog": builtIn, "pppoe": builtIn, "ippool": builtIn, "shaper": builtIn, "sigchld": builtIn, "pppd_compat": builtIn,
	"ipv6_nd": builtIn, "ipv6_dhcp": builtIn, "ipv6pool": builtIn, "chap-secrets": builtIn,
	"auth_mschap_v1": "MS-CHAP version 1 is broken: auth_mschap_v2 is accepted", "radius": builtIn, "net-snmp": "there is no SNMP: section [metrics] has numbers for Prometheus",
	"log_tcp": "there is no log over TCP", "log_pgsql": "there is no log to PostgreSQL", "logwtmp": "sessions are not recorded in wtmp",
	"pptp": onlyPPPoE, "l2tp": onlyPPPoE, "sstp": onlyPPPoE, "ipoe": onlyPPPoE, "vlan_mon": builtIn, "vlan-mon": builtIn, "connlimit": "limits are in section [access]",
}

// uselessSections are sections of which no key, or few, have a counterpart.
var uselessSections = map[string]string{
	"core": builtIn, "pptp": onlyPPPoE, "l2tp": onlyPPPoE, "sstp": onlyPPPoE, "ipoe": onlyPPPoE,
	"cli": useControl, "snmp": "there is no SNMP: section [metrics] has numbers for Prometheus",
	"ipv6-nd": "router advertisements have values of their own", "ipv6-dhcp": "DHCPv6 has values of its own",
	"client-ip-range": "it is for tunnels over IP", "connlimit": "limits are in section [access]: padr-limit, half-open-limit",
	"log-tcp": "there is no log over TCP", "log-pgsql": "there is no log to PostgreSQL",
}

// useless are keys of sections that have others with a counterpart.
var useless = map[string]string{
	"common.sid-case": builtIn, "common.sid-source": builtIn, "common.seq-file": builtIn, "common.check-ip": "no two sessions have one address",
	"ppp.verbose": builtIn, "ppp.min-mtu": "a smaller MRU of a client is accepted", "ppp.ccp": "there is no compression", "ppp.ccp-max-configure": builtIn,
	"ppp.mppe": "encryption (MPPE) is not supported", "ppp.check-ip": builtIn, "ppp.unit-cache": builtIn, "ppp.unit-preallocate": builtIn,
	"ppp.lcp-echo-timeout": "a silent session ends after ppp.echo-interval times ppp.echo-failures", "ppp.ipv6-accept-peer-intf-id": "a client's own identifier is accepted",
	"pppoe.verbose": builtIn, "pppoe.tr101": builtIn, "pppoe.sid-uppercase": builtIn, "pppoe.accept-blank-service": builtIn, "pppoe.accept-any-service": "any service is accepted if no [[service]] is given",
	"pppoe.called-sid": "Called-Station-Id is the AC-Name and the Service-Name", "pppoe.ifname": "devices are numbered automatically, or shared: see section [device]",
	"pppoe.ifname-in-sid": builtIn, "pppoe.cookie-timeout": builtIn, "pppoe.session-timeout": "see sessions.session-timeout", "pppoe.mppe": "encryption (MPPE) is not supported",
	"pppoe.vlan-timeout": builtIn, "pppoe.vlan-name": builtIn, "pppoe.ipv6-pool": noPool, "pppoe.ipv6-pool-delegate": noPool,
	"ip-pool.vendor": onePool, "ip-pool.attr": onePool, "ip-pool.shuffle": builtIn, "shaper.vendor": builtIn, "shaper.verbose": builtIn,
	"radius.dictionary": "attributes are built in, and [[radius-attribute]] gives any other a meaning", "radius.acct-timeout": "while no server answers, sessions go on and records wait in accounting.spool",
	"radius.acct-interim-jitter": "intervals vary by 10 %", "radius.acct-delay-time": builtIn, "radius.acct-on": builtIn,
	"shaper.up-limiter": policed, "shaper.down-limiter": policed, "shaper.down-burst-factor": policed, "shaper.up-burst-factor": policed,
	"shaper.latency": policed, "shaper.mpu": policed, "shaper.mtu": policed, "shaper.r2q": policed, "shaper.quantum": policed, "shaper.moderate-quantum": policed, "shaper.cburst": policed, "shaper.ifb": policed, "shaper.leaf-qdisc": policed,
	"shaper.rate-multiplier": "[[radius-attribute]] unit is the unit of a rate, in bit/s",
	"log.log-emerg":          builtIn, "log.log-fail-file": builtIn, "log.log-debug": "log.debug writes packets to the log", "log.syslog": builtIn, "log.copy": builtIn, "log.per-user-dir": "there is one log",
	"log.per-session-dir": "there is one log", "log.per-session": "there is one log", "log.color": builtIn,
	"chap-secrets.encrypted": "passwords must be plain text", "chap-secrets.username-hash": "names must be plain text",
	"pppd-compat.verbose": builtIn, "pppd-compat.fork-limit": builtIn, "pppd-compat.radattr-prefix": "scripts have no file of RADIUS attributes", "pppd-compat.ip-change": "no script runs when a policy changes",
}
