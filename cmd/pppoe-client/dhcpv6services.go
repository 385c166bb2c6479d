package main

import (
	"net/netip"
	"strings"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/mgmt/status"
)

// serviceEvent returns the services from DHCPv6 in the form of events.
func serviceEvent(s *dhcp6.Services) status.Services {
	return status.Services{
		AFTR: s.AFTR, NTP: append(texts(s.NTP), s.NTPNames...), SNTP: texts(s.SNTP),
		MAPE: s.MAPE, MAPT: s.MAPT, LW4o6: s.LW4o6, FourRD: s.FourRD,
	}
}

// serviceEnv returns the services from DHCPv6 as environment variables for scripts. Several values are
// separated by spaces.
func serviceEnv(s *dhcp6.Services) (env []string) {
	add := func(name string, values ...string) {
		if text := strings.Join(values, " "); text != "" {
			env = append(env, name+"="+text)
		}
	}
	add("AFTR", s.AFTR)
	add("NTP_IP", texts(s.NTP)...)
	add("NTP_FQDN", s.NTPNames...)
	add("SNTP_IP", texts(s.SNTP)...)
	add("MAPE", s.MAPE...)
	add("MAPT", s.MAPT...)
	add("LW4O6", s.LW4o6...)
	add("FOURRD", s.FourRD)
	return env
}

func texts(list []netip.Addr) (text []string) {
	for _, a := range list {
		text = append(text, a.String())
	}
	return text
}
