package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/config/pppd"
	"upppoe/internal/process/capability"
	"upppoe/internal/process/daemonize"
	"upppoe/internal/process/passfd"
	"upppoe/internal/state/handover"
	"upppoe/internal/version"
)

// formats are the versions of what a successor reads of its predecessor's files.
var formats = map[string]int{"session store": 2}

func identity() handover.Identity {
	return handover.Identity{Build: version.String(), Formats: formats}
}

// Names of files that programs pass on, beside those of ports.
const (
	fileStdout  = "stdout"
	fileStderr  = "stderr"
	fileControl = "control"
	fileMetrics = "metrics"
	fileWeb     = "web"
	fileCoA     = "coa"
	fileDevice  = "device" // that all sessions share, or those of all sessions
	fileFrames  = "frames" // see handover.ReceiveFrames

	fileCookieKey = "cookie-key"
)

// predecessor is the program that this one takes over from.
type predecessor struct {
	*handover.Successor
	killed bool // it has ended by itself, and this program goes on as after a crash
}

// takeOver serves in place of the predecessor that has started this program.
func takeOver(start handover.Program) int {
	s, err := handover.Inherit()
	if err == nil && s == nil {
		err = &pppd.Error{Message: handover.Command + " is for a server that another one starts: use pppoe-server upgrade"}
	}
	if err != nil {
		return fail(err)
	}
	files, err := s.Hello(identity())
	if err != nil {
		return fail(err)
	}
	useOutput(files)
	if err := capability.SetNotDumpable(); err != nil {
		return refuse(s, err)
	}
	f, err := parseFlags(start.Args)
	if err != nil {
		return refuse(s, err)
	}
	c, warnings, err := f.load()
	if err != nil {
		return refuse(s, err)
	}
	return serve(&program{flags: f, config: c, start: start, inherited: files, before: &predecessor{Successor: s}}, warnings)
}

// refuse tells the predecessor why this program cannot take over.
func refuse(s *handover.Successor, err error) int {
	s.Fail(err)
	return exitCode(err)
}

// useOutput makes the predecessor's output this program's.
func useOutput(files *handover.Files) {
	for fd, name := range map[int]string{1: fileStdout, 2: fileStderr} {
		for _, f := range files.Take(name) {
			if raw, err := f.SyscallConn(); err == nil {
				raw.Control(func(from uintptr) { unix.Dup3(int(from), fd, 0) })
			}
			f.Close()
		}
	}
}

// awaitTurn tells the predecessor, if there is one, that this program can serve, and waits until it is
// suspended.
func (p *program) awaitTurn() error {
	if p.before == nil {
		return nil
	}
	more, killed, err := p.before.Ready()
	if err != nil {
		return err
	}
	p.inherited.Move(more)
	p.before.killed = killed
	if killed {
		p.log.Warn("the earlier program was killed during the upgrade: its sessions are continued")
	}
	return nil
}

// isSecond reports whether a predecessor goes on if this program fails.
func (p *program) isSecond() bool { return p.before != nil && !p.before.killed }

// take tells the predecessor that this program serves.
func (p *program) take() {
	taken := handover.Taken{Sessions: p.state.adopted, Lost: p.state.notAdopted}
	if err := p.before.Taken(taken); err != nil {
		p.log.Warn(fmt.Sprintf("upgrade: %v", err))
	}
	p.log.Info(fmt.Sprintf("Took over %d sessions from an earlier program", taken.Sessions))
}

// settle is called when the program serves. A predecessor carries packets until all sessions have theirs from
// this program; then it ends, and what no session has taken over is removed. If this program has a successor by
// then, that does the rest.
func (p *program) settle(ctx context.Context) {
	if !p.isSecond() {
		p.notifyReady(ctx)
	}
	p.awaitSettled(ctx)
	if p.isSecond() {
		if !p.hasSuccessor() {
			p.network.startReading()
			p.server.ReadPorts()
		}
		p.before.Carries() // an error: it has ended
		p.before.WaitReleased(releaseGrace)
	}
	if p.hasSuccessor() {
		return
	}
	if p.isSecond() {
		p.notifyReady(ctx)
	}
	p.sweep()
}

// awaitSettled waits until no session is being adopted any more, or a successor goes on with that.
func (p *program) awaitSettled(ctx context.Context) {
	select {
	case <-p.settled:
	case <-ctx.Done():
		if !p.hasSuccessor() {
			<-p.settled
		}
	}
}

// hasSuccessor reports whether a successor has taken over.
func (p *program) hasSuccessor() bool { return p.upgrades.successor() != nil }

// receiveFrames handles the control frames that the predecessor has received and not handled.
func (p *program) receiveFrames() {
	socket := takeFile(p.inherited, fileFrames)
	if socket == nil {
		return
	}
	// Ends with the predecessor.
	go func() {
		err := handover.ReceiveFrames(socket, func(listener string, frame []byte) { p.server.Receive(listener, frame) })
		if err != nil {
			p.log.Warn(fmt.Sprintf("upgrade: frames of the earlier program: %v", err))
		}
	}()
}

// releaseGrace is how long a predecessor may take to end.
const releaseGrace = 30 * time.Second

// takeFile returns the only file of a name; nil: there is none.
func takeFile(files *handover.Files, name string) *os.File {
	all := files.Take(name)
	if len(all) != 1 {
		passfd.Close(all)
		return nil
	}
	return all[0]
}

// closeUnused closes what was passed on and this program has no use for, such as sockets of an interface
// that it does not serve.
func closeUnused(files *handover.Files, log *slog.Logger) {
	if n := files.Len(); n > 0 {
		log.Debug(fmt.Sprintf("%d descriptors of the earlier program are not used: %v", n, files.Names()))
	}
	files.Close()
}

// detach leaves the directory and the terminal of a predecessor in the background.
func (p *program) detach() {
	if p.before != nil && !p.config.Server.Foreground && os.Getpid() != 1 && !daemonize.IsChild() {
		os.Chdir("/")
	}
}
