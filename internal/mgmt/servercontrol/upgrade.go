package servercontrol

import (
	"bufio"
	"encoding/json"

	"upppoe/internal/mgmt/control"
)

// Upgrade is the arguments of the request upgrade.
type Upgrade struct {
	Executable string `json:"executable,omitempty"` // an absolute path; empty: that of the running program
}

// UpgradeStep is a row of its response. The last one has the successor's process ID.
type UpgradeStep struct {
	Step     string  `json:"step"`
	PID      int     `json:"pid,omitempty"`
	Sessions int     `json:"sessions,omitempty"` // that it has taken over
	Lost     int     `json:"lost,omitempty"`     // that it has ended, with a PADT
	PauseMS  float64 `json:"pause_ms,omitempty"` // in which nobody has handled control packets
}

// UpgradeFields are the fields of UpgradeStep.
var UpgradeFields = []Field{
	{"step", "what has happened"},
	{"pid", "the process ID of the program that has taken over; the object with it is the last"},
	{"sessions, lost", "the sessions that it has taken over, and those that it has ended"},
	{"pause_ms", "the time in which control packets waited"},
}

// handleUpgrade handles the request, whose rows are sent one by one.
func (p *Program) handleUpgrade(c *control.Call) {
	defer p.Upgrading()()
	w := bufio.NewWriter(c)
	defer w.Flush()
	rows := json.NewEncoder(w)
	rows.SetEscapeHTML(false)
	rows.Encode(respond(c.Arguments, func(u Upgrade, rows *json.Encoder) Result {
		return p.upgrade(u, rows, func() { w.Flush() })
	}, rows))
}

// upgrade replaces the program, and reports its steps.
func (p *Program) upgrade(u Upgrade, rows *json.Encoder, flush func()) Result {
	n := 0
	report := func(s UpgradeStep) {
		n++
		rows.Encode(s) // an error is that of the connection, which is over
		flush()
	}
	done, err := p.Upgrade(u.Executable, func(text string) { report(UpgradeStep{Step: text}) })
	if err != nil {
		return Result{Error: err.Error(), Code: CodeRefused, Count: n}
	}
	report(done)
	return Result{Done: true, Count: n}
}
