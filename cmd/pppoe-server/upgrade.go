package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/process/passfd"
	"upppoe/internal/process/systemd"
	"upppoe/internal/state/handover"
	"upppoe/pppoe"
)

// Errors of an upgrade that does not begin.
var (
	errUpgrading = errors.New("an upgrade is in progress")
	errNoStore   = errors.New("there is no store of sessions, which the new program would continue them by: give the server one, as file in [state] or --state, and restart it")
)

// upgrader replaces the running program by a successor, at SIGUSR2 or by a request.
type upgrader struct {
	program *program
	busy    sync.Mutex // held while it does

	frames *handover.FrameSender // passes on what waits while the program is suspended

	mu   sync.Mutex
	done *handover.Done // the successor that has taken over; nil: none has

	reported sync.WaitGroup // requests to which the result is being written
}

// upgrade replaces the program by an executable; empty: that by which it was started. An error says that the
// program goes on, and why.
func (u *upgrader) upgrade(executable string, progress func(text string)) (*handover.Done, error) {
	if !u.busy.TryLock() {
		return nil, errUpgrading
	}
	defer u.busy.Unlock()
	p := u.program
	if p.state.store() == nil {
		return nil, errNoStore
	}
	files, err := p.passOn()
	if err != nil {
		return nil, err
	}
	defer files.Close()
	r := handover.Replacement{
		Program: p.start, Env: os.Environ(), NewProcessGroup: p.config.Server.Foreground, Self: identity(), Files: files,
		Progress: func(text string) {
			p.log.Info("upgrade: " + text)
			progress(text)
		},
	}
	if executable != "" {
		r.Path = executable
	}
	suspended := false
	r.Finish = func() { finishSetups(p.server) }
	r.Suspend = func() (*handover.Files, error) {
		more, err := u.suspend()
		suspended = err == nil
		return more, err
	}
	done, err := r.Run()
	if err != nil {
		if suspended {
			u.frames.Close()
			p.resume()
		} else {
			p.server.Resume() // an error: it had nothing to finish yet
		}
		p.log.Error(fmt.Sprintf("upgrade: %v: this program goes on", err))
		return nil, err
	}
	p.log.Info(fmt.Sprintf("upgrade: process %d has taken over %d sessions; control packets waited for %v", done.PID, done.Sessions, done.Pause.Round(100_000)))
	u.mu.Lock()
	u.done = done
	u.mu.Unlock()
	p.server.PassOn(u.frames.Send)
	if err := done.AwaitCarried(); err != nil {
		p.log.Error(fmt.Sprintf("upgrade: process %d does not carry packets: %v", done.PID, err))
	}
	p.leave()
	return done, nil
}

// setupsTimeout is how long sessions that are being set up may take until a successor goes on: less than the time
// after which a client repeats its PADI, 5 s with pppd.
const setupsTimeout = 4 * time.Second

// finishSetups waits until no session of a server is being set up. It is called before the server is suspended.
func finishSetups(server *pppoe.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), setupsTimeout)
	defer cancel()
	server.FinishSetups(ctx)
}

// suspend suspends the program, and returns what is passed on then.
func (u *upgrader) suspend() (*handover.Files, error) {
	sender, receiver, err := handover.NewFrameSender()
	if err != nil {
		return nil, err
	}
	files, err := u.program.suspend()
	if err != nil {
		sender.Close()
		receiver.Close()
		return nil, err
	}
	files.Add(fileFrames, receiver)
	u.frames = sender
	return files, nil
}

// successor returns the successor that has taken over; nil: none has.
func (u *upgrader) successor() *handover.Done {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.done
}

// onRequested keeps the program from ending until done is called.
func (u *upgrader) onRequested() (done func()) {
	u.reported.Add(1)
	return u.reported.Done
}

// onRequest upgrades, at the request of an operator.
func (u *upgrader) onRequest(executable string, progress func(string)) (step servercontrol.UpgradeStep, err error) {
	done, err := u.upgrade(executable, progress)
	if err != nil {
		return step, err
	}
	return servercontrol.UpgradeStep{
		Step: "taken over", PID: done.PID, Sessions: done.Sessions, Lost: done.Lost, PauseMS: float64(done.Pause.Microseconds()) / 1000,
	}, nil
}

// onSIGUSR2 upgrades at each SIGUSR2 until stop is called.
func (u *upgrader) onSIGUSR2() (stop func()) {
	return onSignal(unix.SIGUSR2, func() { u.upgrade("", func(string) {}) }) // the log has the result
}

// passOn returns other descriptors of all that a successor goes on with, except for devices of sessions, which
// suspend returns.
func (p *program) passOn() (*handover.Files, error) {
	files := &handover.Files{}
	for name, sockets := range p.opener.Descriptors() {
		files.Add(name, sockets...)
	}
	device, err := p.network.descriptors()
	files.Add(fileDevice, device...)
	for name, listener := range map[string]func() (*os.File, error){
		fileControl: p.socket.listener, fileMetrics: p.metricsListener, fileWeb: p.web.listener, fileCoA: p.radius.coaSocket, fileCookieKey: p.cookieKeyFile,
		fileStdout: func() (*os.File, error) { return passfd.Duplicate(os.Stdout, fileStdout) },
		fileStderr: func() (*os.File, error) { return passfd.Duplicate(os.Stderr, fileStderr) },
	} {
		f, failed := listener()
		if failed != nil {
			err = errors.Join(err, failed)
		} else if f != nil {
			files.Add(name, f)
		}
	}
	if err != nil {
		files.Close()
		return nil, fmt.Errorf("pass on descriptors: %w", err)
	}
	return files, nil
}

// suspend stops what a successor does next: control packets and accounting. Packets of sessions go on. The
// store and the spool are closed.
func (p *program) suspend() (*handover.Files, error) {
	p.server.Suspend()
	p.allActive.suspend()
	devices, err := p.network.suspend()
	if err == nil {
		err = p.radius.suspend()
	}
	if err == nil {
		err = p.state.suspend()
	}
	if err != nil {
		passfd.Close(devices)
		p.resume()
		return nil, err
	}
	p.opener.Release()
	files := &handover.Files{}
	files.Add(fileDevice, devices...)
	return files, nil
}

// resume undoes suspend. What fails is logged: the sessions go on.
func (p *program) resume() {
	err := p.opener.Take()
	err = errors.Join(err, p.state.resume(), p.radius.resume())
	p.network.resume()
	err = errors.Join(err, p.server.Resume())
	p.allActive.run()
	if err != nil {
		p.log.Error(fmt.Sprintf("after the failed upgrade: %v", err))
	}
}

// leave ends the server for a successor that serves. No packet is in transit in this program then.
func (p *program) leave() {
	p.network.stopReading()
	p.socket.leave()
	p.web.close()
	p.leaveMetrics()
	p.server.Leave() // Run returns
}

// afterUpgrade ends the program after a successor has taken over. In the foreground, without a service
// manager that knows the successor as the main process, it stays as its parent, and ends with it.
func (p *program) afterUpgrade(done *handover.Done) int {
	p.upgrades.frames.Close() // all have been passed on
	p.opener.Leave()
	p.upgrades.reported.Wait()
	stays := p.config.Server.Foreground || os.Getpid() == 1
	if systemd.IsManager() {
		stays = systemd.Notify(systemd.MainPID(done.PID)) != nil
	}
	if !stays {
		done.Release()
		p.lines.Close()
		return exitOK
	}
	stop := forwardSignals(done)
	defer stop()
	done.Release()
	p.lines.Close()
	p.forget()
	return done.Wait()
}

// forget frees the memory of what has been handed over, when no goroutine uses it any more.
func (p *program) forget() {
	p.background.Wait()
	*p = program{}
	debug.FreeOSMemory()
}

// forwardSignals passes signals on to the successor.
func forwardSignals(to *handover.Done) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 8)
	signal.Reset()
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2)
	// Ends with stop.
	go func() {
		for {
			select {
			case s := <-signals:
				to.Signal(s)
			case <-ctx.Done():
				return
			}
		}
	}()
	return cancel
}
