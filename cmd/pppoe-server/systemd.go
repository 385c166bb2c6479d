package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"upppoe/internal/process/systemd"
	"upppoe/internal/state/handover"
)

// notifyReady tells a service manager that the server is ready, leaves with it what the next start goes on
// with, and keeps its watchdog content until the context ends.
func (p *program) notifyReady(ctx context.Context) {
	if !systemd.IsManager() {
		return
	}
	if err := systemd.Notify("READY=1", systemd.MainPID(os.Getpid())); err != nil {
		p.log.Warn(fmt.Sprintf("notify the service manager: %v", err))
		return
	}
	if p.state.store() != nil {
		if err := p.storeFiles(); err != nil {
			p.log.Warn(fmt.Sprintf("leave descriptors with the service manager: %v", err))
		}
	}
	if interval := systemd.WatchdogInterval(); interval > 0 {
		go systemd.Watchdog(ctx, interval, p.isAlive) // ends with ctx
	}
}

// storeFiles leaves the descriptors with the manager.
func (p *program) storeFiles() error {
	files, err := p.passOn()
	if err != nil {
		return err
	}
	defer files.Close()
	for _, output := range []string{fileStdout, fileStderr} { // the next start gets others
		for _, f := range files.Take(output) {
			f.Close()
		}
	}
	if len(files.Get(fileDevice)) == 0 { // those of sessions are left at the end: see onSIGUSR1
		if err := systemd.RemoveFiles(fileDevice); err != nil {
			return err
		}
	}
	for _, name := range files.Names() {
		if err := systemd.StoreFiles(name, files.Get(name)...); err != nil {
			return err
		}
	}
	return nil
}

// storeDevices leaves the devices of sessions with the manager. Those that it has no room for are opened anew
// by the next start, as after a crash.
func (p *program) storeDevices(devices *handover.Files) {
	defer devices.Close()
	if all := devices.Get(fileDevice); len(all) > 0 {
		if err := systemd.StoreFiles(fileDevice, all...); err != nil {
			p.log.Warn(fmt.Sprintf("leave devices with the service manager: %v", err))
		}
	}
}

// isAlive reports whether the loops of the server still turn. It waits for them.
func (p *program) isAlive() bool {
	for range p.server.Sessions() {
		break
	}
	return true
}

// storedFiles returns what an earlier run of the service has left with the manager.
func storedFiles() *handover.Files {
	files := &handover.Files{}
	for name, stored := range systemd.ListenFiles() {
		files.Add(name, stored...)
	}
	return files
}

// notifyReload tells a service manager that the configuration is read again, and later that it was.
func notifyReload() (done func()) {
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	systemd.Notify("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/1000))
	return func() { systemd.Notify("READY=1") }
}

// onSIGUSR1 ends the program at SIGUSR1 with its sessions open, for its next start.
func (p *program) onSIGUSR1() (stop func()) {
	return onSignal(unix.SIGUSR1, func() {
		if !p.upgrades.busy.TryLock() {
			return
		}
		defer p.upgrades.busy.Unlock()
		if p.state.store() == nil {
			p.log.Warn("SIGUSR1 is ignored: " + errNoStore.Error())
			return
		}
		systemd.Notify("STOPPING=1")
		p.log.Info("SIGUSR1: the sessions are left for the next start")
		finishSetups(p.server)
		devices, err := p.suspend()
		if err != nil {
			p.log.Error(fmt.Sprintf("SIGUSR1 is ignored: %v", err))
			return
		}
		p.storeDevices(devices)
		p.left.Store(true)
		p.leave()
	})
}

// afterLeaving ends the program with its sessions open. Nothing is undone.
func (p *program) afterLeaving() int {
	p.opener.Leave()
	p.lines.Close()
	return exitOK
}
