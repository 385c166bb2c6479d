package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"upppoe/internal/aaa"
	"upppoe/internal/config/pppd"
	"upppoe/internal/host/netconfig"
	"upppoe/internal/host/scripts"
	"upppoe/internal/mgmt/control"
	"upppoe/internal/process/pidfile"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// Directories of pppd's files, of pid files, and of clients' control sockets. Tests change them.
var (
	etc     = "/etc/ppp"
	pids    = pidfile.Dir
	sockets = control.Dir
)

// dataPath returns the data path. The device of dial on demand, which exists before its session, needs
// the plain one.
func dataPath(s *pppd.Settings) datapath.Kind {
	if s.Demand {
		return datapath.KindPlain
	}
	return s.DataPath
}

// errKernelNetns: the eBPF programs redirect packets to a device by its index, which is unique only
// within a network namespace.
var errKernelNetns = &pppd.Error{Message: "options \"datapath kernel\" and \"netns\": the kernel data path cannot forward packets between network namespaces: " +
	"leave out one of them"}

// config returns the client's configuration from the settings, without Network and OpenPorts.
func config(s *pppd.Settings, log *slog.Logger) (pppoe.ClientConfig, error) {
	if s.Namespace != "" && dataPath(s) == datapath.KindKernel {
		return pppoe.ClientConfig{}, errKernelNetns
	}
	who, err := credentials(s, log)
	if err != nil {
		return pppoe.ClientConfig{}, err
	}
	discovery, err := discoveryConfig(s)
	if err != nil {
		return pppoe.ClientConfig{}, err
	}
	c := pppoe.ClientConfig{
		Interface:    attachment(s).String(),
		DataPath:     dataPath(s),
		Discovery:    discovery,
		Session:      s.Session(),
		Limits:       s.Limits(),
		MSS:          s.ClampMSS(),
		ConnectDelay: connectDelay(s),
		Redial:       redial(s),
		Trace:        true, // SIGUSR1 may turn debug on

		NoRemoteAddress: s.NoRemoteIP,
		RemoteIDByAddr:  s.RemoteIDByAddr(),
	}
	if c.Session.IPv4 != nil {
		c.Session.IPv4.Unnumbered = true
	}
	c.Session.LCP.CheckPath = !s.NoPathCheck
	c.Session.Credentials = who
	if who.Name != "" {
		c.Session.LCP.AllowAuth = usableMethods(s.AllowAuth(), who)
	}
	if demand := s.RequireAuth(); len(demand) > 0 {
		c.Session.LCP.RequireAuth, c.Session.Name = demand, who.Name
		authenticator := aaa.NewFileAuthenticator(etc, who.Name, false, log)
		authenticator.SetFiles(s.CHAPSecrets, s.PAPSecrets)
		c.Authenticator = authenticator
	}
	if id, ac, ok := s.Attached(); ok {
		c.Attach = &pppoe.AttachedSession{SessionID: id, AC: ac}
	}
	return c, nil
}

// attachment returns the interface, VLAN tags and addresses that the client uses.
func attachment(s *pppd.Settings) afpacket.Attachment {
	l := afpacket.Attachment{Interface: s.Interface, VLAN: s.VLAN, ControlPriority: s.ControlPriority, DataPriority: s.DataPriority}
	if own, err := wire.ParseAddr(s.SourceAddr); err == nil {
		l.Source = own
	}
	return l
}

// connectDelay returns how long PPP waits for the peer to start; with option silent, forever.
func connectDelay(s *pppd.Settings) time.Duration {
	if s.Silent {
		return 100 * 365 * 24 * time.Hour
	}
	return s.ConnectDelay
}

func discoveryConfig(s *pppd.Settings) (discovery.ClientConfig, error) {
	c := discovery.ClientConfig{
		Service: s.Service, OmitService: s.OmitService, ACNames: s.ACNames, HostUniq: s.HostUniq,
		MaxPayload: max(s.MRU, s.MTU), Timeout: s.PADITimeout, Attempts: s.PADIAttempts,
		AccessLine: wire.AccessLine{CircuitID: s.AccessCircuitID, RemoteID: s.AccessRemoteID},
	}
	if s.ACAddr != "" {
		addr, err := wire.ParseAddr(s.ACAddr)
		if err != nil {
			return c, &pppd.Error{Message: "option \"pppoe-mac\": " + err.Error()}
		}
		c.AC = addr
	}
	return c, nil
}

func host(s *pppd.Settings, log *slog.Logger) *netconfig.Configurer {
	h := &netconfig.Configurer{
		Name: deviceName(s), MTU: s.MTU, DataPath: dataPath(s), Queues: s.DataPathQueues(), Log: log,
		Namespace: s.Namespace, VRF: s.Policy.VRF, Table: s.Table, PolicyRules: s.Table != 0 && s.Policy.VRF == "",
		DefaultRoute: s.DefaultRoute, Metric: s.RouteMetric, ReplaceDefaultRoute: s.ReplaceRoute,
		DefaultRoute6: s.DefaultRoute6 && !s.GlobalIPv6(), Metric6: s.RouteMetric6, // otherwise package ipv6 sets it
		RejectDuplicateAddress: true, Unnumbered: true, ProxyARP: s.ProxyARP, KernelTune: s.KernelTune,
	}
	if s.UsePeerDNS && !s.NoResolvConf {
		h.ResolvConf, h.SystemResolvConf = filepath.Join(etc, "resolv.conf"), "/etc/resolv.conf"
		h.Resolver = netconfig.Resolver(s.Resolv)
	}
	return h
}

// scriptsOf returns the configuration of pppd's scripts.
func scriptsOf(s *pppd.Settings, log *slog.Logger) scripts.Config {
	own := s.User
	if own == "" {
		own = s.Name
	}
	c := scripts.Config{
		Dir: etc, Paths: s.Scripts, IPParam: s.IPParam, Unit: s.Unit, Device: attachment(s).String(), User: own,
		Timeout: s.ChildTimeout, Log: log,
	}
	for name, value := range map[string]string{"LINKNAME": s.LinkName, "CALL_FILE": s.Call, "PPPLOGNAME": caller(), "VRF": s.Policy.VRF} {
		if value != "" {
			c.Env = append(c.Env, name+"="+value)
		}
	}
	c.Env = append(c.Env, s.ScriptEnv...)
	return c
}

// caller returns the name of the calling user, or what pppd prints for an unknown user.
func caller() string {
	if name := os.Getenv("LOGNAME"); name != "" {
		return name
	}
	if who, err := user.Current(); err == nil && who.Username != "" {
		return who.Username
	}
	return "(unknown)"
}

// deviceName returns the name to give the device; empty for any.
func deviceName(s *pppd.Settings) string {
	if s.IfName == "" && s.Unit >= 0 {
		return fmt.Sprintf("ppp%d", s.Unit)
	}
	return s.IfName
}

// redial converts pppd's numbers, in which 0 is a value, to those of pppoe.Redial, in which 0 is the
// default.
func redial(s *pppd.Settings) pppoe.Redial {
	r := pppoe.Redial{Persist: s.Persist, Holdoff: s.Holdoff, MaxFail: s.MaxFail}
	if r.MaxFail == 0 {
		r.MaxFail = -1
	}
	if r.Holdoff == 0 {
		r.Holdoff = -time.Nanosecond
	}
	return r
}
