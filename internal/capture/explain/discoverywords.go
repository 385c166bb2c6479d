package explain

import (
	"fmt"
	"strings"

	"upppoe/pppoe/wire"
)

// discoveryText is a discovery packet in words.
func discoveryText(d wire.Discovery) string {
	service := servicesText(d)
	switch d.Code {
	case wire.PADI:
		return "is there a concentrator for " + service + "?" + payloadText(d)
	case wire.PADO:
		if e, isError := d.Tags.FindError(); isError {
			return "no: " + errorText(e)
		}
		return acName(d) + " offers " + service + payloadText(d)
	case wire.PADR:
		return "requests a session for " + service + payloadText(d)
	case wire.PADS:
		if e, isError := d.Tags.FindError(); isError {
			return "refuses: " + errorText(e)
		}
		return fmt.Sprintf("session 0x%04x begins", d.SessionID) + payloadText(d)
	case wire.PADT:
		if e, isError := d.Tags.FindError(); isError {
			return fmt.Sprintf("ends session 0x%04x: %s", d.SessionID, errorText(e))
		}
		return fmt.Sprintf("ends session 0x%04x", d.SessionID)
	}
	return ""
}

func payloadText(d wire.Discovery) string {
	if n := d.Tags.MaxPayload(); n > 0 {
		return fmt.Sprintf(" (PPP-Max-Payload %d)", n)
	}
	return ""
}

// servicesText names the services of a packet, at most three of them.
func servicesText(d wire.Discovery) string {
	var all []string
	for t := range d.Tags.All() {
		if t.Type == wire.TagServiceName {
			all = append(all, serviceText(wire.EscapeName(string(t.Value))))
		}
	}
	switch {
	case len(all) == 0:
		return "no service"
	case len(all) > 3:
		return fmt.Sprintf("%s and %d more services", strings.Join(all[:3], ", "), len(all)-3)
	}
	return strings.Join(all, ", ")
}

// serviceText names an escaped service.
func serviceText(name string) string {
	if name == "" {
		return "any service"
	}
	return `service "` + name + `"`
}

func acName(d wire.Discovery) string {
	name, ok := d.Tags.Find(wire.TagACName)
	if !ok {
		return "an unnamed concentrator"
	}
	return `"` + wire.EscapeName(string(name)) + `"`
}

func acText(f *frame, d wire.Discovery) string {
	if _, ok := d.Tags.Find(wire.TagACName); ok {
		return acName(d)
	}
	return f.src.String()
}

// tagTitles are the names of error tags in RFC 2516.
var tagTitles = map[wire.TagType]string{
	wire.TagServiceNameError: "Service-Name-Error", wire.TagACSystemError: "AC-System-Error", wire.TagGenericError: "Generic-Error",
}

// errorText is an error tag in words. What the peer says is escaped.
func errorText(e wire.Error) string {
	if e.Text == "" {
		return tagTitles[e.Tag]
	}
	return tagTitles[e.Tag] + " " + quote([]byte(e.Text))
}

// quote returns an untrusted text in quotes, escaped and bounded.
func quote(text []byte) string {
	return `"` + strings.ReplaceAll(wire.EscapeText(string(text)), `"`, `\042`) + `"`
}

// tagsText is a discovery packet's tags in pppd's words.
func tagsText(d wire.Discovery) string {
	var b []byte
	b = fmt.Appendf(b, "%v session 0x%x length %d", d.Code, d.SessionID, len(d.Tags))
	for t := range d.Tags.All() {
		b = append(t.AppendTruncated(append(b, " ["...)), ']')
		if len(b) > maxPacket {
			break
		}
	}
	return string(b)
}
