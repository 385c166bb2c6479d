package dhcp6

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/rfc1035label"

	"upppoe/internal/ipv6/lifetime"
)

// OptionRequest selects the options to request in addition to leases and name servers.
type OptionRequest struct {
	// AFTR is the tunnel endpoint of Dual-Stack Lite (RFC 6334).
	AFTR bool
	// NTP requests time servers, by both options (RFC 5908, RFC 4075).
	NTP bool
	// S46 requests the parameters of MAP-E, MAP-T, Lightweight 4over6 (RFC 7598) and 4rd (RFC
	// 7600).
	S46 bool
}

// Services are the options of an OptionRequest that a server has sent. All text is safe in a
// script's environment.
type Services struct {
	AFTR     string       // a domain name
	NTP      []netip.Addr // time servers and their multicast groups
	NTPNames []string     // time servers by domain name
	SNTP     []netip.Addr // SNTP servers, the older option
	// MAPE, MAPT and LW4o6 are the rules of a container, each as NAME=VALUE pairs separated by
	// commas, like "type=map-e,ealen=16,prefix4len=24,...".
	MAPE, MAPT, LW4o6 []string
	// FourRD is the 4rd container in hexadecimal.
	FourRD string
}

// Empty reports whether no option was received.
func (s *Services) Empty() bool {
	return s.AFTR == "" && s.FourRD == "" &&
		len(s.NTP)+len(s.NTPNames)+len(s.SNTP)+len(s.MAPE)+len(s.MAPT)+len(s.LW4o6) == 0
}

// Equal reports whether both have the same values.
func (s *Services) Equal(o *Services) bool {
	return s.AFTR == o.AFTR && s.FourRD == o.FourRD &&
		slices.Equal(s.NTP, o.NTP) && slices.Equal(s.NTPNames, o.NTPNames) && slices.Equal(s.SNTP, o.SNTP) &&
		slices.Equal(s.MAPE, o.MAPE) && slices.Equal(s.MAPT, o.MAPT) && slices.Equal(s.LW4o6, o.LW4o6)
}

func (s *Services) clone() Services {
	c := *s
	c.NTP, c.NTPNames, c.SNTP = slices.Clone(s.NTP), slices.Clone(s.NTPNames), slices.Clone(s.SNTP)
	c.MAPE, c.MAPT, c.LW4o6 = slices.Clone(s.MAPE), slices.Clone(s.MAPT), slices.Clone(s.LW4o6)
	return c
}

// Option codes that the library lacks or names differently (RFC 5908 section 4, RFC 7598 section 4,
// RFC 7600 section 4.9).
const (
	optionSNTP  dhcpv6.OptionCode = 31
	optionNTP   dhcpv6.OptionCode = 56
	optionAFTR  dhcpv6.OptionCode = 64
	optionMAPE  dhcpv6.OptionCode = 94
	optionMAPT  dhcpv6.OptionCode = 95
	optionLW4o6 dhcpv6.OptionCode = 96
	option4RD   dhcpv6.OptionCode = 97
)

// codes returns the option codes for the Option Request option (RFC 8415 section 21.7).
func (r OptionRequest) codes() (list []dhcpv6.OptionCode) {
	if r.AFTR {
		list = append(list, optionAFTR)
	}
	if r.NTP {
		list = append(list, optionNTP, optionSNTP)
	}
	if r.S46 {
		list = append(list, optionMAPE, optionMAPT, optionLW4o6, option4RD)
	}
	return list
}

// services parses the requested options. Options that were not requested are ignored.
func (r OptionRequest) services(m *dhcpv6.Message) (s Services) {
	if r.AFTR {
		if names := domainNames(optionData(m, optionAFTR)); len(names) == 1 {
			s.AFTR = names[0]
		}
	}
	if r.NTP {
		s.NTP, s.NTPNames = timeServers(optionData(m, optionNTP))
		s.SNTP = addressList(optionData(m, optionSNTP))
	}
	if r.S46 {
		s.MAPE = s46Rules("map-e", optionData(m, optionMAPE))
		s.MAPT = s46Rules("map-t", optionData(m, optionMAPT))
		s.LW4o6 = s46Rules("lw4o6", optionData(m, optionLW4o6))
		s.FourRD = hexContainer(optionData(m, option4RD))
	}
	return s
}

// Suboptions of a time server (RFC 5908 section 4).
const (
	ntpAddress   = 1
	ntpMulticast = 2
	ntpName      = 3
)

// timeServers parses option 56, in which each suboption is one server.
func timeServers(b []byte) (list []netip.Addr, names []string) {
	for code, value := range suboptions(b) {
		switch code {
		case ntpAddress, ntpMulticast:
			a, ok := netip.AddrFromSlice(value)
			fit := code == ntpAddress && lifetime.IsServerAddress(a) || code == ntpMulticast && a.Is6() && a.IsMulticast()
			if ok && fit && !slices.Contains(list, a) && len(list) < maxServers {
				list = append(list, a)
			}
		case ntpName:
			for _, name := range domainNames(value) {
				if !slices.Contains(names, name) && len(names) < maxServers {
					names = append(names, name)
				}
			}
		}
	}
	return list, names
}

// suboptions iterates over the options within an option, up to the first truncated one.
func suboptions(b []byte) func(yield func(code uint16, value []byte) bool) {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= 4 {
			code, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
			if 4+n > len(b) || !yield(code, b[4:4+n]) {
				return
			}
			b = b[4+n:]
		}
	}
}

// addressList parses an option that is a list of server addresses.
func addressList(b []byte) (list []netip.Addr) {
	for one := range slices.Chunk(b, 16) {
		a, ok := netip.AddrFromSlice(one)
		if ok && lifetime.IsServerAddress(a) && !slices.Contains(list, a) && len(list) < maxServers {
			list = append(list, a)
		}
	}
	return list
}

// domainNames returns the valid names of a list (RFC 8415 section 10).
func domainNames(b []byte) (list []string) {
	labels, err := rfc1035label.FromBytes(b)
	if err != nil {
		return nil
	}
	for _, d := range labels.Labels {
		if lifetime.IsDomainName(d) && !slices.Contains(list, d) && len(list) < maxDomains {
			list = append(list, d)
		}
	}
	return list
}
