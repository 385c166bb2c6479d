package dhcp6

import (
	"fmt"
	"slices"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// Rejection is why a server has not given something of what was asked for.
type Rejection struct {
	// Resource is what it has not given: "address" or "prefix".
	Resource string
	// Reason is the status in RFC 8415's words, or what its answer lacks.
	Reason string
	// StatusMessage is what the server says of it: untrusted, and at most 128 octets.
	StatusMessage string
	Server        DUID
}

// Kinds of what can be refused.
const (
	rejectedAddress = iota
	rejectedPrefix
	rejectionKinds
)

// maxStatusMessage bounds a server's words, in octets.
const maxStatusMessage = 128

// Rejections are those in the last answers of servers. What has been given since is not among
// them.
func (c *Client) Rejections() (list []Rejection) {
	for _, r := range c.rejections {
		if r.Reason != "" {
			list = append(list, r)
		}
	}
	return list
}

// Unanswered is how often the present message has been sent, which no server has answered in any
// way; 0: nothing waits for an answer.
func (c *Client) Unanswered() int {
	if c.answered || c.state == releasing {
		return 0
	}
	return c.exchange.sent
}

// recordRejections keeps why an answer does not give what is wished for.
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

// concernsLeases reports whether a whole message's status says no more than that leases of one
// kind are not available, or nothing at all: servers of RFC 3315 say so there, and may still
// give the other kind (RFC 8415 section 18.2.9, RFC 7550 section 4.1).
func concernsLeases(s iana.StatusCode) bool {
	return s == iana.StatusSuccess || s == iana.StatusNoAddrsAvail || s == iana.StatusNoPrefixAvail
}

// statusName is a status code in the RFCs' words (RFC 8415 section 21.13, and later ones).
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
