package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

	"upppoe/internal/aaa"
	"upppoe/internal/advice"
	"upppoe/internal/capture"
	"upppoe/internal/config/pppd"
	"upppoe/internal/host/linkmonitor"
	"upppoe/internal/host/netconfig"
	"upppoe/internal/host/scripts"
	"upppoe/internal/ipv6"
	"upppoe/internal/log/pppdlog"
	"upppoe/internal/mgmt/control"
	"upppoe/internal/mgmt/status"
	"upppoe/internal/process/capability"
	"upppoe/internal/process/daemonize"
	"upppoe/internal/process/systemd"
	"upppoe/ppp/trace"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/linux"
	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// program is a client with its log, scripts, state files and control socket.
type program struct {
	settings *pppd.Settings
	lines    *pppdlog.Handler
	log      *slog.Logger
	capture  *capture.Capture // nil: there is none
	progress *progress        // nil: there is no terminal
	failure  failure
	journal  *pppdlog.EventLogger
	flood    *pppdlog.EventLimiter
	tracker  *status.Tracker
	control  *control.Server // nil if it could not be opened
	scripts  *scripts.Runner
	records  *records
	recent   recentEvents
	out      *stream // events on standard output; nil without option json
	online   *online
	mtu      *parentMTU
	demand   *demandDevice // nil without option demand
	host     *netconfig.Configurer
	ipv6     *ipv6Service                 // nil: link-local addresses only
	client   atomic.Pointer[pppoe.Client] // nil until the client is made
}

// dial runs the client until it ends.
func dial(s *pppd.Settings) int {
	ring := control.NewLogRing()
	lines, err := openLog(s, ring)
	if err != nil {
		return fail(err)
	}
	defer lines.Close()
	p := &program{settings: s, lines: lines, log: slog.New(lines), failure: failure{settings: s}}
	if err := p.openCapture(); err != nil {
		return fail(err)
	}
	defer p.capture.Close()
	if p.progress = newProgress(s); p.progress != nil {
		lines.Show(os.Stderr, p.progress.log)
		defer p.progress.close()
	}
	p.mtu = &parentMTU{settings: s, log: p.log}
	for _, notice := range s.Warnings {
		p.log.Warn(notice)
	}
	if s.Plugin {
		p.log.Info("Plugin rp-pppoe.so loaded.")
	}
	err = errors.Join(tun.Check(), tun.CheckName(deviceName(s)))
	if err == nil {
		err = p.run(ring)
	}
	if err != nil {
		p.progress.fail()
	}
	p.reportEnd(err)
	p.explainEnd(err)
	p.log.Info("Exit.")
	ring.Flush()
	return exitCode(err)
}

// run sets up everything around the client, and runs it.
func (p *program) run(ring *control.LogRing) error {
	s := p.settings
	p.journal = &pppdlog.EventLogger{Log: p.log, Trace: trace.Options{ShowPassword: s.ShowPassword}}
	p.flood = &pppdlog.EventLimiter{Report: p.reportDropped}
	p.tracker = status.NewTracker(status.Status{PID: os.Getpid(), Call: s.Call, Link: s.LinkName, Attachment: attachment(s).String()}, exitCode)
	unclaim, err := p.claimPeer()
	if err != nil {
		return err
	}
	defer p.listen(ring)()
	defer unclaim() // before listen ends: the caller of stop may dial at once
	p.scripts = scripts.New(scriptsOf(s, p.log))
	defer p.scripts.Close()
	// A goroutine of its own, which ends soon: the loop must not wait for readers of the log.
	p.online = newOnline(s, func() { go p.goToBackground() })
	p.records = newRecords(s, p.log)
	defer p.records.close()
	p.host = host(s, p.log)
	p.host.PreUp = p.scripts.PreUp
	p.host.Owner = p.records.owner()
	p.host.RouteUndoFile, p.host.RuleUndoFile = p.records.stateFile("route"), p.records.stateFile("rules")
	p.ipv6 = newIPv6(s, p.host, p.log, p.ipv6Changed)
	if p.ipv6 != nil {
		p.ipv6.memory, p.ipv6.advertised = p.records.stateFile("ipv6"), p.records.stateFile("lans")
	}
	if s.JSON {
		p.out = newStream(os.Stdout)
		defer p.out.flush()
	}

	cfg, err := config(s, p.log)
	if err == nil {
		err = p.host.Check()
	}
	if err != nil {
		return p.exit(err)
	}
	cfg.Notify, cfg.Record = p.notify, p.records.record
	cfg.Network = p.scripts.WrapNetwork(p.host)
	p.adopt(&cfg)
	return p.exit(advice.ExplainInterface(s.Interface, p.work(cfg)))
}

// work dials until a signal or an error ends it.
func (p *program) work(cfg pppoe.ClientConfig) error {
	var err error
	if p.demand, err = onDemand(p.settings, &cfg); err != nil {
		return err
	}
	defer p.demand.close()
	p.records.setDemandDevice(p.demand.name())
	p.ipv6.wait()
	defer p.ipv6.release() // while the session can still carry the messages
	defer p.mtu.restore()
	opener := &linux.Opener{DataPath: forwardingPath(p.settings, cfg.DataPath), Queues: p.settings.DataPathQueues(), MaxSessions: 1, StateDir: p.settings.StateDir, Log: p.log}
	defer opener.Close()
	opener.Prepare(p.settings.Interface)
	line := attachment(p.settings)
	open := p.capture.Reopen(func() (pppoe.Ports, error) { return opener.Open(line) },
		capture.Link{Interface: line.Interface, VLAN: line.VLAN, ControlPriority: line.ControlPriority, DataPriority: line.DataPriority})
	cfg.OpenPorts = p.mtu.raiseBefore(open)
	client, err := pppoe.NewClient(cfg)
	if err != nil {
		return err
	}
	p.client.Store(client)

	ctx, stop := daemonize.ContextUntilSignal(func(s os.Signal) {
		p.log.Info(fmt.Sprintf("Terminating on signal %d", s))
		p.scripts.LimitWaits()
		p.ipv6.release()
	})
	defer stop()
	defer p.handleSignals()()
	capability.TryDropAllExcept(p.log, neededCapabilities(p.settings)...)
	checkAccounts(cfg)
	if p.settings.Detach == pppd.DetachNow {
		p.goToBackground()
	}
	watching := make(chan struct{})
	watch, unwatch := context.WithCancel(ctx)
	// Ends with the client.
	go func() {
		defer close(watching)
		if err := linkmonitor.Watch(watch, p.settings.Interface, p.interfaceChanged); err != nil {
			p.log.Debug(err.Error())
			client.SetInterfaceState(pppoe.InterfaceUp) // unknown: do not wait for the link
		}
	}()
	err = client.Run(ctx)
	unwatch()
	<-watching
	return err
}

// interfaceChanged handles a change of the Ethernet interface's state or address. The address is ignored if
// option pppoe-source-mac gives one.
func (p *program) interfaceChanged(s pppoe.InterfaceState, a wire.Addr) {
	client := p.client.Load()
	client.SetInterfaceState(s)
	if a != (wire.Addr{}) && attachment(p.settings).Source == (wire.Addr{}) {
		client.SetInterfaceAddr(a)
	}
}

// forwardingPath returns the data path between interface and device. The kernel cannot be used if they
// are in different network namespaces.
func forwardingPath(s *pppd.Settings, by datapath.Kind) datapath.Kind {
	if s.Namespace != "" && by == datapath.KindAuto {
		return datapath.KindGSO
	}
	return by
}

// neededCapabilities returns the capabilities that a running client needs: a redial opens a device and
// packet sockets.
func neededCapabilities(s *pppd.Settings) []capability.Capability {
	keep := []capability.Capability{capability.NetRaw, capability.NetAdmin, capability.NetBindService, capability.BPF, capability.Perfmon}
	if s.Namespace != "" {
		keep = append(keep, capability.SysAdmin)
	}
	return keep
}

// checkAccounts reads the files with which the peer is authenticated, with the remaining privileges: a
// file that could not be read again later must not be accepted now.
func checkAccounts(cfg pppoe.ClientConfig) {
	if a, ok := cfg.Authenticator.(*aaa.FileAuthenticator); ok {
		a.CheckFiles(cfg.Session.LCP.RequireAuth)
	}
}

// goToBackground lets the calling process exit, after the log is written so far.
func (p *program) goToBackground() {
	p.lines.Flush()
	if daemonize.IsChild() {
		p.progress.showOnline()
		p.progress.close()
		p.lines.Remove(os.Stderr)
		if p.out != nil {
			p.out.flush() // standard output is not used from here on
		}
	}
	daemonize.Ready()
	if p.settings.NotifySystemd {
		if err := systemd.Notify("READY=1"); err != nil {
			p.log.Warn(fmt.Sprintf("up_sdnotify: %v", err))
		}
	}
}

// notify handles the client's events. It does not block.
func (p *program) notify(l pppoe.SessionInfo, e pppoe.Event) {
	logged := !p.flood.Suppress(e)
	if logged {
		p.journal.Notify(l, e)
	}
	p.demand.notify(l, e)
	p.scripts.Notify(l, e)
	p.ipv6.notify(l, e)
	p.mtu.notify(e)
	p.adviseSearch(e)
	p.adviseLogin(e)
	p.failure.notify(l, e)
	p.records.notify(l, e)
	if _, failed := e.(pppoe.AdoptionFailed); failed {
		p.host.StartSweep()
	}
	if event := p.tracker.Notify(l, e); logged {
		p.publish(event)
	}
	p.progress.notify(l, e)
	p.online.handle(e)
}

// reportDropped reports events that were suppressed because there were too many.
func (p *program) reportDropped(kind string, n int) {
	p.log.Warn(pppdlog.SuppressedText(kind, n))
	event := status.Missed(n)
	event.Text = kind
	p.publish(&event)
}

// ipv6Changed handles a change of IPv6's addresses, prefixes, servers or services.
func (p *program) ipv6Changed(l pppoe.SessionInfo, is ipv6.State) {
	var addresses, delegated []string
	for _, a := range is.Addresses {
		addresses = append(addresses, a.Prefix.String())
	}
	for _, d := range is.Delegated {
		delegated = append(delegated, d.Prefix.String())
	}
	servers := texts(is.NameServers)
	if p.settings.UsePeerDNS {
		p.host.SetNameServers6(l.Device, is.NameServers)
	}
	env := serviceEnv(&is.Services)
	p.scripts.SetDHCP6Services(l, servers, env)
	p.scripts.SetDelegatedPrefixes(l, delegated, servers, env)
	p.publish(p.tracker.IPv6(l, addresses, delegated, servers, serviceEvent(&is.Services)))
}

// exit publishes the last event.
func (p *program) exit(err error) error {
	p.publish(p.tracker.Exit(err))
	return err
}

var _ control.ClientHandler = (*program)(nil)
