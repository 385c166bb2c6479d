package main

import (
	"fmt"
	"io"
	"strings"

	"upppoe/pppoe/wire"
)

// printer prints answers as they arrive.
type printer interface {
	answer(a answer)
	end()
}

func (p *program) printer(f *flags) printer {
	switch {
	case f.quiet:
		return silent{}
	case f.json:
		return &document{to: p.out}
	case f.verbose:
		return verbose{p.out}
	}
	return plain{p.out}
}

type silent struct{}

func (silent) answer(answer) {}
func (silent) end()          {}

// plain prints like pppd's program: tags in order, then the address. Lines that pppd's program does not
// have come first.
type plain struct{ to io.Writer }

const maxCookie = 20

func (p plain) answer(a answer) {
	if e, refused := a.Tags.FindError(); refused {
		fmt.Fprintf(p.to, "Refused: %s\n", wire.Escape(e.Text))
	}
	if a.unexpected {
		fmt.Fprintln(p.to, "Unexpected: yes")
	}
	if a.scanned {
		fmt.Fprintf(p.to, "VLAN: %v\n", a.VLAN)
	}
	for t := range a.Tags.All() {
		p.tag(t)
	}
	if n := a.Tags.MaxPayload(); n > 0 {
		fmt.Fprintf(p.to, "Max-Payload: %d\n", n)
	}
	fmt.Fprintf(p.to, "AC-Ethernet-Address: %v\n%s\n", a.AC, strings.Repeat("-", 50))
}

func (p plain) tag(t wire.Tag) {
	switch {
	case t.Type == wire.TagACName:
		fmt.Fprintf(p.to, "Access-Concentrator: %s\n", wire.Escape(string(t.Value)))
	case t.Type == wire.TagServiceName && len(t.Value) > 0:
		fmt.Fprintf(p.to, "Service-Name: %s\n", wire.Escape(string(t.Value)))
	case t.Type == wire.TagACCookie:
		fmt.Fprintf(p.to, "Cookie: %s\n", octets(t.Value))
	case t.Type == wire.TagRelaySessionID:
		fmt.Fprintf(p.to, "Relay-ID: %s\n", octets(t.Value))
	}
}

func (plain) end() {}

func octets(b []byte) string {
	text := strings.TrimSpace(fmt.Sprintf("% 02x", b[:min(len(b), maxCookie)]))
	if len(b) > maxCookie {
		text += "..."
	}
	return text
}

// verbose prints all tags decoded, the vendor and the latency.
type verbose struct{ to io.Writer }

func (p verbose) answer(a answer) {
	fmt.Fprintf(p.to, "%v", a.AC)
	if v := vendor(a.AC); v != "" {
		fmt.Fprintf(p.to, " (%s)", v)
	}
	if a.scanned {
		fmt.Fprintf(p.to, " on VLAN %v", a.VLAN)
	}
	fmt.Fprintf(p.to, " after %.3f ms", a.milliseconds())
	if a.scanned && a.RequestVLAN != a.VLAN {
		fmt.Fprintf(p.to, ", asked on VLAN %v", a.RequestVLAN)
	}
	if a.unexpected {
		fmt.Fprint(p.to, ", UNEXPECTED")
	}
	fmt.Fprintln(p.to)
	for t := range a.Tags.All() {
		p.tag(t)
	}
}

func (p verbose) tag(t wire.Tag) {
	details := t.Details()
	name := t.Type.String()
	switch {
	case len(details) == 0:
		fmt.Fprintf(p.to, "  %s\n", name)
	case len(details) == 1 && details[0].Name == "text":
		fmt.Fprintf(p.to, "  %-18s %s\n", name, wire.Quote(details[0].Value))
	case len(details) == 1 && strings.HasSuffix(details[0].Name, "hexadecimal"):
		fmt.Fprintf(p.to, "  %-18s 0x%s\n", name, details[0].Value)
	case len(details) == 1:
		fmt.Fprintf(p.to, "  %-18s %s\n", name, details[0].Value)
	default:
		fmt.Fprintf(p.to, "  %s\n", name)
		for _, d := range details {
			fmt.Fprintf(p.to, "    %s: %s\n", d.Name, wire.Escape(d.Value))
		}
	}
}

func (verbose) end() {}
