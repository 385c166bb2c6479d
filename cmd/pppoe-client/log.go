package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/config/pppd"
	"upppoe/internal/host/linkmonitor"
	"upppoe/internal/log/pppdlog"
	"upppoe/internal/log/rotatelog"
	"upppoe/internal/mgmt/control"
	"upppoe/internal/process/daemonize"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// openLog opens the log's destinations from the settings, and the copies for pppoe-client log.
func openLog(s *pppd.Settings, ring *control.LogRing) (*pppdlog.Handler, error) {
	to, layout := pppdlog.Target{File: s.LogFile, Times: s.LogTimes}, ""
	if daemonize.IsChild() && s.LogFD < 0 {
		to.Syslog = filepath.Base(os.Args[0])
	}
	if s.LogTimes {
		layout = pppdlog.TimeLayout
	}
	lines, err := pppdlog.Open(s.Debug, to)
	if err != nil {
		return nil, err
	}
	lines.AddUnqueued(ring)
	// It is closed when the program exits.
	if kept, err := rotatelog.Open(keptLogs(), cmp.Or(s.Call, s.LinkName, attachment(s).String()), filepath.Base(os.Args[0])); err == nil {
		lines.AddTimed(kept, layout)
	}
	if s.LogFD > 2 {
		unix.CloseOnExec(s.LogFD) // scripts must not inherit it
		lines.AddTimed(os.NewFile(uintptr(s.LogFD), "logfd"), layout)
	}
	return lines, nil
}

// reportEnd logs why the client ended, unless that was requested. It also prints the reason to a
// terminal whose user waits and does not see the log.
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

// explainEnd logs why the last dial did not come online: what was seen, the likely cause, and what to try. If no
// concentrator has answered, and a user looks on, it searches VLANs for one.
func (p *program) explainEnd(err error) {
	if end := (*pppoe.EndError)(nil); err == nil || errors.As(err, &end) && end.Reason.Cause == session.CauseUserRequest {
		return
	}
	x := p.failure.explain(time.Now())
	if line := attachment(p.settings); p.failure.isSilence() {
		switch obstacle := linkmonitor.Diagnose(line.Interface); {
		case obstacle != "":
			x.cause = obstacle
		case p.progress != nil:
			x = p.searchElsewhere(x)
		}
	}
	for _, text := range x.lines() {
		p.log.Warn(text)
	}
}

// searchElsewhere searches other VLANs for a concentrator, and adds the result to an explanation.
func (p *program) searchElsewhere(x explanation) explanation {
	line := attachment(p.settings)
	p.progress.searching()
	search, err := searchVLANs(context.Background(), line.Interface, line.VLAN)
	p.progress.searched()
	switch {
	case err != nil:
		p.log.Debug("search of VLANs: " + err.Error())
	case len(search.found) == 0:
		x.seen += "; " + search.nobody()
		x.cause = "the line is not in service, or the cable leads elsewhere"
	default:
		x.seen += fmt.Sprintf(", but from %v", search.found[0])
		x.cause, x.try = "the provider uses another VLAN", vlanOption(search.found[0].vlan)
	}
	return x
}

// endText returns why the client ended; empty if that was requested or is already in the log.
func endText(err error, iface string) string {
	end := (*pppoe.EndError)(nil)
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &end) || end.Err != nil:
		return err.Error()
	case end.AC == wire.Addr{} && end.Reason.Cause == session.CauseHangUp: // there was no session
		return cmp.Or(linkmonitor.Diagnose(iface), end.Reason.Text)
	}
	return ""
}

// openCapture opens the capture file, if one is wanted, and lets the log be its comments.
func (p *program) openCapture() (err error) {
	s := p.settings
	if s.Capture.File == "-" && (s.Detach != pppd.DetachNever || s.JSON) {
		return &pppd.Error{Message: `option "pcap": standard output (-) needs nodetach, and excludes json: give a file`}
	}
	p.capture, err = s.Capture.Open("pppoe-client", s.Interface, s.ShowPassword, func(err error) { p.log.Warn(err.Error()) })
	if p.capture != nil {
		p.lines.AddNotices(p.capture)
	}
	return err
}
