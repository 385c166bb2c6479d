package dhcp6

import (
	"fmt"
	"slices"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// Rejection is why a server has not assigned a requested lease.
type Rejection struct {
	// Resource is "address" or "prefix".
	Resource string
	// Reason is the status code's name in RFC 8415, or what is missing in the answer.
	Reason string
	// StatusMessage is the server's text, at most 128 octets. It is untrusted: escape it before
	// printing.
	StatusMessage string
	Server        DUID
}

// Indexes of Client.rejections.
const (
	rejectedAddress = iota
	rejectedPrefix
	rejectionKinds
)

// maxStatusMessage bounds a server's text, in octets.
const maxStatusMessage = 128

// Rejections returns those of the last answers. Leases that have been assigned since are not among
// them.
func (c *Client) Rejections() (list []Rejection) {
	for _, r := range c.rejections {
		if r.Reason != "" {
			list = append(list, r)
		}
	}
	return list
}

// Unanswered returns how often the present message has been sent without any answer; 0: no answer
// is awaited.
func (c *Client) Unanswered() int {
	if c.answered || c.state == releasing {
		return 0
	}
	return c.exchange.sent
}

// recordRejections records why an answer has no usable lease.
func (c *Client) recordRejections(m *dhcpv6.Message, server DUID, address, prefix *receivedIA) {
	c.rejections = [rejectionKinds]Rejection{}
	if c.want.Address && !address.usable() {
		c.rejections[rejectedAddress] = newRejection("address", "IA_NA", m, server, address)
	}
	if c.want.Prefix && !prefix.usable() {
		c.rejections[rejectedPrefix] = newRejection("prefix", "IA_PD", m, server, prefix)
	}
}

func newRejection(what, option string, m *dhcpv6.Message, server DUID, o *receivedIA) Rejection {
	r := Rejection{Resource: what, Server: slices.Clone(server), Reason: "no usable " + option + " in its answer"}
	switch {
	case o != nil && o.status != iana.StatusSuccess:
		r.Reason, r.StatusMessage = statusName(o.status), o.message
	case statusCode(m.Options) != iana.StatusSuccess:
		r.Reason, r.StatusMessage = statusName(statusCode(m.Options)), statusMessage(m.Options)
	case o != nil:
		r.Reason = "no usable " + what + " in the " + option + " of its answer"
	}
	return r
}

// concernsLeases reports whether the status of a whole message is Success or concerns leases of one
// kind only: servers of RFC 3315 put it there, and may still assign the other kind (RFC 8415
// section 18.2.9, RFC 7550 section 4.1).
func concernsLeases(s iana.StatusCode) bool {
	return s == iana.StatusSuccess || s == iana.StatusNoAddrsAvail || s == iana.StatusNoPrefixAvail
}

// statusName returns the name of a status code (RFC 8415 section 21.13, and later RFCs).
func statusName(s iana.StatusCode) string {
	if name := s.String(); name != "Unknown" {
		return name
	}
	return fmt.Sprintf("status %d", uint16(s))
}

func statusMessage(s status) string {
	o := s.Status()
	if o == nil {
		return ""
	}
	return o.StatusMessage[:min(len(o.StatusMessage), maxStatusMessage)]
}
