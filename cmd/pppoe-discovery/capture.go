package main

import (
	"fmt"
	"strings"

	"upppoe/internal/capture"
	"upppoe/internal/version"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// openCapture opens the capture file, if one is wanted, and returns the port whose frames are captured.
func (p *program) openCapture(f *flags, port datapath.Port) (datapath.Port, error) {
	if f.pcap.Path == "" {
		return port, nil
	}
	name := f.attachment().Interface
	cfg := capture.Config{Config: f.pcap, ShowPasswords: true, Report: func(err error) { p.say(f, "pppoe-discovery: "+err.Error()) }}
	cfg.Interface, cfg.Program = name, version.Line("pppoe-discovery")
	var err error
	if p.capture, err = capture.Open(cfg); err != nil {
		return nil, err
	}
	return p.capture.Port(port, capture.Link{Interface: name}), nil
}

// comment describes an answer in the capture.
func (p *program) comment(a answer) {
	if p.capture == nil {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%v)", wire.Quote(a.Name()), a.AC)
	if a.scanned {
		fmt.Fprintf(&b, " on VLAN %v", a.VLAN)
	}
	fmt.Fprintf(&b, " answered after %v", a.Latency)
	if a.unexpected {
		b.WriteString("; it was not expected")
	}
	p.capture.Comment(b.String())
}
