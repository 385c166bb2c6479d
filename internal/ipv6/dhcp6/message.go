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

// Ports of both sides (RFC 8415 section 7.2).
const (
	ClientPort = 546
	ServerPort = 547
)

// AllRelayAgentsAndServers is the group of all servers and relay agents on a link (RFC 8415 section
// 7.1).
var AllRelayAgentsAndServers = netip.MustParseAddr("ff02::1:2")

// Why a message is dropped (RFC 8415 section 16).
var (
	ErrMessage    = errors.New("it is malformed")
	ErrUnexpected = errors.New("it does not answer what was asked")
	ErrClient     = errors.New("it is for another client, or names none")
	ErrServer     = errors.New("it is for another server, or names none")
	ErrEmpty      = errors.New("it offers nothing of what was asked for")
	ErrStatus     = errors.New("the server says no")
)

// Bounds of what is read.
const (
	maxMessage = 4096 // octets; a message is not fragmented in earnest
	maxLeases  = 8    // of one association
	maxServers = 8
	maxDomains = 8
)

// headerLen is that of a message's header (RFC 8415 section 8).
const headerLen = 4

// optionInfMaxRT is an option's code that the library lacks (RFC 8415 section 21.25).
const optionInfMaxRT dhcpv6.OptionCode = 83

// parse reads a message. Of its options only those are looked into that matter here. An
// association that is malformed counts for nothing, as if it were not there, which RFC 8415
// section 16 leaves to us: what is wrong in one does not take away what the others give.
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

// iaHeaderLen is that of an association without its options: IAID, T1 and T2 (RFC 8415
// sections 21.4 and 21.21).
const iaHeaderLen = 12

// optionMalformed is the code that an option gets which counts for nothing: it is reserved (RFC 8415
// section 24), and the library expects an option of a known code to be well formed.
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

// parseSuboption reads an option of an association. A lease that is malformed is none; a status
// that is malformed could have been a refusal, so the association counts for nothing.
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

// optionData is the value of an option; nil: there is none.
func optionData(m *dhcpv6.Message, code dhcpv6.OptionCode) []byte {
	if o, ok := m.GetOneOption(code).(*dhcpv6.OptionGeneric); ok {
		return o.OptionData
	}
	return nil
}

// hasOption reports whether there is an option, be it empty.
func hasOption(m *dhcpv6.Message, code dhcpv6.OptionCode) bool { return m.GetOneOption(code) != nil }

// optionSeconds is the value of an option that is a number of seconds within bounds; 0: there
// is none, or it is to be ignored.
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

// nameServers are the name servers of a message (RFC 3646 section 3).
func nameServers(m *dhcpv6.Message) []netip.Addr {
	return addressList(optionData(m, dhcpv6.OptionDNSRecursiveNameServer))
}

// searchDomains are those to search for names (RFC 3646 section 4).
func searchDomains(m *dhcpv6.Message) []string {
	return domainNames(optionData(m, dhcpv6.OptionDomainSearchList))
}

// status is what a server says of a message or of an association.
type status interface {
	Status() *dhcpv6.OptStatusCode
}

// statusCode is a status; none is Success (RFC 8415 section 21.13).
func statusCode(s status) iana.StatusCode {
	if o := s.Status(); o != nil {
		return o.StatusCode
	}
	return iana.StatusSuccess
}
