package linux

import (
	"errors"
	"fmt"
	"log/slog"

	"upppoe/internal/host/netconfig"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// NetworkConfig is the configuration of NewNetwork. The zero value makes one device per
// session, named ppp0, ppp1, ..., with the session's addresses and the route to its peer, in
// the main routing table, and nothing else.
type NetworkConfig struct {
	// Name is the name of the device, for a client: 1 to 15 characters. A persistent TUN device
	// of that name (tun.IsPersistent) is used as it is; any other interface of that name is an
	// error. Empty: the first free of ppp0, ppp1, ... A server leaves it empty.
	Name string
	// Owner, if not empty, makes devices outlive the process, with addresses and routes: a name of the
	// program, the same for its successor, which opens the device that SessionInfo.Device of an adopted
	// session names. A device's tag (net.ipv4.conf) stands for the owner. Devices that no session has are removed by Sweep.
	Owner string
	// DataPath must be that of the Client or Server; it determines the kind of device.
	DataPath datapath.Kind
	// Queues is the number of queues per device, where DataPath moves GSO packets; 0 and 1: one.
	Queues int
	// MTU is the largest MTU of a device, in octets; 0: the MTU that PPP has negotiated.
	MTU int
	// Unnumbered allows a session whose peer has no IPv4 address (0.0.0.0), or has the local one.
	Unnumbered bool
	// RejectDuplicateAddress rejects a local IPv4 address that another interface of this machine has.
	// A server, whose sessions share their local address, leaves it false.
	RejectDuplicateAddress bool

	// Namespace is the network namespace of the devices: a path, or a name in /run/netns
	// (ip-netns(8)). Empty: the process's. Others require CAP_SYS_ADMIN, and a data path
	// other than the kernel data path.
	Namespace string
	// VRF is the name of an existing VRF device that the devices are enslaved to; empty: none.
	VRF string
	// Table is the routing table for the route to the peer and the default routes; 0: the main
	// table, or that of the VRF.
	Table int
	// PolicyRules adds rules (ip-rule(8)) that look up Table for packets from the session's
	// IPv4 address and for sockets bound to its device.
	PolicyRules bool

	// DefaultRoute adds an IPv4 default route through the device. With a nil Metric: only if
	// there is no default route; else only if none has that metric. A nil Metric is metric 0.
	DefaultRoute bool
	Metric       *int
	// ReplaceDefaultRoute, with DefaultRoute, replaces existing IPv4 default routes that the
	// kernel would prefer, or else the best one. Close restores them, unless the default
	// route has been changed since.
	ReplaceDefaultRoute bool
	// DefaultRoute6 and Metric6 are the same for IPv6, where a nil Metric6 is the kernel's
	// 1024. IPv6 default routes are never replaced.
	DefaultRoute6 bool
	Metric6       *int
	// RouteUndoFile and RuleUndoFile record the routes that ReplaceDefaultRoute has replaced and
	// the rules that PolicyRules has added, so that the next Open undoes them after a crash. Each
	// client needs files of its own. Empty: a crash leaves them as they are.
	RouteUndoFile, RuleUndoFile string

	// ProxyARP answers ARP requests for the peer's address, on the interface whose subnet
	// contains it. EnableForwarding then also sets net.ipv4.ip_forward, which Close leaves set.
	ProxyARP         bool
	EnableForwarding bool

	// DNS is where the name servers from IPCP (RFC 1877, ipcp.Config.RequestDNS) are configured while
	// a session is up. A failure is logged, and the session continues.
	DNS DNSMethod
	// ResolvConf is the file of DNSFile, in the format of resolv.conf(5). Empty:
	// /etc/resolv.conf.
	ResolvConf string

	// PreUp, if not nil, is called when the device has its IPv4 addresses and is not yet up
	// (unless IPv6 has opened first): the place for firewall rules. The session waits for it.
	PreUp func(pppoe.SessionInfo, pppoe.Addressing)
	// Log receives warnings and notices; nil: none are written.
	Log *slog.Logger
}

// DNSMethod is a way to configure name servers on this machine.
type DNSMethod string

// The methods of DNS configuration. In another network namespace only DNSFile works.
const (
	DNSNone       DNSMethod = ""           // none; the default
	DNSAuto       DNSMethod = "auto"       // the first of the following that works
	DNSResolved   DNSMethod = "resolved"   // systemd-resolved, by resolvectl(1)
	DNSResolvconf DNSMethod = "resolvconf" // resolvconf(8)
	DNSFile       DNSMethod = "file"       // NetworkConfig.ResolvConf, which is restored afterwards
)

// ErrConfig is wrapped by errors of NewNetwork about a field's value.
var ErrConfig = errors.New("pppoe/linux: invalid NetworkConfig")

// NewNetwork returns the network of this machine, for ClientConfig.Network and
// ServerConfig.Network: it creates a TUN device per session, and configures addresses, routes and
// name servers by rtnetlink. Open and Configure require CAP_NET_ADMIN. IPv6 gets the link-local
// addresses that IPv6CP has negotiated (RFC 5072); Router Advertisements and DHCPv6 are not
// included.
//
// The error wraps ErrConfig, or reports that the namespace or VRF does not exist.
func NewNetwork(cfg NetworkConfig) (pppoe.HostNetwork, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	n := cfg.configurer()
	if err := n.Check(); err != nil {
		return nil, err
	}
	return n, nil
}

// check names the first field whose value is invalid.
func (c *NetworkConfig) check() error {
	negative := func(m *int) bool { return m != nil && *m < 0 }
	switch {
	case c.Queues < 0:
		return fmt.Errorf("%w: Queues is %d", ErrConfig, c.Queues)
	case c.MTU < 0:
		return fmt.Errorf("%w: MTU is %d", ErrConfig, c.MTU)
	case c.Table < 0:
		return fmt.Errorf("%w: Table is %d", ErrConfig, c.Table)
	case negative(c.Metric) || negative(c.Metric6):
		return fmt.Errorf("%w: a metric is negative", ErrConfig)
	case c.PolicyRules && c.Table == 0:
		return fmt.Errorf("%w: PolicyRules without Table", ErrConfig)
	case c.ReplaceDefaultRoute && !c.DefaultRoute:
		return fmt.Errorf("%w: ReplaceDefaultRoute without DefaultRoute", ErrConfig)
	case c.DataPath == datapath.KindKernel && c.Namespace != "":
		return fmt.Errorf("%w: the kernel data path cannot move packets to network namespace %s", ErrConfig, c.Namespace)
	}
	switch c.DNS {
	case DNSNone, DNSAuto, DNSResolved, DNSResolvconf, DNSFile:
		return nil
	}
	return fmt.Errorf("%w: DNS is %q", ErrConfig, c.DNS)
}

func (c *NetworkConfig) configurer() *netconfig.Configurer {
	n := &netconfig.Configurer{
		Name: c.Name, Owner: c.Owner, DataPath: c.DataPath, Queues: c.Queues, MTU: c.MTU,
		Unnumbered: c.Unnumbered, RejectDuplicateAddress: c.RejectDuplicateAddress,
		Namespace: c.Namespace, VRF: c.VRF, Table: c.Table, PolicyRules: c.PolicyRules,
		DefaultRoute: c.DefaultRoute, Metric: c.Metric, ReplaceDefaultRoute: c.ReplaceDefaultRoute,
		DefaultRoute6: c.DefaultRoute6, Metric6: c.Metric6,
		RouteUndoFile: c.RouteUndoFile, RuleUndoFile: c.RuleUndoFile,
		ProxyARP: c.ProxyARP, KernelTune: c.EnableForwarding,
		Resolver: netconfig.Resolver(c.DNS), SystemResolvConf: c.ResolvConf,
		PreUp: c.PreUp, Log: logger(c.Log),
	}
	if n.SystemResolvConf == "" {
		n.SystemResolvConf = "/etc/resolv.conf"
	}
	return n
}

// logger returns one that writes nothing in place of nil.
func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
