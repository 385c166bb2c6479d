package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"upppoe/internal/aaa"
	"upppoe/internal/config/pppd"
	"upppoe/internal/host/linkmonitor"
	"upppoe/internal/host/netconfig"
	"upppoe/internal/host/scripts"
	"upppoe/internal/ipv6"
	"upppoe/internal/log/pppdlog"
	"upppoe/internal/log/rotatelog"
	"upppoe/internal/mgmt/control"
	"upppoe/internal/mgmt/sessionstore"
	"upppoe/internal/mgmt/status"
	"upppoe/internal/process/capability"
	"upppoe/internal/process/daemonize"
	"upppoe/ppp/session"
	"upppoe/ppp/trace"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/linux"
	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// program is a client with all that goes with it.
type program struct {
	settings *pppd.Settings
	lines    *pppdlog.Handler
	log      *slog.Logger
	journal  *pppdlog.EventLogger
	flood    *pppdlog.EventLimiter
	tracker  *status.Tracker
	control  *control.Server // nil: there is none
	scripts  *scripts.Runner
	records  *records
	out      *stream // nil: nobody reads JSON
	online   *online
	mtu      *parentMTU
	demand   *demandDevice // nil: dials do not wait
	host     *netconfig.Configurer
	ipv6     *ipv6Service                 // nil: link-local addresses will do
	client   atomic.Pointer[pppoe.Client] // nil: it is yet to be made
}

// dial runs the client until it ends.
func dial(s *pppd.Settings) int {
	daemonize.CatchWriteSignals()
	ring := control.NewLogRing()
	lines, err := openLog(s, ring)
	if err != nil {
		return fail(err)
	}
	defer lines.Close()
	p := &program{settings: s, lines: lines, log: slog.New(lines)}
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
	p.reportEnd(err)
	p.log.Info("Exit.")
	ring.Flush()
	return exitCode(err)
}

// openLog has the log go where the settings say, and to those who ask for it later.
func openLog(s *pppd.Settings, ring *control.LogRing) (*pppdlog.Handler, error) {
	leaves := daemonize.IsChild() && s.LogFD < 0
	lines, err := pppdlog.Open(s.Debug, s.LogFile, filepath.Base(os.Args[0]), leaves)
	if err != nil {
		return nil, err
	}
	lines.AddUnqueued(ring)
	// It is closed by the program's end, when all is written that could be.
	if kept, err := rotatelog.Open(keptLogs(), cmp.Or(s.Call, s.LinkName, attachment(s).String()), filepath.Base(os.Args[0])); err == nil {
		lines.Add(kept)
	}
	if s.LogFD > 2 {
		unix.CloseOnExec(s.LogFD) // scripts have no business with it
		lines.Add(os.NewFile(uintptr(s.LogFD), "logfd"))
	}
	return lines, nil
}

// reportEnd says why the client ended, unless that was asked for. Somebody who waits at a terminal
// that does not have the log is told there, too.
func (p *program) reportEnd(err error) {
	text := endText(err, p.settings.Interface)
	if text == "" {
		return
	}
	p.log.Error(text)
	if p.settings.Detach != pppd.DetachNever && !p.lines.Has(os.Stderr) {
		fmt.Fprintln(os.Stderr, "pppoe-client: "+text)
	}
}

// endText is why the client ended; empty: that was asked for, or the log has told.
func endText(err error, iface string) string {
	end := (*pppoe.EndError)(nil)
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &end) || end.Err != nil:
		return err.Error()
	case end.AC == wire.Addr{} && end.Reason.Cause == session.HangUp: // there was no session
		return cmp.Or(linkmonitor.Diagnose(iface), end.Reason.Text)
	}
	return ""
}

// run has the client work, and everything around it.
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
	defer unclaim() // before: whoever has said stop may dial at once
	p.scripts = scripts.New(scriptsOf(s, p.log))
	defer p.scripts.Close()
	// Ends soon: the loop does not wait for those who read the last lines.
	p.online = newOnline(s, func() { go p.goToBackground() })
	p.records = newRecords(s, p.log)
	defer p.records.close()
	p.host = host(s, p.log)
	p.host.PreUp = p.scripts.PreUp
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
	cfg.Notify = p.notify
	cfg.Network = p.scripts.WrapNetwork(p.host)
	cfg.Stale, cfg.Previous = p.records.staleSessions()
	return p.exit(p.work(cfg))
}

// claimPeer has no other client call the same peer, until the function that it returns is called.
func (p *program) claimPeer() (unclaim func(), err error) {
	s := p.settings
	if s.Call == "" || s.Force {
		return func() {}, nil
	}
	c, by, err := sessionstore.LockName(sockets, "call-"+s.Call)
	switch {
	case errors.Is(err, sessionstore.ErrNameInUse):
		return nil, fmt.Errorf("peer %s is called already, by process %d: pppoe-client stop %s ends that, --force dials beside it", s.Call, by, s.Call)
	case err != nil:
		p.log.Debug(fmt.Sprintf("another client may call the same peer: %v", err))
		return func() {}, nil
	}
	return func() { c.Close() }, nil
}

// listen lets others ask how the client is, until the function that it returns is
// called: last of all, for who has said stop waits for that.
func (p *program) listen(ring *control.LogRing) (closed func()) {
	var err error
	if p.control, err = control.Listen(sockets, p, ring); err != nil {
		p.log.Debug(fmt.Sprintf("pppoe-client status and stop will not find this client: %v", err))
		return func() {}
	}
	return func() { p.control.Close() }
}

// work dials until it is told to end.
func (p *program) work(cfg pppoe.ClientConfig) error {
	var err error
	if p.demand, err = onDemand(p.settings, &cfg); err != nil {
		return err
	}
	defer p.demand.close()
	p.records.setDemandDevice(p.demand.name())
	p.ipv6.wait()
	defer p.ipv6.release() // before the last event, and before there is nobody to tell
	defer p.mtu.restore()
	lines := &linux.Opener{DataPath: forwardingPath(p.settings, cfg.DataPath), Queues: p.settings.DataPathQueues(), MaxSessions: 1, StateDir: p.settings.StateDir, Log: p.log}
	defer lines.Close()
	lines.Prepare(p.settings.Interface)
	cfg.Listen = p.mtu.raiseBefore(func() (pppoe.Ports, error) { return lines.Open(attachment(p.settings)) })
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
		if err := linkmonitor.Watch(watch, p.settings.Interface, p.linkChanged); err != nil {
			p.log.Debug(err.Error())
			client.SetLinkState(pppoe.LinkUp) // what nobody watches, nobody waits for
		}
	}()
	err = client.Run(ctx)
	unwatch()
	<-watching
	return err
}

// linkChanged takes how the Ethernet interface is. Its address matters unless the line has
// one of its own.
func (p *program) linkChanged(s pppoe.LinkState, a wire.Addr) {
	client := p.client.Load()
	client.SetLinkState(s)
	if a != (wire.Addr{}) && attachment(p.settings).Source == (wire.Addr{}) {
		client.SetLinkAddr(a)
	}
}

// forwardingPath is what moves packets between the line and the device. Where these are in different
// network namespaces the kernel cannot.
func forwardingPath(s *pppd.Settings, by datapath.Kind) datapath.Kind {
	if s.Namespace != "" && by == datapath.KindAuto {
		return datapath.KindOffload
	}
	return by
}

// neededCapabilities are the capabilities that are needed once everything is set up: a redial makes
// a device, and opens packet sockets.
func neededCapabilities(s *pppd.Settings) []capability.Capability {
	keep := []capability.Capability{capability.NetRaw, capability.NetAdmin, capability.NetBindService, capability.BPF, capability.Perfmon}
	if s.Namespace != "" {
		keep = append(keep, capability.SysAdmin)
	}
	return keep
}

// checkAccounts reads the files by which the peer is judged, with the rights that are left: by
// what cannot be read again, nobody logs in from the start.
func checkAccounts(cfg pppoe.ClientConfig) {
	if a, ok := cfg.Authenticator.(*aaa.FileAuthenticator); ok {
		a.CheckFiles(cfg.Session.LCP.RequireAuth)
	}
}

// goToBackground lets the caller go on, who finds in the log what has led to this.
func (p *program) goToBackground() {
	p.lines.Flush()
	if daemonize.IsChild() {
		p.lines.Remove(os.Stderr)
		if p.out != nil {
			p.out.flush() // standard output is nobody's from here on
		}
	}
	daemonize.Ready()
	if p.settings.NotifySystemd {
		if err := daemonize.NotifySystemd("READY=1"); err != nil {
			p.log.Warn(fmt.Sprintf("up_sdnotify: %v", err))
		}
	}
}

// notify takes what happens to the line. It does not block.
func (p *program) notify(l pppoe.SessionInfo, e pppoe.Event) {
	told := !p.flood.Suppress(e)
	if told {
		p.journal.Notify(l, e)
	}
	p.demand.notify(l, e)
	p.scripts.Notify(l, e)
	p.ipv6.notify(l, e)
	p.mtu.notify(e)
	p.adviseSearch(e)
	p.adviseLogin(e)
	p.records.notify(l, e)
	if event := p.tracker.Notify(l, e); told {
		p.publish(event)
	}
	p.online.handle(e)
}

// reportDropped tells of events that were left out, as there were too many.
func (p *program) reportDropped(kind string, n int) {
	p.log.Warn(pppdlog.SuppressedText(kind, n))
	event := status.Missed(n)
	event.Text = kind
	p.publish(&event)
}

// ipv6Changed takes what IPv6 has now.
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

func (p *program) publish(e *status.Event) {
	if e == nil {
		return
	}
	text := append(object(e), '\n')
	if p.control != nil {
		p.control.Publish(text)
	}
	if p.out != nil {
		p.out.write(text)
	}
}

var _ control.Handler = (*program)(nil)

// Status is how the line is, in JSON.
func (p *program) Status() []byte {
	s := p.tracker.Status()
	if client := p.client.Load(); client != nil {
		if c, open := client.Counters(); open {
			s.Traffic = status.TrafficOf(c)
		}
	}
	return object(s)
}

// DroppedEvents is the event that stands for so many others.
func (p *program) DroppedEvents(n int) []byte { return object(status.Missed(n)) }

// object is one of package status in JSON: those can always be written.
func object(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("no JSON: " + err.Error())
	}
	return text
}

// Stop ends the client by the signal that pppd's users send, so that the log says what
// they look for.
func (p *program) Stop() { unix.Kill(os.Getpid(), unix.SIGTERM) }

// HangUp has it hang up by SIGHUP, likewise.
func (p *program) HangUp() { unix.Kill(os.Getpid(), unix.SIGHUP) }
