package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"upppoe/internal/config/pppd"
	"upppoe/internal/process/daemonize"
)

// verdict is the result of a check.
type verdict string

// Verdicts. Only fault prevents a session; a check is skipped if another one's fault prevents it.
const (
	good    verdict = "ok"
	warning verdict = "warning"
	fault   verdict = "error"
	skipped verdict = "skipped"
)

// finding is a check with its verdict, and what to do about it.
type finding struct {
	Check   string  `json:"check"`
	Verdict verdict `json:"verdict"`
	Text    string  `json:"text"`
	Mend    string  `json:"mend,omitempty"` // empty: nothing is to be done
}

// diagnosis are all findings about an interface.
type diagnosis struct {
	Interface string    `json:"interface"` // with its VLAN
	OK        bool      `json:"ok"`        // there is no fault
	Findings  []finding `json:"findings"`
}

// add adds a finding.
func (d *diagnosis) add(check string, v verdict, mend, format string, args ...any) {
	d.Findings = append(d.Findings, finding{check, v, fmt.Sprintf(format, args...), mend})
	d.OK = d.OK && v != fault
}

// verdictOf returns the worst verdict of a check.
func (d *diagnosis) verdictOf(check string) (v verdict) {
	for _, f := range d.Findings {
		if f.Check == check && (v == "" || f.Verdict != good) {
			v = f.Verdict
		}
	}
	return v
}

// write writes the findings for people.
func (d *diagnosis) write(w io.Writer) error {
	for _, f := range d.Findings {
		text := fmt.Sprintf("%-8s %-13s %s\n", f.Verdict, f.Check, f.Text)
		if f.Mend != "" {
			text += fmt.Sprintf("%-22s try: %s\n", "", f.Mend)
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	summary := "No error: a session can be dialled.\n"
	if !d.OK {
		summary = "There are errors: mend the first one, and run this again.\n"
	}
	_, err := io.WriteString(w, summary)
	return err
}

// doctor is the subcommand doctor: it checks what a dial with the same arguments needs, without dialling.
func doctor(args []string) int {
	s, err := settings(args)
	if err != nil {
		return fail(err)
	}
	ctx, stop := daemonize.ContextUntilSignal(func(os.Signal) {})
	defer stop()
	d := examine(ctx, s)
	if s.JSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(d)
	} else {
		err = d.write(os.Stdout)
	}
	if err != nil {
		return fail(fmt.Errorf("cannot write the findings: %w", err))
	}
	if !d.OK {
		return exitFatal
	}
	return exitOK
}

// examine makes all checks. It takes some seconds if no concentrator answers.
func examine(ctx context.Context, s *pppd.Settings) *diagnosis {
	d := &diagnosis{Interface: attachment(s).String(), OK: true}
	for _, text := range s.Warnings {
		d.add("options", warning, "", "%s", strings.TrimPrefix(text, "Warning - "))
	}
	for _, check := range []func(context.Context, *diagnosis, *pppd.Settings){
		checkRights, checkTUN, checkInterface, checkMTU, checkKernel, checkRunning, checkConcentrators, checkLogin, checkDNS,
	} {
		check(ctx, d, s)
	}
	return d
}

// peerName returns a client's name for a message.
func peerName(call, iface string) string { return cmp.Or(call, iface) }
