package dhcp6

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// Ports of client and server (RFC 8415 section 7.2).
const (
	ClientPort = 546
	ServerPort = 547
)

// AllRelayAgentsAndServers is the multicast address of all servers and relay agents on a link (RFC
// 8415 section 7.1).
var AllRelayAgentsAndServers = netip.MustParseAddr("ff02::1:2")

// Reasons for which a message is dropped (RFC 8415 section 16).
var (
	ErrMessage    = errors.New("malformed DHCPv6 message")
	ErrUnexpected = errors.New("it does not belong to the present exchange")
	ErrClient     = errors.New("missing or wrong client identifier")
	ErrServer     = errors.New("missing or wrong server identifier")
	ErrEmpty      = errors.New("it has no usable lease")
	ErrStatus     = errors.New("rejected by the server")
)

// Bounds of received messages.
const (
	maxMessage = 4096 // octets; larger messages are not expected
	maxLeases  = 8    // per association
	maxServers = 8
	maxDomains = 8
)

// headerLen is the length of a message's header (RFC 8415 section 8).
const headerLen = 4

// optionInfMaxRT is an option code that the library lacks (RFC 8415 section 21.25).
const optionInfMaxRT dhcpv6.OptionCode = 83

// parse parses a message and the options that are used here. A malformed association is ignored,
// which RFC 8415 section 16 leaves to the receiver: the other associations are still usable.
func parse(b []byte) (*dhcpv6.Message, error) {
	if len(b) < headerLen || len(b) > maxMessage {
		return nil, ErrMessage
	}
	m := &dhcpv6.Message{MessageType: dhcpv6.MessageType(b[0]), TransactionID: dhcpv6.TransactionID(b[1:headerLen])}
	if err := m.Options.FromBytesWithParser(b[headerLen:], parseOption); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	return m, nil
}

func parseOption(code dhcpv6.OptionCode, data []byte) (dhcpv6.Option, error) {
	switch code {
	case dhcpv6.OptionStatusCode:
		return dhcpv6.ParseOption(code, data)
	case dhcpv6.OptionIANA, dhcpv6.OptionIAPD:
		return parseIA(code, data), nil
	}
	return rawOption(code, data), nil
}

// iaHeaderLen is the length of an association without its options: IAID, T1 and T2 (RFC 8415
// sections 21.4 and 21.21).
const iaHeaderLen = 12

// optionMalformed replaces the code of a malformed option, so that it is ignored: the code is
// reserved (RFC 8415 section 24), and the library requires options of known codes to be
// well-formed.
const optionMalformed dhcpv6.OptionCode = 0

func parseIA(code dhcpv6.OptionCode, data []byte) dhcpv6.Option {
	var within dhcpv6.Options
	if len(data) < iaHeaderLen || within.FromBytesWithParser(data[iaHeaderLen:], parseSuboption) != nil {
		return rawOption(optionMalformed, data)
	}
	id, t1, t2 := [4]byte(data), parseSeconds(data[4:]), parseSeconds(data[8:])
	if code == dhcpv6.OptionIANA {
		return &dhcpv6.OptIANA{IaId: id, T1: t1, T2: t2, Options: dhcpv6.IdentityOptions{Options: within}}
	}
	return &dhcpv6.OptIAPD{IaId: id, T1: t1, T2: t2, Options: dhcpv6.PDOptions{Options: within}}
}

// parseSuboption parses an option of an association. A malformed lease is ignored; a malformed
// status invalidates the association, as it may have been a rejection.
func parseSuboption(code dhcpv6.OptionCode, data []byte) (dhcpv6.Option, error) {
	switch code {
	case dhcpv6.OptionStatusCode:
		return dhcpv6.ParseOption(code, data)
	case dhcpv6.OptionIAAddr, dhcpv6.OptionIAPrefix:
		if o, err := dhcpv6.ParseOption(code, data); err == nil {
			return o, nil
		}
		return rawOption(optionMalformed, data), nil
	}
	return rawOption(code, data), nil
}

func parseSeconds(b []byte) time.Duration {
	return time.Duration(binary.BigEndian.Uint32(b)) * time.Second
}

func rawOption(code dhcpv6.OptionCode, data []byte) dhcpv6.Option {
	return &dhcpv6.OptionGeneric{OptionCode: code, OptionData: bytes.Clone(data)}
}

// optionData returns the value of an option; nil: there is none.
func optionData(m *dhcpv6.Message, code dhcpv6.OptionCode) []byte {
	if o, ok := m.GetOneOption(code).(*dhcpv6.OptionGeneric); ok {
		return o.OptionData
	}
	return nil
}

// hasOption reports whether there is an option, which may be empty.
func hasOption(m *dhcpv6.Message, code dhcpv6.OptionCode) bool { return m.GetOneOption(code) != nil }

// optionSeconds returns the value of an option that is a number of seconds; 0: there is none, or it
// is out of bounds.
func optionSeconds(m *dhcpv6.Message, code dhcpv6.OptionCode, least, most time.Duration) time.Duration {
	b := optionData(m, code)
	if len(b) != 4 {
		return 0
	}
	d := parseSeconds(b)
	if d < least || d > most {
		return 0
	}
	return d
}

// nameServers returns the name servers of a message (RFC 3646 section 3).
func nameServers(m *dhcpv6.Message) []netip.Addr {
	return addressList(optionData(m, dhcpv6.OptionDNSRecursiveNameServer))
}

// searchDomains returns the search domains of a message (RFC 3646 section 4).
func searchDomains(m *dhcpv6.Message) []string {
	return domainNames(optionData(m, dhcpv6.OptionDomainSearchList))
}

// status is a message or an association, which may have a status code option.
type status interface {
	Status() *dhcpv6.OptStatusCode
}

// statusCode returns a status code; without the option it is Success (RFC 8415 section 21.13).
func statusCode(s status) iana.StatusCode {
	if o := s.Status(); o != nil {
		return o.StatusCode
	}
	return iana.StatusSuccess
}
