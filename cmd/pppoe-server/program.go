package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"upppoe/internal/capture"
	"upppoe/internal/cluster/allactive"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/host/ifname"
	"upppoe/internal/log/pppdlog"
	"upppoe/internal/mgmt/control"
	"upppoe/internal/mgmt/metrics"
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/process/daemonize"
	"upppoe/internal/process/pidfile"
	"upppoe/internal/process/systemd"
	"upppoe/internal/state/handover"
	"upppoe/ppp/trace"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/linux"
)

// program is the running program: its parts, in the order in which they are opened.
type program struct {
	args      []string
	flags     *flags
	config    *serverconfig.Config
	start     handover.Program
	inherited *handover.Files // that nothing has taken yet
	before    *predecessor    // nil: there is none
	lines     *pppdlog.Handler
	recent    *control.LogRing
	log       *slog.Logger
	capture   *capture.Capture // nil: there is none
	failed    context.Context  // ends when the server cannot go on
	opener    *linux.Opener
	listeners []pppoe.Listener
	network   network
	socket    *controlSocket
	web       *webPage
	state     *sessionState
	radius    *radiusService
	cluster   *clusterMember
	allActive *allActive
	kept      *allactive.Kept // nil: there is none
	cookieKey []byte          // of AC-Cookies
	server    *pppoe.Server
	current   currentServer // the server once it runs
	reload    *reloader
	metrics   *metrics.Server // nil: there is none
	upgrades  *upgrader
	left      atomic.Bool   // the sessions are left for the next start
	settled   chan struct{} // closed when no session is being adopted any more
	served    bool          // sessions were adopted, or could be

	background sync.WaitGroup // goroutines that use this program
	closers    []func()       // of the open parts
}

// openLog opens the log, and logs the warnings about flags and files.
func (p *program) openLog(warnings []string) (err error) {
	s := p.config.Options
	to := pppdlog.Target{File: s.LogFile, Times: s.LogTimes}
	if p.leavesTerminal() {
		to.Syslog = filepath.Base(os.Args[0])
	}
	if p.lines, err = pppdlog.Open(s.Debug, to); err != nil {
		return err
	}
	p.recent, p.log = control.NewLogRing(), slog.New(p.lines)
	p.lines.AddUnqueued(p.recent)
	for _, notice := range warnings {
		p.log.Warn(notice)
	}
	return nil
}

// open opens everything that needs the capabilities of the start, drops those, and makes the server.
func (p *program) open() (err error) {
	if p.state, err = openState(p.config, p.flags.config != "", p.log); err != nil {
		return err
	}
	p.onClose(p.state.close)
	if err := p.openHost(); err != nil {
		return err
	}
	if err := p.openServices(); err != nil {
		return err
	}
	// Before the accounts are read: a file that the server could not read again later must be reported
	// now, not when it changes.
	dropCapabilities(p.log, p.needsIPv6Devices(), p.config.Options.DataPath)
	if err := p.standBy(); err != nil {
		return err
	}
	return p.newServer()
}

// openHost opens the ports of the interfaces, and the host's network.
func (p *program) openHost() (err error) {
	c, s := p.config, p.config.Options
	if few := raiseOpenFileLimit(openFiles(c), c.Sessions.Max); few != "" {
		p.log.Warn(few)
	}
	raiseOpenFileLimit(openFilesOfUpgrade(c), c.Sessions.Max) // fewer may suffice
	p.opener = &linux.Opener{Inherited: p.inherited.Take, DataPath: s.DataPath, Queues: s.DataPathQueues(), MaxSessions: c.Sessions.Max, StateDir: s.StateDir, Log: p.log}
	p.state.pin(p.opener)
	p.onClose(p.closeOpener)
	if err := p.openCapture(); err != nil {
		return err
	}
	p.kept = p.readKept()
	fenceCluster(c, p.opener, p.kept)
	if p.listeners, err = listen(c, p.opener, p.capture); err != nil {
		return err
	}
	var fail context.CancelCauseFunc
	p.failed, fail = context.WithCancelCause(context.Background())
	if p.network, err = newNetwork(c, p.state, p.inherited.Take(fileDevice), fail, p.log); err != nil {
		return err
	}
	p.onClose(p.closeNetwork)
	return nil
}

// openCapture opens the capture file, if one is wanted, and lets the log be its comments.
func (p *program) openCapture() (err error) {
	s := p.config.Options
	first, _ := ifname.KernelName(p.config.Interfaces[0].Name)
	p.capture, err = s.Capture.Open("pppoe-server", first, s.ShowPassword, func(err error) { p.log.Warn(err.Error()) })
	if p.capture != nil {
		p.lines.AddNotices(p.capture)
		p.onClose(p.capture.Close)
	}
	return err
}

// openServices opens what serves operators and AAA.
func (p *program) openServices() (err error) {
	if p.socket, err = openControl(p.config.Control, takeFile(p.inherited, fileControl), p.recent, p.log); err != nil {
		return err
	}
	p.onClose(p.socket.close)
	if p.web, err = openWeb(p.config.Web, takeFile(p.inherited, fileWeb), p.log); err != nil {
		return err
	}
	p.onClose(p.web.close)
	if err := p.joinCluster(); err != nil {
		return err
	}
	if err := p.joinAllActive(); err != nil {
		return err
	}
	if p.radius, err = newRADIUS(p.config, p.state, takeFile(p.inherited, fileCoA), p.log); err != nil {
		return err
	}
	p.onClose(p.radius.close)
	return nil
}

// needsIPv6Devices reports whether IPv6 is configured on devices of sessions.
func (p *program) needsIPv6Devices() bool {
	c := p.config
	return (len(c.IPv6.Prefixes()) > 0 || len(c.RADIUS.Servers) > 0) && !c.Device.Shared
}

// newServer makes the server, and starts what reads it.
func (p *program) newServer() (err error) {
	s := p.config.Options
	cfg := serverConfig(p.config, nil, p.log)
	cfg.Delayed = p.isSecond()
	p.cookieKey = readCookieKey(takeFile(p.inherited, fileCookieKey))
	cfg.Concentrator.CookieKey = p.cookieKey
	p.radius.configure(&cfg)
	p.network.configure(&cfg)
	p.state.configure(&cfg)
	accounts := cfg.Authenticator
	p.allActive.configure(&cfg)
	events := &pppdlog.EventLogger{Log: p.log, Trace: trace.Options{ShowPassword: s.ShowPassword}, Server: true, NoIPv4: s.NoIP}
	overlaps := newFramedOverlaps(p.config, p.log)
	cfg.Notify = func(l pppoe.SessionInfo, e pppoe.Event) {
		events.Notify(l, e)
		overlaps.notify(l, e)
		p.network.notify(l, e)
		p.socket.notify(l, e)
		p.web.notify(l, e)
		p.radius.notify(l, e)
		p.allActive.notify(l, e)
		p.state.notify(l, e)
	}
	if p.server, err = pppoe.NewServer(cfg, p.listeners); err != nil {
		return err
	}
	p.network.start(p.server)
	p.allActive.serve(p.server, p.network.ipv6Pools())
	p.settled = make(chan struct{})
	grown := growMemory()
	p.state.adopt(p.server, p.radius.notAdopted, func() {
		grown()
		p.allActive.settled()
		close(p.settled)
	})
	if err := p.radius.start(p.server, p.allActive); err != nil {
		return err
	}
	p.reload = &reloader{
		flags: p.flags, current: p.config, accounts: accounts, allActive: p.allActive, log: p.log, lines: p.lines,
		network: p.network, radius: p.radius, web: p.web, server: p.server, overlaps: overlaps,
	}
	return p.serveMetrics(p.server)
}

// run serves until a signal, or until the server cannot go on.
func (p *program) run() error {
	ctx, stop := daemonize.ContextUntilSignal(func(signal os.Signal) {
		if p.handOver() {
			return
		}
		p.log.Info(fmt.Sprintf("Terminating on signal %d -- killing all PPPoE sessions", signal))
		systemd.Notify("STOPPING=1")
		p.network.hurry()
		p.radius.stopping()
	})
	defer stop()
	defer context.AfterFunc(p.failed, stop)()
	defer onSignal(unix.SIGHUP, p.reload.onSIGHUP)()
	defer p.upgrades.onSIGUSR2()()
	defer p.onSIGUSR1()()
	p.current.is.Store(p.server) // before the log says that it serves
	p.announce()
	if p.cluster == nil { // otherwise it is ready since it is standby
		if err := p.ready(); err != nil {
			return err
		}
		p.startControl()
	}
	p.background.Go(func() { p.beginAgain(ctx) })        // ends with ctx
	go returnMemory(ctx)                                 // ends with ctx
	go announceAddress(p.listeners, p.server, p.cluster) // ends when the loops have answered
	unwatch := watchInterfaces(ctx, p.config.Interfaces, p.cluster != nil, p.server, p.log)
	p.receiveFrames()
	closeUnused(p.inherited, p.log)
	if p.isSecond() {
		p.take()
	} else {
		p.network.startReading()
	}
	// Ends once all sessions have been adopted, and the predecessor has ended.
	p.background.Go(func() { p.settle(ctx) })
	p.served = true
	err := p.server.Run(ctx)
	unwatch()
	for reason, n := range p.server.Drops() {
		p.log.Info(fmt.Sprintf("Dropped %d packets: %v", n, reason))
	}
	if err == nil {
		err = context.Cause(p.failed)
	}
	return err
}

// announce logs what is served, and where the MTU is too short.
func (p *program) announce() {
	for _, l := range p.listeners {
		p.log.Info(fmt.Sprintf("Serving on %s as %q, %d sessions at most", listenerName(l), p.config.ACName(), p.config.Sessions.Max))
	}
	for _, on := range p.config.Interfaces {
		if short := mtuWarning(p.config.Options, afpacket.Attachment{Interface: on.Name, VLAN: widestTags(on.VLANs)}); short != "" {
			p.log.Warn(short)
		}
	}
}

// ready writes the file of the process ID, and tells the parent process that the server has started.
func (p *program) ready() error {
	if path := p.config.Server.PIDFile; path != "" {
		dir, name := filepath.Dir(path), filepath.Base(path)
		if err := pidfile.Write(dir, name); err != nil {
			return err
		}
		p.onClose(func() { pidfile.Remove(dir, name) })
	}
	p.detach()
	if daemonize.IsChild() {
		p.lines.Flush()
		p.lines.Remove(os.Stderr)
		daemonize.Ready()
	}
	return nil
}

// leavesTerminal reports whether the log goes to syslog.
func (p *program) leavesTerminal() bool {
	return daemonize.IsChild() || p.before != nil && !p.config.Server.Foreground && os.Getpid() != 1
}

// startControl lets the control socket and the page answer.
func (p *program) startControl() {
	info := servercontrol.Info{ACName: p.config.ACName()}
	for _, l := range p.listeners {
		info.Interfaces = append(info.Interfaces, strings.TrimSuffix(listenerName(l), ","))
	}
	if p.radius != nil {
		p.socket.program.NAS, p.socket.program.RADIUS = p.radius.nas, p.radius.numbers()
	}
	p.socket.program.Upgrade, p.socket.program.Upgrading = p.upgrades.onRequest, p.upgrades.onRequested
	p.socket.program.Cluster, p.socket.program.Store = p.cluster.status, p.state.status
	p.socket.program.AllActive, p.socket.program.FreeMachine = p.allActive.status, p.allActive.free
	p.socket.start(&p.current, info, p.reloadByRequest, p.usedPools)
	p.web.start(p.socket.program)
}

// onClose adds what close calls.
func (p *program) onClose(f func()) { p.closers = append(p.closers, f) }

// close closes the open parts, the last first. The server must have ended.
func (p *program) close() {
	for _, f := range slices.Backward(p.closers) {
		f()
	}
}

// fail logs why the program ends, and also prints it if the terminal does not show the log.
func (p *program) fail(err error) int {
	p.log.Error(err.Error())
	if p.lines.Has(os.Stderr) {
		return exitCode(err)
	}
	return fail(err)
}
