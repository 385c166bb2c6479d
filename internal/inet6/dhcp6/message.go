package dhcp6

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
	"github.com/insomniacslk/dhcp/rfc1035label"

	"upppoe/internal/inet6/learned"
)

// Ports of both sides (RFC 8415 section 7.2).
const (
	ClientPort = 546
	ServerPort = 547
)

// Servers is the group of all servers and relay agents on a link (RFC 8415 section
// 7.1).
var Servers = netip.MustParseAddr("ff02::1:2")

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

// parse reads a message. Of its options only those are looked into that matter here.
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
	case dhcpv6.OptionIANA, dhcpv6.OptionIAPD, dhcpv6.OptionStatusCode:
		return dhcpv6.ParseOption(code, data)
	}
	return raw(code, data), nil
}

func raw(code dhcpv6.OptionCode, data []byte) dhcpv6.Option {
	return &dhcpv6.OptionGeneric{OptionCode: code, OptionData: bytes.Clone(data)}
}

// data is the value of an option; nil: there is none.
func data(m *dhcpv6.Message, code dhcpv6.OptionCode) []byte {
	if o, ok := m.GetOneOption(code).(*dhcpv6.OptionGeneric); ok {
		return o.OptionData
	}
	return nil
}

// has says whether there is an option, be it empty.
func has(m *dhcpv6.Message, code dhcpv6.OptionCode) bool { return m.GetOneOption(code) != nil }

// seconds is the value of an option that is a number of seconds within bounds; 0: there
// is none, or it is to be ignored.
func seconds(m *dhcpv6.Message, code dhcpv6.OptionCode, least, most time.Duration) time.Duration {
	b := data(m, code)
	if len(b) != 4 {
		return 0
	}
	d := time.Duration(binary.BigEndian.Uint32(b)) * time.Second
	if d < least || d > most {
		return 0
	}
	return d
}

// servers are the name servers of a message (RFC 3646 section 3).
func servers(m *dhcpv6.Message) (list []netip.Addr) {
	for b := range slices.Chunk(data(m, dhcpv6.OptionDNSRecursiveNameServer), 16) {
		a, ok := netip.AddrFromSlice(b)
		if ok && learned.Server(a) && !slices.Contains(list, a) && len(list) < maxServers {
			list = append(list, a)
		}
	}
	return list
}

// domains are those to search for names (RFC 3646 section 4).
func domains(m *dhcpv6.Message) (list []string) {
	labels, err := rfc1035label.FromBytes(data(m, dhcpv6.OptionDomainSearchList))
	if err != nil {
		return nil
	}
	for _, d := range labels.Labels {
		if learned.Domain(d) && !slices.Contains(list, d) && len(list) < maxDomains {
			list = append(list, d)
		}
	}
	return list
}

// status is what a server says of a message or of an association.
type status interface {
	Status() *dhcpv6.OptStatusCode
}

// code is a status; none is Success (RFC 8415 section 21.13).
func code(s status) iana.StatusCode {
	if o := s.Status(); o != nil {
		return o.StatusCode
	}
	return iana.StatusSuccess
}
