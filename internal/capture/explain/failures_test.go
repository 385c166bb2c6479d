package explain_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/internal/capture/explain"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/pap"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// failures are sessions that go wrong, by the code of their first problem; "-" and a number follow where
// there are several. The golden files are testdata/failures/NAME.txt.
var failures = []struct {
	name string
	make func(*scenario)
}{
	{"no-pado", func(s *scenario) {
		for _, wait := range []time.Duration{5, 10, 20} {
			s.padi()
			s.wait(wait * time.Second)
		}
		s.later(0)
	}},
	{"no-pado-2", func(s *scenario) { // another host gets answers on another VLAN
		s.vlan = vlan.Stack{{TPID: vlan.CTag, VID: 7}}
		s.host[5] = 3
		s.up()
		s.host[5], s.vlan = 2, vlan.Stack{}
		s.padi()
		s.later(6 * time.Second)
	}},
	{"pado-other-vlan", func(s *scenario) {
		s.vlan = vlan.Stack{{TPID: vlan.CTag, VID: 7}}
		s.padi()
		s.vlan[0].VID = 8
		s.pado()
		s.later(6 * time.Second)
	}},
	{"pado-error", func(s *scenario) {
		s.padi()
		s.pado(tag{wire.TagACSystemError, "too many sessions"})
		s.later(6 * time.Second)
	}},
	{"pado-without-name", func(s *scenario) {
		s.padi()
		s.discovery(s.ac, s.host, wire.PADO, 0, anyService)
		s.wait(5 * time.Second)
		s.padi()
		s.later(6 * time.Second)
	}},
	{"pado-without-service", func(s *scenario) {
		s.discovery(s.host, wire.Broadcast, wire.PADI, 0, tag{wire.TagServiceName, "fibre"})
		s.pado()
		s.later(6 * time.Second)
	}},
	{"no-padr", func(s *scenario) {
		for range 3 {
			s.padi()
			s.pado()
			s.wait(5 * time.Second)
		}
		s.later(0)
	}},
	{"no-pads", func(s *scenario) {
		s.padi()
		s.pado()
		for range 3 {
			s.padr()
			s.wait(5 * time.Second)
		}
		s.later(0)
	}},
	{"padr-cookie", func(s *scenario) {
		s.padi()
		s.pado()
		s.discovery(s.host, s.ac, wire.PADR, 0, anyService, tag{wire.TagACCookie, "other"})
		s.later(6 * time.Second)
	}},
	{"pads-service-name-error", func(s *scenario) { s.refuse(tag{wire.TagServiceNameError, "no such service"}) }},
	{"pads-ac-system-error", func(s *scenario) { s.refuse(tag{wire.TagACSystemError, "session limit exceeded\x1b[31m"}) }},
	{"pads-generic-error", func(s *scenario) { s.refuse(tag{wire.TagGenericError, ""}) }},
	{"pads-without-session", func(s *scenario) { s.refuse() }},
	{"no-lcp", func(s *scenario) {
		s.discover()
		s.later(30 * time.Second)
	}},
	{"lcp-silent", func(s *scenario) {
		s.discover()
		for range 10 {
			s.send(byHost, ppp.LCP, request, 1, mru(1492), magic(hostMagic))
			s.wait(3 * time.Second)
		}
		s.padt(byHost)
	}},
	{"lcp-loop", func(s *scenario) {
		s.discover()
		for i := range byte(3) {
			s.send(byHost, ppp.LCP, request, i, mru(1492), magic(hostMagic+uint32(i)))
			s.send(byAC, ppp.LCP, request, i, mru(1492), magic(hostMagic+uint32(i)))
			s.send(byHost, ppp.LCP, nak, i, magic(0x33333333+uint32(i)))
			s.send(byAC, ppp.LCP, nak, i, magic(0x33333333+uint32(i)))
		}
		s.later(6 * time.Second)
	}},
	{"auth-mismatch", func(s *scenario) {
		s.discover()
		s.send(byHost, ppp.LCP, request, 1, mru(1492), magic(hostMagic))
		s.send(byAC, ppp.LCP, ack, 1, mru(1492), magic(hostMagic))
		for i := range byte(5) {
			s.send(byAC, ppp.LCP, request, i, mru(1492), auth(chap.MD5), magic(acMagic))
			s.send(byHost, ppp.LCP, nak, i, auth(pap.Method))
		}
		s.send(byAC, ppp.LCP, ppp.TerminateRequest, 6, "peer refused to authenticate")
		s.send(byHost, ppp.LCP, ppp.TerminateAck, 6)
		s.padt(byAC)
	}},
	{"auth-mismatch-2", func(s *scenario) { // no credentials are configured
		s.discover()
		s.send(byAC, ppp.LCP, request, 1, mru(1492), auth(chap.MSv2), magic(acMagic))
		s.send(byHost, ppp.LCP, reject, 1, auth(chap.MSv2))
		s.padt(byAC)
	}},
	{"lcp-no-agreement", func(s *scenario) {
		s.discover()
		for i := range byte(6) {
			s.send(byHost, ppp.LCP, request, i, mru(1492), magic(hostMagic))
			s.send(byAC, ppp.LCP, nak, i, mru(1400))
		}
		s.later(6 * time.Second)
	}},
	{"ack-differs", func(s *scenario) {
		s.discover()
		s.send(byHost, ppp.LCP, request, 1, mru(1492), magic(hostMagic))
		s.send(byAC, ppp.LCP, ack, 1, mru(1492))
		s.later(6 * time.Second)
	}},
	{"mru-above-1492", func(s *scenario) {
		s.discover()
		s.send(byHost, ppp.LCP, request, 1, mru(1500), magic(hostMagic))
		s.send(byAC, ppp.LCP, nak, 1, mru(1492))
		s.link(nil)
		s.ipv4()
		s.later(6 * time.Second)
	}},
	{"max-payload-ignored", func(s *scenario) {
		s.padi(tag{wire.TagMaxPayload, "\x05\xdc"})
		s.pado()
		s.padr(tag{wire.TagMaxPayload, "\x05\xdc"})
		s.pads()
		s.link(nil)
		s.ipv4()
		s.data(byAC, 1500)
	}},
	{"mtu-path", func(s *scenario) {
		s.up()
		s.send(byHost, ppp.LCP, echoReq, 1, s.echo(hostMagic), make([]byte, 1484))
		s.wait(3 * time.Second)
		s.send(byHost, ppp.LCP, echoReq, 2, s.echo(hostMagic))
		s.send(byAC, ppp.LCP, ppp.EchoReply, 2, s.echo(acMagic))
	}},
	{"pap-nak", func(s *scenario) {
		s.discover()
		s.link(pap.Method)
		s.login(pap.AuthenticateNak, "Login incorrect")
		s.send(byAC, ppp.LCP, ppp.TerminateRequest, 2, "Authentication failed")
		s.padt(byAC)
	}},
	{"chap-failure", func(s *scenario) {
		s.discover()
		s.link(chap.MD5)
		s.challenge(byAC, chap.Challenge, "bras-1")
		s.challenge(byHost, chap.Response, "alice")
		s.send(byAC, ppp.CHAP, chap.Failure, 9)
		s.padt(byAC)
	}},
	{"mschap-failure", func(s *scenario) {
		s.discover()
		s.link(chap.MSv2)
		s.challenge(byAC, chap.Challenge, "bras-1")
		s.send(byHost, ppp.CHAP, chap.Response, 9, chap.AppendValue(nil, make([]byte, 49), "alice"))
		s.send(byAC, ppp.CHAP, chap.Failure, 9, "E=691 R=0 C=00112233445566778899aabbccddeeff V=3 M=Access denied")
		s.padt(byAC)
	}},
	{"eap-failure", func(s *scenario) {
		s.discover()
		s.link(eap.MD5)
		s.eap(byAC, eap.Request, 1, eap.Identity, "")
		s.eap(byHost, eap.Response, 1, eap.Identity, "alice")
		s.eap(byAC, eap.Request, 2, eap.MD5Challenge, "\x0212")
		s.eap(byHost, eap.Response, 2, eap.MD5Challenge, "\x0234")
		s.send(byAC, ppp.EAP, eap.Failure, 2)
		s.padt(byAC)
	}},
	{"eap-no-method", func(s *scenario) {
		s.discover()
		s.link(eap.MD5)
		s.eap(byAC, eap.Request, 1, eap.Identity, "")
		s.eap(byHost, eap.Response, 1, eap.Identity, "alice")
		s.eap(byAC, eap.Request, 2, 25, "")
		s.eap(byHost, eap.Response, 2, eap.Nak, "\x04")
		s.send(byAC, ppp.EAP, eap.Failure, 2)
		s.padt(byAC)
	}},
	{"auth-not-started", func(s *scenario) {
		s.discover()
		s.link(pap.Method)
		s.later(30 * time.Second)
	}},
	{"auth-no-challenge", func(s *scenario) {
		s.discover()
		s.link(chap.MD5)
		s.later(30 * time.Second)
	}},
	{"auth-no-answer", func(s *scenario) {
		s.discover()
		s.link(pap.Method)
		for range 4 {
			s.papRequest()
			s.wait(3 * time.Second)
		}
		s.padt(byHost)
	}},
	{"no-network", func(s *scenario) {
		s.discover()
		s.link(pap.Method)
		s.login(pap.AuthenticateAck, "")
		s.later(30 * time.Second)
	}},
	{"network-silent", func(s *scenario) {
		s.discover()
		s.link(nil)
		for range 10 {
			s.send(byHost, ppp.IPCP, request, 1, address(ipcp.OptAddress, 0, 0, 0, 0))
			s.wait(3 * time.Second)
		}
		s.padt(byHost)
	}},
	{"ipcp-no-address", func(s *scenario) {
		s.discover()
		s.link(pap.Method)
		s.login(pap.AuthenticateAck, "")
		for i := range byte(3) {
			s.send(byHost, ppp.IPCP, request, i, address(ipcp.OptAddress, 0, 0, 0, 0))
			s.send(byAC, ppp.IPCP, nak, i, address(ipcp.OptAddress, 0, 0, 0, 0))
		}
		s.send(byHost, ppp.LCP, ppp.TerminateRequest, 2, "No network protocols running")
		s.padt(byHost)
	}},
	{"ipcp-no-address-2", func(s *scenario) {
		s.discover()
		s.link(nil)
		ac := address(ipcp.OptAddress, 192, 0, 2, 1)
		s.send(byAC, ppp.IPCP, request, 1, ac)
		s.send(byHost, ppp.IPCP, ack, 1, ac)
		s.send(byHost, ppp.IPCP, request, 1, address(ipcp.OptAddress, 0, 0, 0, 0))
		s.send(byAC, ppp.IPCP, reject, 1, address(ipcp.OptAddress, 0, 0, 0, 0))
		s.send(byHost, ppp.IPCP, request, 2)
		s.send(byAC, ppp.IPCP, ack, 2)
		s.later(6 * time.Second)
	}},
	{"network-no-agreement", func(s *scenario) {
		s.discover()
		s.link(nil)
		for i := range byte(5) {
			s.send(byHost, ppp.IPCP, request, i, address(ipcp.OptAddress, 198, 51, 100, 9))
			s.send(byAC, ppp.IPCP, nak, i, address(ipcp.OptAddress, 192, 0, 2, 10))
		}
		s.later(6 * time.Second)
	}},
	{"ipcp-rejected", func(s *scenario) {
		s.discover()
		s.link(nil)
		s.send(byHost, ppp.IPCP, request, 1, address(ipcp.OptAddress, 0, 0, 0, 0))
		s.send(byAC, ppp.LCP, ppp.ProtocolReject, 2, "\x80\x21\x01\x01\x00\x0a\x03\x06\x00\x00\x00\x00")
		s.send(byHost, ppp.LCP, ppp.TerminateRequest, 3, "No network protocols running")
		s.padt(byHost)
	}},
	{"dns-rejected", func(s *scenario) {
		s.discover()
		s.link(nil)
		s.send(byHost, ppp.IPCP, request, 9, address(ipcp.OptAddress, 192, 0, 2, 10), address(ipcp.OptPrimaryDNS, 0, 0, 0, 0))
		s.send(byAC, ppp.IPCP, reject, 9, address(ipcp.OptPrimaryDNS, 0, 0, 0, 0))
		s.ipv4()
	}},
	{"network-terminated", func(s *scenario) {
		s.up()
		s.send(byAC, ppp.IPCP, ppp.TerminateRequest, 5, "address withdrawn")
		s.send(byHost, ppp.IPCP, ppp.TerminateAck, 5)
		s.later(6 * time.Second)
	}},
	{"echo-timeout", func(s *scenario) {
		s.up()
		s.send(byHost, ppp.LCP, echoReq, 1, s.echo(hostMagic))
		s.send(byAC, ppp.LCP, ppp.EchoReply, 1, s.echo(acMagic))
		for i := range byte(5) {
			s.wait(10 * time.Second)
			s.send(byHost, ppp.LCP, echoReq, 2+i, s.echo(hostMagic))
		}
		s.send(byHost, ppp.LCP, ppp.TerminateRequest, 2, "Peer not responding")
		s.padt(byHost)
	}},
	{"echo-loss", func(s *scenario) {
		s.up()
		for i := range byte(4) {
			s.wait(10 * time.Second)
			s.send(byHost, ppp.LCP, echoReq, 2+i, s.echo(hostMagic))
		}
		s.send(byAC, ppp.LCP, ppp.EchoReply, 5, s.echo(hostMagic))
	}},
	{"ac-ended", func(s *scenario) {
		s.up()
		s.wait(time.Hour)
		s.send(byAC, ppp.LCP, ppp.TerminateRequest, 2, "Session-Timeout")
		s.send(byHost, ppp.LCP, ppp.TerminateAck, 2)
		s.padt(byAC)
	}},
	{"ac-ended-2", func(s *scenario) {
		s.up()
		s.padt(byAC, tag{wire.TagGenericError, "maintenance"})
	}},
	{"ac-gave-up", func(s *scenario) {
		s.discover()
		s.link(pap.Method)
		s.padt(byAC)
	}},
	{"host-gave-up", func(s *scenario) {
		s.discover()
		s.link(pap.Method)
		s.send(byHost, ppp.LCP, ppp.TerminateRequest, 2, "User request")
	}},
	{"padt-unknown-sender", func(s *scenario) {
		s.up()
		s.discovery(wire.Addr{2, 0, 0x5e, 0, 0x53, 0x66}, s.host, wire.PADT, s.id)
		s.data(byHost, 84)
	}},
	{"packets-after-padt", func(s *scenario) {
		s.up()
		s.padt(byHost)
		s.wait(20 * time.Second)
		s.send(byAC, ppp.LCP, echoReq, 7, s.echo(acMagic))
	}},
	{"session-unknown-to-peer", func(s *scenario) {
		s.send(byAC, ppp.LCP, echoReq, 7, s.echo(acMagic))
		s.padt(byHost)
	}},
	{"forbidden-option", func(s *scenario) {
		s.discover()
		s.send(byHost, ppp.LCP, request, 9, magic(0), ppp.Option{Type: 8}, ppp.Option{Type: 7}, ppp.Option{Type: 2, Value: make([]byte, 4)})
		s.send(byAC, ppp.LCP, reject, 9, ppp.Option{Type: 8}, ppp.Option{Type: 7}, ppp.Option{Type: 2, Value: make([]byte, 4)})
		s.link(nil)
		s.ipv4()
	}},
	{"service-name-count", func(s *scenario) {
		s.discovery(s.host, wire.Broadcast, wire.PADI, 0)
		s.later(6 * time.Second)
	}},
	{"malformed", func(s *scenario) {
		s.discover()
		s.frame(byHost, []byte{0xc0, 0x21, 1, 1, 0, 99, 1})
		s.link(nil)
		s.ipv4()
	}},
}

// refuse has a discovery that the concentrator refuses.
func (s *scenario) refuse(tags ...tag) {
	s.padi()
	s.pado()
	s.padr()
	s.id = 0
	s.pads(tags...)
	s.later(6 * time.Second)
}

func TestFailures(t *testing.T) {
	for _, c := range failures {
		t.Run(c.name, func(t *testing.T) {
			s := newScenario()
			c.make(s)
			r := explained(t, c.name+".pcap", s.pcap(t), explain.Options{})
			golden(t, filepath.Join("testdata", "failures", c.name+".txt"), r)
			code := strings.TrimRight(c.name, "-0123456789")
			if c.name == "mru-above-1492" {
				code = c.name
			}
			for _, session := range r.Sessions {
				for _, p := range session.Problems {
					if p.Code == code {
						return
					}
				}
			}
			t.Errorf("no problem %s was found", code)
		})
	}
}
