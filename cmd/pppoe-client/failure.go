package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/ppp/trace"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// failure collects what a dial has seen, and explains it if the dial has failed. It is used by one goroutine at a
// time.
type failure struct {
	settings  *pppd.Settings
	began     time.Time
	padis     int
	offered   []string // concentrators that have answered, escaped
	rejected  *discovery.Rejection
	missing   wire.Code             // that discovery has waited for in vain
	unmatched []discovery.Unmatched // concentrators that have answered and were not acceptable
	session   pppoe.SessionInfo
	linkUp    bool
	network   bool // authentication is over
	online    bool
	method    string // by which we have authenticated ourselves, or tried to
	refusal   *session.AuthFailed
	wanted    []byte // the authentication that the peer insists on
	ipcp      error
	ended     *session.Reason
}

// maxOffered bounds the concentrators that are named: any station can answer.
const maxOffered = 4

// notify collects an event.
func (f *failure) notify(l pppoe.SessionInfo, event pppoe.Event) {
	switch e := event.(type) {
	case pppoe.DiscoverySent:
		if e.Packet.Code == wire.PADI {
			f.countPADI()
		}
	case pppoe.DiscoveryReceived:
		f.addOffer(e.Packet)
	case pppoe.Rejected:
		r := e.Rejection
		f.rejected = &r
	case pppoe.DiscoveryTimeout:
		f.missing, f.unmatched = e.Missing, e.Unmatched
	case pppoe.SessionEstablished:
		f.session = l
	case session.LinkUp:
		f.linkUp = true
	case session.Authenticated:
		if !e.Peer {
			f.method = e.Method.Name()
		}
	case session.AuthFailed:
		if !e.Peer {
			f.method, f.refusal = e.Method.Name(), &e
		}
	case session.UnsupportedAuthMethod:
		f.wanted = slices.Clone(e.Requested)
	case session.NetworkPhase:
		f.network = true
	case session.NetworkFailed:
		if e.Protocol == ppp.IPCP {
			f.ipcp = e.Err
		}
	case pppoe.Configured, pppoe.Adopted:
		f.online = true
	case pppoe.Ended:
		f.ended = &e.Reason
	case pppoe.AwaitingRedial:
		*f = failure{settings: f.settings}
	}
}

func (f *failure) countPADI() {
	if f.padis == 0 {
		f.began = time.Now()
	}
	f.padis++
}

func (f *failure) addOffer(p wire.DiscoveryFrame) {
	name, ok := p.Tags.Find(wire.TagACName)
	who := fmt.Sprintf("%s (%v)", wire.EscapeName(string(name)), p.Src)
	if ok && p.Code == wire.PADO && len(f.offered) < maxOffered && !slices.Contains(f.offered, who) {
		f.offered = append(f.offered, who)
	}
}

// explanation says why a dial has failed: what was seen, the likely cause, and what to try next.
type explanation struct{ seen, cause, try string }

// lines returns the explanation for the log.
func (x explanation) lines() (all []string) {
	for _, part := range []struct{ name, text string }{{"Seen", x.seen}, {"Likely cause", x.cause}, {"Try", x.try}} {
		if part.text != "" {
			all = append(all, part.name+": "+part.text)
		}
	}
	return all
}

// isSilence reports whether no concentrator has answered at all.
func (f *failure) isSilence() bool {
	return f.missing == wire.PADO && len(f.unmatched) == 0 && len(f.offered) == 0 && f.rejected == nil
}

// explain returns the explanation; the zero value: there is none, as the dial came online, or the log says it.
func (f *failure) explain(now time.Time) explanation {
	switch {
	case f.online || f.padis == 0 && f.session.SessionID == 0:
		return explanation{}
	case f.session.SessionID != 0:
		return f.explainSession()
	case f.rejected != nil:
		return f.explainRejection()
	case f.missing == wire.PADS:
		return explanation{
			fmt.Sprintf("%s answered PADI, but not PADR", f.who()),
			"it does not serve this host: its limit of sessions is reached, or it expects another Ethernet address",
			fmt.Sprintf("wait some minutes; or option pppoe-source-mac with the address of the router that worked; pppoe-client doctor %s", f.settings.Interface),
		}
	case f.missing == wire.PADO:
		return f.explainSilence(now)
	}
	return explanation{}
}

func (f *failure) explainSilence(now time.Time) explanation {
	x := explanation{seen: fmt.Sprintf("PADI sent %s in %.0f s on %v", times(f.padis), now.Sub(f.began).Seconds(), attachment(f.settings))}
	x.try = "pppoe-client doctor " + f.settings.Interface
	switch {
	case f.isSilence():
		x.seen += ", and no answer"
		x.cause = "another VLAN or interface than the provider's, or the line is not in service"
	case len(f.offered) > 0:
		x.seen += ", and no acceptable answer, but one from " + strings.Join(f.offered, ", ")
		x.cause = "an option excludes the concentrators that answer"
		if len(f.unmatched) > 0 {
			x.try = cmp.Or(searchOptions.Suggestion(f.unmatched[0]), x.try)
		}
	}
	return x
}

// who returns the concentrators that have answered.
func (f *failure) who() string {
	if len(f.offered) == 0 {
		return "a concentrator"
	}
	return f.offered[0]
}

func (f *failure) explainRejection() explanation {
	r := f.rejected
	service := "any service"
	if f.settings.Service != "" {
		service = "Service-Name " + wire.Quote(f.settings.Service)
	}
	x := explanation{seen: fmt.Sprintf("%v refused our request for %s: %v", r.AC, service, r.Tag)}
	if r.Text != "" {
		x.seen += " " + wire.Quote(r.Text)
	}
	switch r.Tag {
	case wire.TagServiceNameError:
		x.cause = "it does not offer this service"
		x.try = fmt.Sprintf("pppoe-discovery -I %s lists its services; set pppoe-service to one of them, or omit it", f.settings.Interface)
	case wire.TagACSystemError:
		x.cause = "it has no room for another session; an earlier session of this line may still be open, for some minutes"
		x.try = "again in some minutes; option persist does so"
	default:
		x.cause = "the text is the concentrator's; ask the provider"
		x.try = fmt.Sprintf("pppoe-client doctor %s", f.settings.Interface)
	}
	return x
}

// explainSession explains a session that ended before it was online.
func (f *failure) explainSession() explanation {
	at := fmt.Sprintf("session %d at %s (%v)", f.session.SessionID, wire.EscapeName(f.session.ACName), f.session.Peer)
	name := wire.Quote(ownName(f.settings))
	switch {
	case f.ended == nil || f.ended.Cause == session.CauseUserRequest || f.ended.Cause == session.CauseNetworkConfigFailed:
		return explanation{}
	case f.wanted != nil:
		return explanation{at + ": it insists on authentication by " + trace.AuthName(f.wanted), "this method is not implemented, or an option like refuse-chap excludes it, or there is no user and password for it",
			"remove the option; or ask the provider for CHAP or PAP"}
	case f.refusal != nil:
		x := explanation{seen: fmt.Sprintf("%s: it rejected name %s by %s", at, name, f.method), cause: "incorrect name or password, or the account is locked or online elsewhere",
			try: "check user (often with @realm) and password-file; repeated failures lock some accounts"}
		if f.refusal.Message != "" {
			x.seen += ", with the text " + wire.Quote(f.refusal.Message)
		}
		return x
	case !f.linkUp:
		return explanation{at + ": LCP did not open" + f.endText(), "the concentrator does not answer LCP: frames of ethertype 0x8864 are filtered, or it still has an earlier session",
			fmt.Sprintf("again in some minutes; or with pcap /tmp/%s.pcapng, and then pppoe-discovery explain /tmp/%s.pcapng", f.settings.Interface, f.settings.Interface)}
	case !f.network:
		return explanation{fmt.Sprintf("%s: it ended during authentication as %s%s", at, name, f.endText()), "the concentrator does not accept this name, or its AAA server does not answer",
			"check user (often with @realm) and password-file; again in some minutes"}
	case f.ipcp != nil:
		return explanation{fmt.Sprintf("%s: authentication succeeded, and IPCP failed: %v", at, f.ipcp), "the account has no IPv4 address, or the address pool of the provider is exhausted",
			"noip for IPv6 alone; ADDRESS: (with the colon) if the provider has assigned a fixed address; or ask the provider"}
	}
	return explanation{seen: at + ": it ended after authentication, without addresses" + f.endText(), cause: "the concentrator has no addresses for this account", try: "ask the provider; option debug shows every packet"}
}

// endText returns how the session ended.
func (f *failure) endText() string {
	if f.ended.Text == "" {
		return ": " + f.ended.Cause.String()
	}
	return ": " + wire.EscapeText(f.ended.Text)
}
